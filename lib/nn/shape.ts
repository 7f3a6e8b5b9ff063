/** Layers that give the elements of their input another shape, and pixel shuffling's functions. */
import { binding } from '../binding';
import { argTypeError, argValueError, pyList, shapeError, show } from '../errors';
import { flatten, resolveDim, wrapShaped } from '../ops';
import { integer, integers, optionsOf } from '../options';
import { record } from '../record';
import { checkFloat32, checkTensor, type DType, readData, type Tensor } from '../tensor';
import { Module } from './module';
import { pyValue } from './repr';

/** Options of {@link Flatten}. */
export interface FlattenOptions {
  /** The first dimension of those that become one. Default: 1. */
  startDim?: number;
  /** The last one. Default: -1. */
  endDim?: number;
}

/**
 * Makes the dimensions from `startDim` to `endDim` one, as a view: the first stays a batch.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Flatten.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE
 */
export class Flatten extends Module {
  readonly startDim: number;
  readonly endDim: number;

  constructor(options?: FlattenOptions) {
    super();
    const { startDim = 1, endDim = -1 } = optionsOf('Flatten', options, ['startDim', 'endDim']);
    this.startDim = integer('startDim', startDim);
    this.endDim = integer('endDim', endDim);
  }

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a Tensor; RangeError
   *   ERR_NNCONV_ARG_VALUE where it lacks a dimension
   */
  override forward<D extends DType>(input: Tensor<D>): Tensor<D> {
    return flatten(input, this.startDim, this.endDim);
  }

  override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`;
  }
}

/**
 * Splits dimension `dim` into several, as a view. One size may be -1, which stands for what is left.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Unflatten.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE; RangeError
 *   ERR_NNCONV_SHAPE for no sizes, or sizes below -1
 */
export class Unflatten extends Module {
  readonly dim: number;
  readonly unflattenedSize: readonly number[];

  constructor(dim: number, unflattenedSize: readonly number[]) {
    super();
    this.dim = integer('dim', dim);
    const sizes: unknown = unflattenedSize;
    if (typeof sizes === 'number') {
      throw argTypeError(
        `unflattenedSize must be an array of integers, got ${show(sizes)}; write [${sizes}]`,
      );
    }
    this.unflattenedSize = Object.freeze(integers('unflattenedSize', sizes));
    if (this.unflattenedSize.length === 0) {
      throw shapeError('unflattenedSize must hold at least one size, got []');
    }
    if (
      this.unflattenedSize.some((size) => size < -1) ||
      this.unflattenedSize.filter((size) => size === -1).length > 1
    ) {
      throw shapeError(
        'unflattenedSize must hold sizes of at least 0, and -1 once at most, got ' +
          pyList(this.unflattenedSize),
      );
    }
  }

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a Tensor; RangeError
   *   ERR_NNCONV_ARG_VALUE where it lacks the dimension, ERR_NNCONV_SHAPE where the sizes don't
   *   multiply up to it
   */
  override forward<D extends DType>(input: Tensor<D>): Tensor<D> {
    checkTensor('input', input);
    const tensor: Tensor<D> = input;
    const { shape } = tensor;
    const at = resolveDim('dim', this.dim, shape);
    const whole = shape[at];
    const known = this.unflattenedSize.reduce((total, n) => (n === -1 ? total : total * n), 1);
    const rest = this.unflattenedSize.includes(-1) ? whole / known : 1;
    if (known * rest !== whole || !Number.isInteger(rest)) {
      throw shapeError(
        `sizes ${pyList(this.unflattenedSize)} don't multiply up to the size of dimension ` +
          `${at} of an input of shape ${pyList(shape)}`,
      );
    }
    const sizes = this.unflattenedSize.map((n) => (n === -1 ? rest : n));
    return tensor.reshape([...shape.slice(0, at), ...sizes, ...shape.slice(at + 1)]);
  }

  override extraRepr(): string {
    return `dim=${this.dim}, unflattened_size=${pyValue(this.unflattenedSize)}`;
  }
}

/** The one way from a tensor to the kernels. */
function runShuffle(input: Tensor, factor: number, inverse: boolean): Tensor {
  checkFloat32('input', input);
  return (
    record([input], () => ({ op: 'pixelShuffle', factor, inverse })) ??
    wrapShaped(binding().pixelShuffle(readData(input), input.shape, factor, inverse))
  );
}

/** A factor is looked at before there is an input. */
function readFactor(name: string, value: unknown): number {
  const factor = integer(name, value);
  if (factor < 1) throw argValueError(`${name} must be at least 1, got ${factor}`);
  return factor;
}

/**
 * Moves channels into space: `(*, C r^2, H, W)` becomes `(*, C, H r, W r)` for a factor r.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.PixelShuffle.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE
 */
export class PixelShuffle extends Module {
  readonly upscaleFactor: number;

  constructor(upscaleFactor: number) {
    super();
    this.upscaleFactor = readFactor('upscaleFactor', upscaleFactor);
  }

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor; RangeError
   *   ERR_NNCONV_SHAPE where it has less than 3 dimensions or r^2 doesn't divide its channels
   */
  override forward(input: Tensor): Tensor {
    return runShuffle(input, this.upscaleFactor, false);
  }

  override extraRepr(): string {
    return `upscale_factor=${this.upscaleFactor}`;
  }
}

/**
 * Moves space into channels: `(*, C, H r, W r)` becomes `(*, C r^2, H, W)` for a factor r.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.PixelUnshuffle.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE
 */
export class PixelUnshuffle extends Module {
  readonly downscaleFactor: number;

  constructor(downscaleFactor: number) {
    super();
    this.downscaleFactor = readFactor('downscaleFactor', downscaleFactor);
  }

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor; RangeError
   *   ERR_NNCONV_SHAPE where it has less than 3 dimensions or r doesn't divide height and width
   */
  override forward(input: Tensor): Tensor {
    return runShuffle(input, this.downscaleFactor, true);
  }

  override extraRepr(): string {
    return `downscale_factor=${this.downscaleFactor}`;
  }
}

/** {@link PixelShuffle} as a function. */
export function pixelShuffle(input: Tensor, upscaleFactor: number): Tensor {
  return runShuffle(input, readFactor('upscaleFactor', upscaleFactor), false);
}

/** {@link PixelUnshuffle} as a function. */
export function pixelUnshuffle(input: Tensor, downscaleFactor: number): Tensor {
  return runShuffle(input, readFactor('downscaleFactor', downscaleFactor), true);
}
