/** Operations on tensors that are no layers: arithmetic, joining, reordering, means and products. */
import { binding, type BinaryKind, type Shaped } from './binding';
import { argTypeError, argValueError, pyList, show } from './errors';
import { boolean, integer, integers, number, optionsOf } from './options';
import { record } from './record';
import {
  checkFloat32,
  checkTensor,
  type DType,
  isTensor,
  product,
  readData,
  type Tensor,
  wrap,
} from './tensor';

/** A result of the native side. */
export function wrapShaped({ data, shape }: Shaped): Tensor {
  return wrap('float32', data as Float32Array<ArrayBuffer>, shape);
}

/** A tensor, or a number that stands for a tensor without dimensions. */
export type Operand = Tensor | number;

function operand(name: string, value: unknown): Tensor {
  if (typeof value === 'number') return wrap('float32', Float32Array.of(value), []);
  if (!isTensor(value)) {
    throw argTypeError(`${name} must be a Tensor or a number, got ${show(value)}`);
  }
  checkFloat32(name, value);
  return value;
}

/** The one way to native arithmetic. `yShape` replaces the shape of `y`. */
export function runBinary(
  kind: BinaryKind,
  x: Operand,
  y: Operand,
  [xName, yName]: readonly [string, string] = ['x', 'y'],
  yShape?: readonly number[],
): Tensor {
  const a = operand(xName, x);
  const given = operand(yName, y);
  const b = yShape === undefined ? given : given.reshape(yShape);
  return (
    record([a, b], () => ({ op: 'binary', kind })) ??
    wrapShaped(binding().binary(kind, readData(a), a.shape, readData(b), b.shape))
  );
}

/** Options of {@link add} and {@link sub}. */
export interface AddOptions {
  /** Multiplies `y` first. Default: 1. */
  alpha?: number;
}

function scaled(owner: string, y: Operand, options: AddOptions | undefined): Operand {
  const { alpha = 1 } = optionsOf(owner, options, ['alpha']);
  number('alpha', alpha, { finite: false });
  return alpha === 1 ? y : runBinary('mul', y, alpha, ['y', 'alpha']);
}

/**
 * x + alpha * y, element by element. Shapes broadcast as in PyTorch: counted from the end, a size
 * of 1 repeats. A number stands for a tensor without dimensions.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.add.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE unless both are float32 Tensors or numbers; RangeError
 *   ERR_NNCONV_SHAPE where shapes don't broadcast, ERR_NNCONV_ALLOC where the result is too large
 */
export function add(x: Operand, y: Operand, options?: AddOptions): Tensor {
  return runBinary('add', x, scaled('add', y, options));
}

/**
 * x - alpha * y, element by element; broadcasts and throws as {@link add} does.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.sub.html
 */
export function sub(x: Operand, y: Operand, options?: AddOptions): Tensor {
  return runBinary('sub', x, scaled('sub', y, options));
}

/**
 * x * y, element by element; broadcasts and throws as {@link add} does.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.mul.html
 */
export function mul(x: Operand, y: Operand): Tensor {
  return runBinary('mul', x, y);
}

/**
 * x / y, element by element; broadcasts and throws as {@link add} does.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.div.html
 */
export function div(x: Operand, y: Operand): Tensor {
  return runBinary('div', x, y);
}

/**
 * The product of two matrices, `(n, k)` and `(k, m)`. A vector counts as a row on the left and as a
 * column on the right, and that dimension is dropped from the result. With more dimensions it is a
 * product for each place of the leading ones, which broadcast.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.matmul.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE unless both are float32 Tensors; RangeError
 *   ERR_NNCONV_SHAPE where their shapes don't fit, ERR_NNCONV_ALLOC where the result is too large
 */
export function matmul(x: Tensor, y: Tensor): Tensor {
  checkFloat32('x', x);
  checkFloat32('y', y);
  return (
    record([x, y], () => ({ op: 'matmul' })) ??
    wrapShaped(binding().matmul(readData(x), x.shape, readData(y), y.shape))
  );
}

/**
 * Tensors one after the other along dimension `dim`, which may count from the end; their other
 * sizes must be the same. Tensors of shape [0] are left out, whatever the others are.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.cat.html
 *
 * @param tensors at least one float32 Tensor
 * @param dim default: 0
 * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_ARG_VALUE for a dimension they lack
 *   or no tensors, ERR_NNCONV_SHAPE where shapes don't fit, ERR_NNCONV_ALLOC
 */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  if (!Array.isArray(tensors)) {
    throw argTypeError(`tensors must be an array of Tensors, got ${show(tensors)}`);
  }
  // Array.from visits the holes of a sparse array too.
  const inputs = Array.from(tensors as readonly Tensor[], (tensor, index) => {
    checkFloat32(`tensors[${index}]`, tensor);
    return tensor;
  });
  integer('dim', dim);
  return (
    record(inputs, () => ({ op: 'cat', dim })) ??
    wrapShaped(
      binding().cat(
        inputs.map((input) => readData(input)),
        inputs.map((input) => input.shape),
        dim,
      ),
    )
  );
}

/** Options of {@link mean}. */
export interface MeanOptions {
  /** Whether reduced dimensions stay, of size 1. Default: false. */
  keepdim?: boolean;
}

/**
 * The mean over some dimensions, summed in double precision; NaN where there are no elements.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.mean.html
 *
 * @param dim one dimension or a list of them, which may count from the end. Default (and null and
 *   []): all
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION; RangeError
 *   ERR_NNCONV_ARG_VALUE for a dimension that `x` lacks or that is named twice
 */
export function mean(
  x: Tensor,
  dim?: number | readonly number[] | null,
  options?: MeanOptions,
): Tensor {
  checkFloat32('x', x);
  const dims =
    dim === undefined || dim === null
      ? []
      : typeof dim === 'number'
        ? [integer('dim', dim)]
        : integers('dim', dim);
  const { keepdim = false } = optionsOf('mean', options, ['keepdim']);
  boolean('keepdim', keepdim);
  return (
    record([x], () => ({ op: 'mean', dims, keepdim })) ??
    wrapShaped(binding().mean(readData(x), x.shape, dims, keepdim))
  );
}

/**
 * A copy of `x` with its dimensions in another order: dimension `i` of the result is dimension
 * `dims[i]` of `x`. (PyTorch returns a view.)
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.permute.html
 *
 * @param dims every dimension once; may count from the end
 * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_SHAPE for too few or too many of
 *   them, ERR_NNCONV_ARG_VALUE for one that `x` lacks or that is named twice
 */
export function permute(x: Tensor, dims: readonly number[]): Tensor {
  checkFloat32('x', x);
  const order = integers('dims', dims);
  return (
    record([x], () => ({ op: 'permute', dims: order })) ??
    wrapShaped(binding().permute(readData(x), x.shape, order))
  );
}

/** `dim` counted from the start; a tensor without dimensions counts as having one. */
export function resolveDim(name: string, dim: unknown, shape: readonly number[]): number {
  const given = integer(name, dim);
  const most = Math.max(1, shape.length);
  if (given < -most || given >= most) {
    throw argValueError(
      `${name} must be from ${-most} to ${most - 1} for a tensor of shape ${pyList(shape)}, ` +
        `got ${given}`,
    );
  }
  return given < 0 ? given + most : given;
}

/**
 * A view of `x` with the dimensions from `startDim` to `endDim` made one: writes to either show in
 * both. A tensor without dimensions gets one.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.flatten.html
 *
 * @param startDim default: 0
 * @param endDim the last one. Default: -1
 * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_ARG_VALUE for a dimension that `x`
 *   lacks, or an end before the start
 */
export function flatten<D extends DType>(x: Tensor<D>, startDim = 0, endDim = -1): Tensor<D> {
  checkTensor('x', x);
  const { shape } = x;
  const start = resolveDim('startDim', startDim, shape);
  const end = resolveDim('endDim', endDim, shape);
  if (start > end) {
    throw argValueError(
      `startDim must not come after endDim, got startDim=${startDim}, endDim=${endDim} for a ` +
        `tensor of shape ${pyList(shape)}`,
    );
  }
  const flat = product(shape.slice(start, end + 1));
  return x.reshape([...shape.slice(0, start), flat, ...shape.slice(end + 1)]);
}
