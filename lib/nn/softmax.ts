/** Softmax and its logarithm, as layers and as functions. */
import { binding } from '../binding';
import { integer, optionsOf } from '../options';
import { record } from '../record';
import { checkFloat32, readData, type Tensor } from '../tensor';
import { wrapLike } from './affine';
import { Module } from './module';
import { pyValue } from './repr';

/** Options of {@link Softmax} and {@link LogSoftmax}. */
export interface SoftmaxOptions {
  /**
   * The dimension that sums to 1; may count from the end. Default (and null): 0 for inputs of 0, 1 or
   * 3 dimensions, 1 for all others.
   */
  dim?: number | null;
}

function readDim(owner: string, options: SoftmaxOptions | undefined): number | null {
  const { dim = null } = optionsOf(owner, options, ['dim']);
  return dim === null ? null : integer('dim', dim);
}

function runSoftmax(input: Tensor, dim: number | null, log: boolean): Tensor {
  checkFloat32('input', input);
  const { ndim, shape } = input;
  const axis = dim ?? (ndim === 0 || ndim === 1 || ndim === 3 ? 0 : 1);
  const recorded = record([input], () => ({ op: 'softmax', dim: axis, log }));
  if (recorded) return recorded;
  const data = binding().softmax(readData(input), shape, axis, log);
  return wrapLike(data, shape);
}

abstract class SoftmaxBase extends Module {
  readonly dim: number | null;

  /** @internal */
  protected constructor(owner: string, options: SoftmaxOptions | undefined) {
    super();
    this.dim = readDim(owner, options);
  }

  override extraRepr(): string {
    return `dim=${pyValue(this.dim)}`;
  }
}

/**
 * exp(x) over its sum along one dimension, of an input of any shape.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmax.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE
 */
export class Softmax extends SoftmaxBase {
  constructor(options?: SoftmaxOptions) {
    super('Softmax', options);
  }

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor; RangeError
   *   ERR_NNCONV_ARG_VALUE where it lacks the dimension
   */
  override forward(input: Tensor): Tensor {
    return runSoftmax(input, this.dim, false);
  }
}

/**
 * The logarithm of {@link Softmax}, exact where softmax is near 0.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html
 *
 * @throws as {@link Softmax} does
 */
export class LogSoftmax extends SoftmaxBase {
  constructor(options?: SoftmaxOptions) {
    super('LogSoftmax', options);
  }

  /** Throws as {@link Softmax}'s does. */
  override forward(input: Tensor): Tensor {
    return runSoftmax(input, this.dim, true);
  }
}

/** {@link Softmax} as a function. */
export function softmax(input: Tensor, options?: SoftmaxOptions): Tensor {
  return runSoftmax(input, readDim('softmax', options), false);
}

/** {@link LogSoftmax} as a function. */
export function logSoftmax(input: Tensor, options?: SoftmaxOptions): Tensor {
  return runSoftmax(input, readDim('logSoftmax', options), true);
}
