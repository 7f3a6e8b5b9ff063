/** What the network is given, what its kernels look like, and what its layers see. */
import { escapeHtml } from '../html';
import { encodePng } from '../image';
import { ConvNd } from '../nn/conv';
import type { Module } from '../nn/module';
import type { Summary, SummaryLayer } from '../nn/summary';
import { readData, type Tensor, wrap } from '../tensor';
import { type AnyConv, featureMaps, type Image, kernels } from '../viz';
import { times } from './format';

/** Smaller pictures are shown with sharp pixels. */
const SMOOTH_FROM = 128;

/** The values from the smallest to the largest as 0 to 1. */
function stretched(values: Float32Array, shape: readonly number[]): Tensor {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const scale = high > low ? 1 / (high - low) : 0;
  return wrap(
    'float32',
    values.map((value) => (value - low) * scale),
    [...shape],
  );
}

/** The first sample as a picture: (N, C, H, W), or the middle of (N, C, D, H, W), with C 1, 3 or 4. */
function pictureOf(input: Tensor): { picture: Tensor; note: string } | undefined {
  const { shape } = input;
  if (shape.length < 4 || shape.includes(0) || ![1, 3, 4].includes(shape[1])) return undefined;
  const sample = input.select(0, 0);
  const notes = shape[0] > 1 ? [`the first of ${shape[0]}`] : [];
  if (shape.length === 4) {
    notes.push('from its smallest to its largest value');
    return { picture: stretched(readData(sample), sample.shape), note: notes.join(', ') };
  }
  const [channels, depth, height, width] = sample.shape;
  const middle = depth >> 1;
  const plane = height * width;
  const values = new Float32Array(channels * plane);
  const data = readData(sample);
  for (let c = 0; c < channels; c++) {
    const from = (c * depth + middle) * plane;
    values.set(data.subarray(from, from + plane), c * plane);
  }
  notes.push(`slice ${middle + 1} of ${depth}`);
  return { picture: stretched(values, [channels, height, width]), note: notes.join(', ') };
}

/** The input as a figure; '' where it can't be shown. `given` is the picture that it was made of. */
export function inputFigure(input: Tensor, given: Tensor | undefined): string {
  const found = given ? { picture: given, note: 'as it was given' } : pictureOf(input);
  if (!found) return '';
  const { picture, note } = found;
  const [, height, width] = picture.shape;
  const data = encodePng(picture).toString('base64');
  const smooth = Math.min(height, width) >= SMOOTH_FROM ? ' smooth' : '';
  const alt = `The input of the network, ${width} by ${height} pixels`;
  return (
    `<figure><img class="picture${smooth}" alt="${alt}" width="${width}" height="${height}" ` +
    `src="data:image/png;base64,${data}"><figcaption>${times(input.shape)}, ${note}</figcaption></figure>`
  );
}

function figure(title: string, note: string, image: Image): string {
  return (
    `<figure class="maps"><figcaption><b>${escapeHtml(title)}</b> <span class="muted">${escapeHtml(note)}</span>` +
    `</figcaption><div class="scroll" role="region" aria-label="${escapeHtml(image.title)}" tabindex="0">` +
    `${image.toSvg({ theme: 'auto' })}</div></figure>`
  );
}

const MOST_CONVS = 2;
const MOST_KERNELS = 32;

/** Kernels of the first convolutions with more than one tap; '' where there are none. */
export function kernelFigures(model: Module): string {
  const convs = [...model.namedModules()].filter(
    ([, module]) => module instanceof ConvNd && module.kernelSize.some((size) => size > 1),
  );
  return convs
    .slice(0, MOST_CONVS)
    .map(([name, module]) => {
      const conv = module as unknown as AnyConv;
      const [, columns, ...spatial] = conv.weight.shape;
      const rgb = spatial.length === 2 && columns === 3 && conv.groups === 1;
      const image = kernels(conv, { maxKernels: MOST_KERNELS, ...(rgb && { channel: 'rgb' }) });
      const part = rgb ? 'as colours' : 'of the first input channel';
      return figure(name === '' ? module.constructor.name : name, `kernels ${part}`, image);
    })
    .join('\n');
}

/** The layers at whose output the size changes next, by names of few parts, as they finish. */
function stagesOf({ layers }: Summary): SummaryLayer[] {
  const sizes = new Map<string, SummaryLayer>();
  for (const layer of layers) {
    const { outputShape, depth } = layer;
    if (depth === 0 || outputShape === null || outputShape.length < 3) continue;
    const spatial = outputShape.slice(2);
    if (spatial.every((size) => size === 1)) continue;
    const known = sizes.get(String(spatial));
    // A stage's own output, and not that of something in it.
    if (known === undefined || depth <= known.depth) sizes.set(String(spatial), layer);
  }
  const end = (layer: SummaryLayer): number => {
    let last = layers.indexOf(layer);
    while (last + 1 < layers.length && layers[last + 1].depth > layer.depth) last++;
    return last;
  };
  return [...sizes.values()].sort((a, b) => end(a) - end(b));
}

const MOST_CHANNELS = 16;
/** Of volumes, whose channels are rows of slices. */
const MOST_VOLUMES = 4;
const MOST_STAGES = 6;

/** Feature maps at the end of each stage; '' where no layer's output is a map. */
export function featureFigures(model: Module, inputs: readonly Tensor[], summary: Summary): string {
  const stages = stagesOf(summary).slice(0, MOST_STAGES);
  if (stages.length === 0) return '';
  const layers = stages.map(({ name }) => name);
  const volumes = stages.some(({ outputShape }) => outputShape!.length > 4);
  const maxChannels = volumes ? MOST_VOLUMES : MOST_CHANNELS;
  const images = featureMaps(model, inputs, { layers, maxChannels });
  return stages
    .map(({ name, className, outputShape, receptiveField }) => {
      const field =
        receptiveField === null ? '' : `, each value sees ${receptiveField.join(' × ')}`;
      return figure(name, `${className}, ${times(outputShape!)}${field}`, images.get(name)!);
    })
    .join('\n');
}
