/** Many pictures in one tensor. */
import { argTypeError, argValueError, pyList, shapeError, show } from '../errors';
import { boolean, integer, number, oneOf, optionsOf } from '../options';
import { allocate, checkFloat32, isTensor, readData, type Tensor, writeData } from '../tensor';
import { type Colormap, COLORMAPS, diverges, tableOf, writeColor } from './colormap';
import { finiteRange, position, type Range, symmetric } from './range';

export interface GridOptions {
  /** Pictures in a row (not rows). Default 8. */
  nrow?: number;
  /** Pixels between pictures and around them. Default 2. */
  padding?: number;
  /**
   * Whether values are scaled from their range to 0..1. Default: only with a `colormap`. A colormap
   * without it takes values as 0..1, a diverging one as -1..1.
   */
  normalize?: boolean;
  /** The range to scale from; values beyond are clipped. Default: the smallest to the largest. */
  valueRange?: readonly [low: number, high: number];
  /** Whether each picture is scaled by its own range. Default false. */
  scaleEach?: boolean;
  /** The value between pictures. Default 0. */
  padValue?: number;
  /** Turns pictures of one channel to RGB by 'gray', 'viridis', 'magma' or 'coolwarm'. */
  colormap?: Colormap;
}

export const GRID_OPTIONS = [
  'nrow',
  'padding',
  'normalize',
  'valueRange',
  'scaleEach',
  'padValue',
  'colormap',
] as const satisfies readonly (keyof GridOptions)[];

/**
 * Lays pictures out in a grid, as torchvision's `make_grid` does, value for value.
 *
 * @param images a tensor of shape (N, C, H, W); (C, H, W) or (H, W) is one picture; or an array of
 *   pictures, all of them (C, H, W) or all (H, W), of one size. One channel becomes three.
 * @returns (C, rows * (H + padding) + padding, columns * (W + padding) + padding), always with elements
 *   of its own. One picture alone gets no padding and is returned as (C, H, W): so it is in torchvision.
 *
 * Where torchvision does harm or gives garbage, this does not: the input is never written to; with
 * `normalize`, NaN and infinities don't spread to everything else (the range is that of the finite
 * values, infinities are cut to its ends, NaN stays NaN, magenta with a colormap); an array of (H, W)
 * pictures is that, not the channels of one; `valueRange` and `scaleEach` without `normalize`, an empty
 * batch, `nrow` below 1 and a negative `padding` are refused. A constant picture is 0 after
 * `normalize`, as in torchvision, but the middle of a diverging colormap where it is 0.
 *
 * Follows https://docs.pytorch.org/vision/stable/generated/torchvision.utils.make_grid.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE, RangeError ERR_NNCONV_SHAPE
 *   for other shapes, empty ones included, and for a colormap where there is more than one channel;
 *   TypeError ERR_NNCONV_UNKNOWN_OPTION
 */
export function makeGrid(images: Tensor | readonly Tensor[], options?: GridOptions): Tensor {
  const settings = check(options);
  const batch = toBatch(images);
  const [count, channels, height, width] = batch.shape;
  if (settings.colormap !== undefined && channels !== 1) {
    throw shapeError(
      `colormap needs pictures of one channel, but images has shape ${pyList(batch.shape)}`,
    );
  }
  const colors = channels === 1 ? 3 : channels;
  const { nrow, padding, padValue } = settings;
  const columns = Math.min(nrow, count);
  const rows = Math.ceil(count / columns);
  const gap = count === 1 ? 0 : padding;
  const [stepY, stepX] = [height + gap, width + gap];
  const result = allocate('float32', [colors, rows * stepY + gap, columns * stepX + gap]);
  const target = writeData(result).fill(count === 1 ? 0 : padValue);
  const source = readData(batch);
  const [, gridHeight, gridWidth] = result.shape;
  const plane = height * width;
  const write = writer(settings, source, channels, gridHeight * gridWidth);
  for (let n = 0; n < count; n++) {
    const put = write(n * channels * plane, (n + 1) * channels * plane);
    const top = Math.floor(n / columns) * stepY + gap;
    const left = (n % columns) * stepX + gap;
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < plane; i++) {
        const y = top + Math.floor(i / width);
        const at = (c * gridHeight + y) * gridWidth + left + (i % width);
        put(target, at, source[(n * channels + c) * plane + i]);
      }
    }
  }
  return result;
}

/** Writes the value of one picture to its place, and to that of the other channels it stands for. */
type Put = (target: Float32Array, at: number, value: number) => void;

/** Makes the {@link Put} of the picture whose values are `source[start..end]`. */
function writer(
  settings: Settings,
  source: Float32Array,
  channels: number,
  plane: number,
): (start: number, end: number) => Put {
  const { normalize, valueRange, scaleEach, colormap } = settings;
  const rangeOf = (start?: number, end?: number): Range => {
    if (valueRange !== undefined) return valueRange;
    if (!normalize) return { low: colormap && diverges(colormap) ? -1 : 0, high: 1 };
    const range = finiteRange(source, start, end);
    return colormap && diverges(colormap) ? symmetric(range) : range;
  };
  const whole = scaleEach ? undefined : rangeOf();
  return (start, end) => {
    const range = whole ?? rangeOf(start, end);
    if (colormap !== undefined) return colored(colormap, range, plane);
    const scale = normalize ? normalizer(range) : (value: number) => value;
    return (target, at, value) => {
      const scaled = scale(value);
      target[at] = scaled;
      if (channels === 1) target[at + plane] = target[at + 2 * plane] = scaled;
    };
  };
}

function colored(colormap: Colormap, range: Range, plane: number): Put {
  const table = tableOf(colormap);
  // A constant is the lowest colour, as it is without a colormap.
  const flat = range.low === range.high && !diverges(colormap);
  const bytes = [0, 0, 0];
  return (target, at, value) => {
    writeColor(table, flat && value <= range.low ? 0 : position(value, range), bytes, 0);
    for (let c = 0; c < 3; c++) target[at + c * plane] = bytes[c] / 255;
  };
}

const { fround } = Math;
/** The shortest range that torchvision divides by. */
const SHORTEST_RANGE = 1e-5;

/** In float32 as torchvision does: `clamp_(low, high).sub_(low).div_(max(high - low, 1e-5))`. */
function normalizer({ low, high }: Range): (value: number) => number {
  const [from, to] = [fround(low), fround(high)];
  const length = fround(Math.max(high - low, SHORTEST_RANGE));
  return (value) => fround(Math.max(from, Math.min(to, value)) - from) / length;
}

interface Settings {
  nrow: number;
  padding: number;
  normalize: boolean;
  valueRange?: Range;
  scaleEach: boolean;
  padValue: number;
  colormap?: Colormap;
}

function check(options: GridOptions | undefined): Settings {
  const given = optionsOf('makeGrid', options, GRID_OPTIONS);
  const { nrow = 8, padding = 2, scaleEach = false, padValue = 0 } = given;
  const colormap =
    given.colormap === undefined ? undefined : oneOf('colormap', given.colormap, COLORMAPS);
  const normalize = boolean('normalize', given.normalize ?? colormap !== undefined);
  if (integer('nrow', nrow) < 1) throw argValueError(`nrow must be at least 1, got ${nrow}`);
  if (integer('padding', padding) < 0) {
    throw argValueError(`padding must be at least 0, got ${padding}`);
  }
  const valueRange = checkRange(given.valueRange);
  if (!normalize && (valueRange !== undefined || boolean('scaleEach', scaleEach))) {
    const name = valueRange === undefined ? 'scaleEach' : 'valueRange';
    throw argValueError(`${name} does nothing without normalize: true`);
  }
  return {
    nrow,
    padding,
    normalize,
    valueRange,
    scaleEach: boolean('scaleEach', scaleEach),
    padValue: number('padValue', padValue, { finite: false }),
    colormap,
  };
}

export function checkRange(value: readonly [number, number] | undefined): Range | undefined {
  if (value === undefined) return undefined;
  const given: unknown = value;
  if (!Array.isArray(given) || given.length !== 2) {
    throw argTypeError(`valueRange must be an array of two numbers, got ${show(given)}`);
  }
  const [low, high] = value.map((item, i) => number(`valueRange[${i}]`, item));
  if (low > high) {
    throw argValueError(`valueRange must be [low, high], got ${pyList(value)}`);
  }
  return { low, high };
}

/** (N, C, H, W), with at least one pixel; the elements are the input's where it is a tensor. */
function toBatch(images: Tensor | readonly Tensor[]): Tensor {
  if (isTensor(images)) {
    checkFloat32('images', images);
    const { shape } = images;
    if (shape.length < 2 || shape.length > 4) throw badShape('images', shape);
    return nonEmpty(images.reshape([...[1, 1].slice(shape.length - 2), ...shape]));
  }
  if (!Array.isArray(images)) {
    throw argTypeError(`images must be a Tensor or an array of Tensors, got ${show(images)}`);
  }
  images.forEach((image, i) => checkFloat32(`images[${i}]`, image));
  const pictures = images as readonly Tensor[];
  const [first] = pictures;
  if (first === undefined) throw shapeError('images must hold at least one picture, got []');
  if (first.ndim < 2 || first.ndim > 3) throw badShape('images[0]', first.shape);
  const shape = [...[1].slice(first.ndim - 2), ...first.shape];
  const result = allocate('float32', [pictures.length, ...shape]);
  const target = writeData(result);
  pictures.forEach((picture, i) => {
    if (pyList(picture.shape) !== pyList(first.shape)) {
      throw shapeError(
        `all images must have one shape, but images[0] has ${pyList(first.shape)} and ` +
          `images[${i}] has ${pyList(picture.shape)}`,
      );
    }
    target.set(readData(picture), i * first.numel);
  });
  return nonEmpty(result);
}

function nonEmpty(batch: Tensor): Tensor {
  if (batch.numel === 0) throw badShape('images', batch.shape);
  return batch;
}

function badShape(name: string, shape: readonly number[]): Error {
  const wanted = name === 'images' ? '(N, C, H, W), (C, H, W) or (H, W)' : '(C, H, W) or (H, W)';
  return shapeError(`${name} must have shape ${wanted}, nothing of it 0, got ${pyList(shape)}`);
}
