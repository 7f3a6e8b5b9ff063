/** A picture -> the input of a network. */
import { argTypeError, argValueError, pyList, shapeError, show } from '../errors';
import { boolean, integer, number, optionsOf, tuple } from '../options';
import { allocate, checkFloat32, readData, type Tensor, writeData } from '../tensor';
import { MAX_PIXELS } from './limits';
import { resize } from './resize';

/** The steps from a picture to a network's input, in the order in which they are done. */
export interface Preprocessing {
  /** 1 for gray, 3 for RGB; default: what the picture has. */
  channels?: 1 | 3;
  /** `1 - value`: for networks that learned light strokes on black, as MNIST's are. Default false. */
  invert?: boolean;
  /** The new length of the shorter side, or `[height, width]`; default: none. */
  resize?: number | readonly [height: number, width: number];
  /** The centre, of so many pixels each way or `[height, width]`; default: all of it. */
  crop?: number | readonly [height: number, width: number];
  /** Subtracted: one number for each channel, or one for all; default 0. */
  mean?: readonly number[];
  /** Divides what is left: one number for each channel, or one for all; default 1. */
  std?: readonly number[];
}

/** What torchvision's classifiers learned with: 224 pixels out of 256, and ImageNet's statistics. */
export const IMAGENET = Object.freeze({
  channels: 3,
  resize: 256,
  crop: 224,
  mean: Object.freeze([0.485, 0.456, 0.406]),
  std: Object.freeze([0.229, 0.224, 0.225]),
} as const);

/** The weights of red, green and blue in gray: torchvision's `rgb_to_grayscale`. */
const GRAY = [0.2989, 0.587, 0.114] as const;

/**
 * A picture of shape (C, H, W) or (1, C, H, W) with values 0 to 1, such as `decodeImage` gives, as the
 * (1, C, H, W) input of a network. Done in this order: `channels`, `invert`, `resize`, `crop`,
 * `mean` and `std`; each is left out where it isn't given. The picture is not changed.
 *
 * These are torchvision's `Grayscale`, `Resize(antialias=True)` (bilinear, on tensors), `CenterCrop` (a
 * smaller picture gets zeros around it) and `Normalize`, within 1e-5.
 *
 * Follows https://docs.pytorch.org/vision/stable/transforms.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE, RangeError ERR_NNCONV_SHAPE
 *   for a picture that doesn't have 1 or 3 channels or is empty, and where the numbers of channels and
 *   of `mean` or `std` disagree; TypeError ERR_NNCONV_UNKNOWN_OPTION
 */
export function preprocess(image: Tensor, options?: Preprocessing): Tensor {
  const steps = check(options);
  let picture = toChannels(asImage(image), steps.channels);
  if (steps.invert) picture = invert(picture);
  if (steps.resize !== undefined) picture = resize(picture, ...target(picture, steps.resize));
  if (steps.crop !== undefined) picture = crop(picture, steps.crop);
  if (steps.mean !== undefined || steps.std !== undefined) {
    picture = normalize(picture, steps.mean ?? [0], steps.std ?? [1]);
  }
  const batch = picture.reshape([1, ...picture.shape]);
  return picture.numel === image.numel && readData(picture) === readData(image)
    ? batch.clone()
    : batch;
}

type Size = readonly [height: number, width: number];

interface Steps {
  channels?: 1 | 3;
  invert: boolean;
  resize?: number | Size;
  crop?: Size;
  mean?: readonly number[];
  std?: readonly number[];
}

function check(options: Preprocessing | undefined): Steps {
  const given = optionsOf('preprocess', options, [
    'channels',
    'invert',
    'resize',
    'crop',
    'mean',
    'std',
  ]);
  const { channels, invert = false } = given;
  if (channels !== undefined && integer('channels', channels) !== 1 && channels !== 3) {
    throw argValueError(`channels must be 1 or 3, got ${show(channels)}`);
  }
  const std = numbers('std', given.std);
  if (std?.some((value) => value <= 0)) {
    throw argValueError(`std must be above 0, got ${pyList(std)}`);
  }
  return {
    channels,
    invert: boolean('invert', invert),
    resize:
      typeof given.resize === 'number'
        ? size('resize', given.resize)[0]
        : given.resize && size('resize', given.resize),
    crop: given.crop === undefined ? undefined : size('crop', given.crop),
    mean: numbers('mean', given.mean),
    std,
  };
}

function size(name: string, value: number | readonly number[]): Size {
  const [height, width] = tuple(name, value, 2, { of: 'picture' });
  if (height < 1 || width < 1)
    throw argValueError(`${name} must be at least 1, got ${show(value)}`);
  checkPixels(name, height, width);
  return [height, width];
}

function checkPixels(name: string, height: number, width: number): void {
  if (height * width > MAX_PIXELS) {
    throw argValueError(
      `${name} must leave at most ${MAX_PIXELS} pixels, but ${height}x${width} are more`,
    );
  }
}

function numbers(name: string, values: readonly number[] | undefined) {
  if (values === undefined) return undefined;
  if (!Array.isArray(values)) {
    throw argTypeError(`${name} must be an array of numbers, got ${show(values)}`);
  }
  return values.map((value, i) => number(`${name}[${i}]`, value));
}

/** (C, H, W), judged. */
function asImage(image: Tensor): Tensor {
  checkFloat32('image', image);
  const { shape } = image;
  const [channels, height, width] = shape.slice(-3);
  const single = shape.length === 3 || (shape.length === 4 && shape[0] === 1);
  if (!single || (channels !== 1 && channels !== 3) || height * width === 0) {
    throw shapeError(
      'image must have shape (C, H, W) or (1, C, H, W) with C 1 or 3 and at least one pixel, got ' +
        pyList(shape),
    );
  }
  return image.reshape(shape.slice(-3));
}

function toChannels(image: Tensor, channels: 1 | 3 | undefined): Tensor {
  const [given, height, width] = image.shape;
  if (channels === undefined || channels === given) return image;
  const source = readData(image);
  const plane = height * width;
  const result = allocate('float32', [channels, height, width]);
  const target = writeData(result);
  if (channels === 3) {
    for (let c = 0; c < 3; c++) target.set(source, c * plane);
  } else {
    const [r, g, b] = GRAY;
    for (let i = 0; i < plane; i++) {
      target[i] = r * source[i] + g * source[plane + i] + b * source[2 * plane + i];
    }
  }
  return result;
}

function invert(image: Tensor): Tensor {
  const source = readData(image);
  const result = allocate('float32', image.shape);
  const target = writeData(result);
  for (let i = 0; i < target.length; i++) target[i] = 1 - source[i];
  return result;
}

/** The size to resize to: a number is for the shorter side, and the other keeps the proportions. */
function target(image: Tensor, wanted: number | Size): Size {
  if (typeof wanted !== 'number') return wanted;
  const [, height, width] = image.shape;
  const long = Math.trunc((wanted * Math.max(height, width)) / Math.min(height, width));
  const size: Size = width <= height ? [long, wanted] : [wanted, long];
  checkPixels('resize', ...size);
  return size;
}

/** The centre, with zeros around a picture that is smaller. */
function crop(image: Tensor, [height, width]: Size): Tensor {
  const [channels, fromHeight, fromWidth] = image.shape;
  const top = offset(fromHeight, height);
  const left = offset(fromWidth, width);
  const source = readData(image);
  const result = allocate('float32', [channels, height, width]);
  const target = writeData(result);
  const columns = Math.min(width, fromWidth);
  for (let c = 0; c < channels; c++) {
    for (let y = Math.max(0, top); y < Math.min(fromHeight, top + height); y++) {
      const from = (c * fromHeight + y) * fromWidth + Math.max(0, left);
      const to = (c * height + y - top) * width + Math.max(0, -left);
      target.set(source.subarray(from, from + columns), to);
    }
  }
  return result;
}

/** Where a crop begins; below 0 with padding. Halves are rounded as Python rounds: to even. */
function offset(from: number, to: number): number {
  const half = (from - to) / 2;
  if (half < 0) return -Math.floor(-half);
  const floor = Math.floor(half);
  return half - floor === 0.5 ? floor + (floor % 2) : floor;
}

function normalize(image: Tensor, mean: readonly number[], std: readonly number[]): Tensor {
  const [channels, height, width] = image.shape;
  for (const [name, values] of Object.entries({ mean, std })) {
    if (values.length !== 1 && values.length !== channels) {
      throw shapeError(
        `${name} must have one number, or one for each channel, but it has ${values.length} ` +
          `and the picture has shape ${pyList(image.shape)}`,
      );
    }
  }
  const source = readData(image);
  const result = allocate('float32', image.shape);
  const target = writeData(result);
  const plane = height * width;
  for (let c = 0; c < channels; c++) {
    const shift = mean[mean.length === 1 ? 0 : c];
    const scale = std[std.length === 1 ? 0 : c];
    for (let i = c * plane; i < (c + 1) * plane; i++) target[i] = (source[i] - shift) / scale;
  }
  return result;
}
