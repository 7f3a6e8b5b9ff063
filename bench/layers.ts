/** The layers that are measured: data files, and what can be told from a layer without running it. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { nn } from '../lib';
import type { ConvSpec } from '../lib/binding';

const CLASSES = {
  Conv1d: nn.Conv1d,
  Conv2d: nn.Conv2d,
  Conv3d: nn.Conv3d,
  ConvTranspose1d: nn.ConvTranspose1d,
  ConvTranspose2d: nn.ConvTranspose2d,
  ConvTranspose3d: nn.ConvTranspose3d,
} as const;

export type LayerKind = keyof typeof CLASSES;
export type ConvLayer = InstanceType<(typeof CLASSES)[LayerKind]>;

/** One number for all dimensions, or one for each. */
export type Sizes = number | number[];

/** One row of a file in `shapes/`: a layer of a published network and the input it meets there. */
export interface LayerCase {
  name: string;
  network: string;
  layer: LayerKind;
  /** inChannels, outChannels, kernelSize. */
  args: [number, number, Sizes];
  options: {
    stride?: Sizes;
    padding?: Sizes;
    dilation?: Sizes;
    outputPadding?: Sizes;
    groups?: number;
  };
  /** (N, C, ...) */
  input: number[];
}

/** A layer's geometry, spelled out for each spatial dimension. */
export interface Geometry {
  transposed: boolean;
  kernel: number[];
  stride: number[];
  padding: number[];
  dilation: number[];
  outputPadding: number[];
  groups: number;
}

export function geometryOf({ layer, args, options, input }: LayerCase): Geometry {
  const each = (sizes: Sizes): number[] =>
    typeof sizes === 'number' ? Array<number>(input.length - 2).fill(sizes) : sizes;
  return {
    transposed: layer.startsWith('ConvTranspose'),
    kernel: each(args[2]),
    stride: each(options.stride ?? 1),
    padding: each(options.padding ?? 0),
    dilation: each(options.dilation ?? 1),
    outputPadding: each(options.outputPadding ?? 0),
    groups: options.groups ?? 1,
  };
}

/** The layer as the addon takes it. */
export function specOf(layer: LayerCase): ConvSpec {
  const { padding, ...rest } = geometryOf(layer);
  const [inChannels, outChannels] = layer.args;
  const padded = { padLow: padding, padHigh: padding, paddingMode: 'zeros' } as const;
  return { inChannels, outChannels, ...rest, ...padded };
}

/** What sort of work a layer is, one of the names of the files in `shapes/kinds/`. */
export function kindOf(layer: LayerCase): string {
  const { transposed, kernel, stride, dilation, groups } = geometryOf(layer);
  const [inChannels] = layer.args;
  const strided = stride.some((step) => step > 1) ? '-strided' : '';
  if (transposed)
    return kernel.every((k, d) => k === stride[d]) ? 'transposed-tiles' : 'transposed';
  if (groups > 1) return groups === inChannels ? 'depthwise' : 'grouped';
  if (kernel.length !== 2) return `${kernel.length}d`;
  const largest = Math.max(...kernel);
  if (inChannels <= 4 && largest > 1) return 'stem';
  if (dilation.some((distance) => distance > 1)) return 'dilated';
  if (largest === 1) return `1x1${strided}`;
  if (largest <= 3) return `3x3${strided}`;
  return 'large-kernel';
}

/**
 * The multiply-accumulates that the result takes: those of a direct sum without the taps that fall on
 * padding.
 */
export function neededMacs(layer: LayerCase, outputShape: readonly number[]): number {
  const { transposed, kernel, stride, padding, dilation, groups } = geometryOf(layer);
  const [inChannels, outChannels] = layer.args;
  let macs = (layer.input[0] * inChannels * outChannels) / groups;
  for (const [d, taps] of kernel.entries()) {
    // The window steps over `from` and meets pixels of `to`: output and input, or the reverse.
    const [from, to] = transposed
      ? [layer.input[d + 2], outputShape[d + 2]]
      : [outputShape[d + 2], layer.input[d + 2]];
    let meetings = 0;
    for (let tap = 0; tap < taps; tap++) {
      const offset = tap * dilation[d] - padding[d];
      const first = Math.max(0, Math.ceil(-offset / stride[d]));
      const last = Math.min(from - 1, Math.floor((to - 1 - offset) / stride[d]));
      meetings += Math.max(0, last - first + 1);
    }
    macs *= meetings;
  }
  return macs;
}

const SHAPES = path.join(__dirname, 'shapes');

/** Names of the shape files: of the sample, of networks, and of kinds as `kinds/NAME`. */
export function shapeFiles(): string[] {
  const names = (dir: string): string[] =>
    fs
      .readdirSync(path.join(SHAPES, dir))
      .filter((file) => file.endsWith('.json'))
      .map((file) => path.posix.join(dir, file.slice(0, -'.json'.length)))
      .sort();
  return [...names('.'), ...names('kinds')];
}

/**
 * The layers of these files whose name, network or kind contains `filter`, whatever its case. A name
 * stands for one layer, in whichever files, and comes once.
 */
export function loadLayers(files: readonly string[], filter: string): LayerCase[] {
  const wanted = filter.toLowerCase();
  const found = new Map<string, LayerCase>();
  for (const file of files) {
    const text = fs.readFileSync(path.join(SHAPES, `${file}.json`), 'utf8');
    for (const layer of JSON.parse(text) as LayerCase[]) {
      const texts = [layer.name, layer.network, kindOf(layer)];
      if (texts.some((t) => t.toLowerCase().includes(wanted)) && !found.has(layer.name)) {
        found.set(layer.name, layer);
      }
    }
  }
  return [...found.values()];
}

export function build(layer: LayerCase): ConvLayer {
  return new CLASSES[layer.layer](...layer.args, layer.options);
}
