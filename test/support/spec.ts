/** From a layer's arguments, as a user writes them, to the fully spelled-out spec of the addon. */
import type { ConvSpec } from '../../lib/binding';

export type NumberOrTuple = number | readonly number[];

export type LayerName =
  'Conv1d' | 'Conv2d' | 'Conv3d' | 'ConvTranspose1d' | 'ConvTranspose2d' | 'ConvTranspose3d';

export interface LayerOptions {
  stride?: NumberOrTuple;
  padding?: NumberOrTuple | 'same' | 'valid';
  outputPadding?: NumberOrTuple;
  dilation?: NumberOrTuple;
  groups?: number;
  bias?: boolean;
  paddingMode?: ConvSpec['paddingMode'];
}

export type LayerArgs = readonly [
  inChannels: number,
  outChannels: number,
  kernelSize: NumberOrTuple,
];

export function spatialDims(layer: LayerName): number {
  return Number(layer.at(-2));
}

export function isTransposed(layer: LayerName): boolean {
  return layer.startsWith('ConvTranspose');
}

export function specOf(layer: LayerName, args: LayerArgs, options: LayerOptions = {}): ConvSpec {
  const nd = spatialDims(layer);
  const spread = (value: NumberOrTuple): readonly number[] =>
    typeof value === 'object' && value.length === nd
      ? value
      : new Array<number>(nd).fill(typeof value === 'object' ? value[0] : value);
  const kernel = spread(args[2]);
  const dilation = spread(options.dilation ?? 1);
  const padding = options.padding ?? 0;
  const reach = kernel.map((k, d) => dilation[d] * (k - 1));
  const numbers = spread(typeof padding === 'string' ? 0 : padding);
  const same = padding === 'same';
  return {
    transposed: isTransposed(layer),
    inChannels: args[0],
    outChannels: args[1],
    groups: options.groups ?? 1,
    kernel,
    stride: spread(options.stride ?? 1),
    dilation,
    padLow: same ? reach.map((r) => Math.floor(r / 2)) : numbers,
    padHigh: same ? reach.map((r) => r - Math.floor(r / 2)) : numbers,
    outputPadding: spread(options.outputPadding ?? 0),
    paddingMode: options.paddingMode ?? 'zeros',
  };
}

/** PyTorch's layout: `(out, in/groups, ...)`, transposed `(in, out/groups, ...)`. */
export function weightShape(spec: ConvSpec): number[] {
  const { transposed, inChannels, outChannels, groups, kernel } = spec;
  return transposed
    ? [inChannels, outChannels / groups, ...kernel]
    : [outChannels, inChannels / groups, ...kernel];
}

export function product(values: readonly number[]): number {
  return values.reduce((total, value) => total * value, 1);
}
