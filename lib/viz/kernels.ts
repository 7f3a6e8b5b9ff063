/** The kernels of a convolution as pictures. */
import { argTypeError, argValueError, shapeError, show } from '../errors';
import { boolean, integer, oneOf, optionsOf } from '../options';
import { readData } from '../tensor';
import { type Colormap, COLORMAPS } from './colormap';
import { type AnyConv, isConvolution, isTransposed } from './convolutions';
import type { Panel } from './figure';
import { Image } from './image';
import {
  cellFor,
  colorRange,
  curvePanel,
  mapPanel,
  rgbPanel,
  squareColumns,
  threeSizes,
} from './panels';
import { finiteRange, type Range } from './range';
import { checkCount, MAX_CELL } from './settings';

export interface KernelOptions {
  /**
   * Which input channel's part of a kernel: its index within the group, 'mean' of all, or 'rgb' for all
   * three of a 2-d layer with three. Default 0.
   */
  channel?: number | 'rgb' | 'mean';
  /** Kernels in a row. Default: as many as make a square; a 3-d layer has a kernel's slices in a row. */
  nrow?: number;
  /** Units a weight: pixels of a PNG at scale 1. Default: so many that a kernel has about 72. */
  scale?: number;
  /** 'gray' (default), 'viridis', 'magma' or 'coolwarm'; none with 'rgb' and for line plots. */
  colormap?: Colormap;
  /** Whether each kernel is scaled by its own range, or all by that of all that are shown. Default true. */
  scaleEach?: boolean;
  /** At most so many kernels are shown, the first ones. Default 64, 16 for a 3-d layer. */
  maxKernels?: number;
}

const TARGET = 72;

/**
 * The kernels of a convolution, one for each output channel, as the tutorials'
 * `plt.imshow(weights[i, 0], cmap='gray')` in a grid; each labelled with its index and its smallest and
 * largest weight. Kernels of a 1-d layer are line plots, those of a 3-d layer rows of slices by depth.
 *
 * A NaN weight is magenta, a gap in a line plot; a panel with weights that are not finite has a `!`.
 *
 * @param conv a layer of the convolution family
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE; RangeError ERR_NNCONV_SHAPE
 *   for 'rgb' where there are not three channels or the layer is not 2-d, and for a layer without
 *   weights; TypeError ERR_NNCONV_UNKNOWN_OPTION
 */
export function kernels(conv: AnyConv, options?: KernelOptions): Image {
  if (!isConvolution(conv)) {
    throw argTypeError(`conv must be a layer of the convolution family, got ${show(conv)}`);
  }
  const settings = check(conv, options);
  const { channel, count } = settings;
  const shown = Array.from({ length: count }, (_, i) => kernelOf(conv, i, channel));
  const range = settings.scaleEach ? undefined : rangeOf(shown.flatMap((kernel) => [...kernel]));
  const panels = shown.flatMap((values, i) => panelsOf(conv, i, values, settings, range));
  const [depth] = threeSizes(conv.weight.shape.slice(2));
  const columns = depth > 1 ? depth : squareColumns(count);
  return new Image({
    title: String(conv),
    note: noteOf(conv, settings),
    description: describe(conv, settings),
    columns: settings.nrow ?? columns,
    cell: settings.scale,
    panels,
  });

  function rangeOf(values: readonly number[]): Range {
    const all = Float32Array.from(values);
    return settings.curves || channel === 'rgb'
      ? finiteRange(all)
      : colorRange(all, settings.colormap);
  }
}

interface Settings {
  channel: number | 'rgb' | 'mean';
  nrow?: number;
  scale: number;
  colormap: Colormap;
  scaleEach: boolean;
  /** Kernels to be shown. */
  count: number;
  /** Whether they are line plots. */
  curves: boolean;
}

function check(conv: AnyConv, options: KernelOptions | undefined): Settings {
  const given = optionsOf('kernels', options, [
    'channel',
    'nrow',
    'scale',
    'colormap',
    'scaleEach',
    'maxKernels',
  ]);
  const curves = conv.weight.ndim === 3;
  const [, height, width] = threeSizes(conv.weight.shape.slice(2));
  const { channel = 0, scaleEach = true, nrow } = given;
  const { scale = cellFor(width, height, TARGET), maxKernels = conv.weight.ndim === 5 ? 16 : 64 } =
    given;
  if (conv.weight.numel === 0) {
    throw shapeError(`conv must have weights, but it is ${String(conv)}`);
  }
  checkCount('nrow', nrow, 1);
  checkCount('maxKernels', maxKernels, 1);
  checkCount('scale', scale, 1, MAX_CELL);
  if (given.colormap !== undefined) {
    oneOf('colormap', given.colormap, COLORMAPS);
    if (curves) throw argValueError('colormap has no meaning for a 1-d layer: it gets line plots');
    if (channel === 'rgb') throw argValueError("colormap has no meaning with channel 'rgb'");
  }
  return {
    channel: checkChannel(conv, channel),
    nrow,
    scale,
    colormap: given.colormap ?? 'gray',
    scaleEach: boolean('scaleEach', scaleEach),
    count: Math.min(maxKernels, conv.outChannels),
    curves,
  };
}

function channelsOf(conv: AnyConv): number {
  return conv.inChannels / conv.groups;
}

function checkChannel(conv: AnyConv, value: number | 'rgb' | 'mean'): number | 'rgb' | 'mean' {
  const channels = channelsOf(conv);
  if (typeof value === 'string') {
    oneOf('channel', value, ['rgb', 'mean']);
    if (value === 'rgb' && (conv.weight.ndim !== 4 || channels !== 3)) {
      throw shapeError(
        `channel 'rgb' needs a 2-d layer with 3 input channels a group, got ${String(conv)}`,
      );
    }
    return value;
  }
  if (integer('channel', value) < 0 || value >= channels) {
    throw argValueError(
      `channel must be from 0 to ${channels - 1} for ${String(conv)}, got ${value}`,
    );
  }
  return value;
}

/** The weights from input channel `channel` to output channel `i`; for 'rgb' three, one after the other. */
function kernelOf(conv: AnyConv, i: number, channel: number | 'rgb' | 'mean'): Float32Array {
  const weights = readData(conv.weight);
  const size = conv.weight.shape.slice(2).reduce((total, length) => total * length, 1);
  const part = (c: number) => {
    const row = rowOf(conv, i, c);
    return weights.subarray(row * size, (row + 1) * size);
  };
  if (typeof channel === 'number') return part(channel).slice();
  const parts = Array.from({ length: channelsOf(conv) }, (_, c) => part(c));
  if (channel === 'rgb') return Float32Array.from(parts.flatMap((values) => [...values]));
  return Float32Array.from({ length: size }, (_, k) => {
    return parts.reduce((sum, values) => sum + values[k], 0) / parts.length;
  });
}

/** The weight is (out, in / groups, ...), of a transposed layer (in, out / groups, ...). */
function rowOf(conv: AnyConv, i: number, c: number): number {
  const { inChannels, outChannels, groups } = conv;
  if (!isTransposed(conv)) return i * (inChannels / groups) + c;
  const outs = outChannels / groups;
  return (Math.floor(i / outs) * (inChannels / groups) + c) * outs + (i % outs);
}

function panelsOf(
  conv: AnyConv,
  i: number,
  values: Float32Array,
  { channel, colormap, curves }: Settings,
  common: Range | undefined,
): Panel[] {
  const name = { label: String(i), title: `kernel ${i}` };
  if (curves) return [curvePanel(name, values, common ?? finiteRange(values))];
  const [depth, height, width] = threeSizes(conv.weight.shape.slice(2));
  if (channel === 'rgb') {
    return [rgbPanel(name, { width, height, values }, common ?? finiteRange(values))];
  }
  // Slices of one kernel share its range, so that they can be compared.
  const range = common ?? colorRange(values, colormap);
  return Array.from({ length: depth }, (_, d) => {
    const slice = values.subarray(d * height * width, (d + 1) * height * width);
    const own = depth === 1 ? name : { label: `${i} z${d}`, title: `kernel ${i}, slice ${d}` };
    return mapPanel(own, { width, height, values: slice }, colormap, range);
  });
}

function noteOf(conv: AnyConv, settings: Settings): string {
  const { channel, count, scaleEach, curves, colormap } = settings;
  const which = channel === 'rgb' ? 'RGB' : channel === 'mean' ? 'mean' : `channel ${channel}`;
  const few = count < conv.outChannels ? `${count} of ${conv.outChannels}, ` : '';
  const colors = curves || channel === 'rgb' ? '' : `, ${colormap}`;
  return `${few}${which}, ${scaleEach ? 'each by its own range' : 'all by one range'}${colors}`;
}

function describe(conv: AnyConv, { channel, count, curves }: Settings): string {
  const all =
    count === conv.outChannels ? `The ${count}` : `The first ${count} of ${conv.outChannels}`;
  const of =
    channel === 'rgb'
      ? 'in the colours of their three input channels'
      : channel === 'mean'
        ? 'as the mean over their input channels'
        : `for input channel ${channel}`;
  const form = curves ? ' as line plots' : conv.weight.ndim === 5 ? ' as rows of slices' : '';
  return `${all} kernels of ${String(conv)} ${of}${form}, each with its smallest and largest weight.`;
}
