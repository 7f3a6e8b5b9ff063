/** What layers of a network return, as pictures. */
import { argTypeError, argValueError, pyList, shapeError, show } from '../errors';
import { Module } from '../nn/module';
import { boolean, oneOf, optionsOf } from '../options';
import { isTensor, readData, type Tensor } from '../tensor';
import { type Colormap, COLORMAPS } from './colormap';
import { isConvolution } from './convolutions';
import type { Panel } from './figure';
import { Image } from './image';
import { cellFor, colorRange, curvePanel, mapPanel, squareColumns, threeSizes } from './panels';
import { finiteRange } from './range';
import { checkCount, MAX_CELL } from './settings';

export interface FeatureMapOptions {
  /** Names as `namedModules` gives them, '' for the model. Default: every convolution. */
  layers?: string | readonly string[];
  /** At most so many channels are shown, the first ones. Default 16. */
  maxChannels?: number;
  /** Which sample of the batch. Default 0. */
  sample?: number;
  /** Channels in a row. Default: as many as make a square. */
  nrow?: number;
  /** Units a value: pixels of a PNG at scale 1. Default: so many that a map has about 84. */
  scale?: number;
  /** 'viridis' (default), 'gray', 'magma' or 'coolwarm'. */
  colormap?: Colormap;
  /** Whether each channel is scaled by its own range, or all by that of all that are shown. Default true. */
  scaleEach?: boolean;
}

const TARGET = 84;

/**
 * The outputs of layers in one run of `model.forward(...inputs)`, one picture for each run of a layer,
 * by name in the order in which they ran; the second run of a layer has `#2` behind its name.
 *
 * Outputs of shape (N, C, H, W) are grids of maps, each labelled with its channel, its smallest and its
 * largest value; (N, C, D, H, W) rows of slices by depth; (N, C, L) line plots; (N, F) one line plot.
 * Inputs are batches; one sample of them is shown. The model is run as it is: call `eval()` first to
 * see what it does in use. Hooks are taken away again, also where the run throws.
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE, also for a layer that there is
 *   not or that did not run; RangeError ERR_NNCONV_SHAPE for an output of another shape; TypeError
 *   ERR_NNCONV_UNKNOWN_OPTION; whatever the model throws
 */
export function featureMaps(
  model: Module,
  input: Tensor | readonly Tensor[],
  options?: FeatureMapOptions,
): Map<string, Image> {
  if (!(model instanceof Module)) throw argTypeError(`model must be a Module, got ${show(model)}`);
  const settings = check(options);
  const layers = layersOf(model, settings.layers);
  const outputs = run(model, isTensor(input) ? [input] : input, layers, settings.sample);
  for (const [module, name] of layers) {
    if (!outputs.some((output) => output.module === module)) {
      throw argValueError(`layer '${name}' did not run in forward`);
    }
  }
  const runs = new Map<string, number>();
  return new Map(
    outputs.map(({ module, value }) => {
      const name = layers.get(module)!;
      const nth = (runs.get(name) ?? 0) + 1;
      runs.set(name, nth);
      const key = nth === 1 ? name : `${name}#${nth}`;
      return [key, draw(key, module, value, settings)];
    }),
  );
}

interface Output {
  readonly module: Module;
  /** Of one sample, without the dimension of the batch. */
  readonly value: Tensor;
}

function run(
  model: Module,
  inputs: readonly Tensor[],
  layers: ReadonlyMap<Module, string>,
  sample: number,
): Output[] {
  const outputs: Output[] = [];
  const hooks: { remove(): void }[] = [];
  try {
    for (const [module, name] of layers) {
      hooks.push(
        module.registerForwardHook((_, __, output) => {
          // A copy: a layer behind may work in place.
          outputs.push({ module, value: sampleOf(name, output, sample) });
        }),
      );
    }
    model.forward(...inputs);
  } finally {
    for (const hook of hooks) hook.remove();
  }
  return outputs;
}

function sampleOf(name: string, output: unknown, sample: number): Tensor {
  if (!isTensor(output) || output.dtype !== 'float32') {
    throw argTypeError(`layer '${name}' must return a float32 Tensor, got ${show(output)}`);
  }
  const { shape } = output;
  if (shape.length < 2 || shape.length > 5 || shape.includes(0)) {
    throw shapeError(
      `layer '${name}' must return a batch of shape (N, F), (N, C, L), (N, C, H, W) or ` +
        `(N, C, D, H, W), nothing of it 0, got ${pyList(shape)}`,
    );
  }
  if (sample >= shape[0]) {
    throw argValueError(
      `sample must be below ${shape[0]}, the batch size of layer '${name}', got ${sample}`,
    );
  }
  return (output as Tensor).select(0, sample);
}

interface Settings {
  layers?: readonly string[];
  maxChannels: number;
  sample: number;
  nrow?: number;
  scale?: number;
  colormap: Colormap;
  scaleEach: boolean;
}

function check(options: FeatureMapOptions | undefined): Settings {
  const given = optionsOf('featureMaps', options, [
    'layers',
    'maxChannels',
    'sample',
    'nrow',
    'scale',
    'colormap',
    'scaleEach',
  ]);
  const { layers, maxChannels = 16, sample = 0, nrow, scale, scaleEach = true } = given;
  checkCount('maxChannels', maxChannels, 1);
  checkCount('sample', sample, 0);
  checkCount('nrow', nrow, 1);
  checkCount('scale', scale, 1, MAX_CELL);
  const colormap = oneOf('colormap', given.colormap ?? 'viridis', COLORMAPS);
  const names = typeof layers === 'string' ? [layers] : layers;
  if (names !== undefined && !Array.isArray(names)) {
    throw argTypeError(`layers must be a string or an array of strings, got ${show(names)}`);
  }
  return {
    layers: names,
    maxChannels,
    sample,
    nrow,
    scale,
    colormap,
    scaleEach: boolean('scaleEach', scaleEach),
  };
}

function layersOf(model: Module, names: readonly string[] | undefined): Map<Module, string> {
  const layers = new Map<Module, string>();
  if (names === undefined) {
    for (const [name, module] of model.namedModules()) {
      if (isConvolution(module)) layers.set(module, name);
    }
    if (layers.size === 0) {
      throw argValueError('layers must be given for a model without convolutions');
    }
  } else {
    for (const name of names) layers.set(model.getSubmodule(name), name);
    if (layers.size === 0) throw argValueError('layers must name at least one layer, got []');
  }
  return layers;
}

function draw(name: string, module: Module, value: Tensor, settings: Settings): Image {
  const { colormap, scaleEach, maxChannels } = settings;
  // (F) is one line, as (1, L) is.
  const [channels, ...size] = value.ndim === 1 ? [1, ...value.shape] : value.shape;
  const count = Math.min(channels, maxChannels);
  const [depth, height, width] = threeSizes(size);
  const data = readData(value);
  const plane = height * width;
  const shown = data.subarray(0, count * depth * plane);
  const curves = size.length === 1;
  const rangeOf = (values: Float32Array) =>
    curves ? finiteRange(values) : colorRange(values, colormap);
  const common = scaleEach ? undefined : rangeOf(shown);
  const panels = Array.from({ length: count }, (_, c): Panel[] => {
    const values = shown.subarray(c * depth * plane, (c + 1) * depth * plane);
    const range = common ?? rangeOf(values);
    if (curves) {
      const named =
        value.ndim === 1
          ? { label: 'features', title: 'features' }
          : { label: String(c), title: `channel ${c}` };
      return [curvePanel(named, values, range)];
    }
    return Array.from({ length: depth }, (_, d) => {
      const slice = values.subarray(d * plane, (d + 1) * plane);
      const named =
        size.length === 2
          ? { label: String(c), title: `channel ${c}` }
          : { label: `${c} z${d}`, title: `channel ${c}, slice ${d}` };
      return mapPanel(named, { width, height, values: slice }, colormap, range);
    });
  }).flat();
  const title = name === '' ? module.constructor.name : name;
  const few = count < channels ? `${count} of ${channels} channels, ` : '';
  const scaled = scaleEach ? 'each by its own range' : 'all by one range';
  return new Image({
    title: `${title} ${pyList(value.shape)}`,
    note: `${few}${scaled}${curves ? '' : `, ${colormap}`}`,
    description:
      `What layer ${title} (${module.constructor.name}) returns for one sample, shape ` +
      `${pyList(value.shape)}: ${count === channels ? 'all' : `the first ${count} of`} ${channels} ` +
      'channels, each with its smallest and largest value.',
    columns: settings.nrow ?? (depth > 1 ? depth : squareColumns(count)),
    cell: settings.scale ?? cellFor(width, height, TARGET),
    panels,
  });
}
