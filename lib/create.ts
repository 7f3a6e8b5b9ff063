/** How users make tensors. */
import { types } from 'node:util';

import { argTypeError, bufferError, pyList, shapeError, show } from './errors';
import { number } from './options';
import { generator } from './random';
import { allocate, checkShape, type DataOf, type Tensor, wrap, writeData } from './tensor';

/** Numbers in nested arrays; typed arrays may stand for the innermost ones. */
export type TensorLike = number | ArrayLike<number> | readonly TensorLike[];

/** Nesting beyond this is taken for an array that holds itself. */
const MAX_DEPTH = 64;

/**
 * A float32 tensor with a copy of `data`: a number, nested arrays of numbers or a typed array. A
 * BigInt64Array gives an int64 tensor.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.tensor.html
 *
 * @param shape default: the nesting of `data`, `[length]` for a typed array
 * @throws TypeError ERR_NNCONV_ARG_TYPE naming the element that is not a number; RangeError
 *   ERR_NNCONV_SHAPE where nested arrays differ in length or `shape` doesn't fit; TypeError
 *   ERR_NNCONV_BUFFER for a typed array on a shared or detached buffer
 */
export function tensor(data: TensorLike, shape?: readonly number[]): Tensor;
export function tensor(data: BigInt64Array, shape?: readonly number[]): Tensor<'int64'>;
export function tensor(
  data: TensorLike | BigInt64Array,
  shape?: readonly number[],
): Tensor | Tensor<'int64'> {
  const given = shape === undefined ? undefined : checkShape('shape', shape);
  const result = types.isBigInt64Array(data) ? fromBigInts(data) : fromNested(data);
  if (given === undefined) return result;
  if (given.reduce((total, size) => total * size, 1) !== result.numel) {
    throw shapeError(
      `data has ${result.numel} elements (shape ${pyList(result.shape)}), which don't fit shape ` +
        pyList(given),
    );
  }
  return result.reshape(given);
}

/**
 * A float32 tensor of zeros; `zeros([])` is a scalar.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.zeros.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE or ERR_NNCONV_SHAPE for a
 *   bad shape; RangeError ERR_NNCONV_ALLOC
 */
export function zeros(shape: readonly number[]): Tensor {
  return allocate('float32', checkShape('shape', shape));
}

/** A float32 tensor of ones. Throws as {@link zeros} does. */
export function ones(shape: readonly number[]): Tensor {
  return zeros(shape).fill_(1);
}

/** A float32 tensor filled with `value`. Throws as {@link zeros} does. */
export function full(shape: readonly number[], value: number): Tensor {
  number('value', value, { finite: false });
  return zeros(shape).fill_(value);
}

/**
 * A float32 tensor of uniform random numbers in [0, 1). Throws as {@link zeros} does.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.rand.html
 */
export function rand(shape: readonly number[]): Tensor {
  const result = zeros(shape);
  generator.fillUniform(writeData(result), 0, 1);
  return result;
}

/**
 * A float32 tensor of normal random numbers, mean 0 and standard deviation 1. Throws as
 * {@link zeros} does.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.randn.html
 */
export function randn(shape: readonly number[]): Tensor {
  const result = zeros(shape);
  generator.fillNormal(writeData(result), 0, 1);
  return result;
}

function fromBigInts(data: BigInt64Array): Tensor<'int64'> {
  checkBuffer('data', data);
  return wrap('int64', data.slice(), [data.length]);
}

type Numbers = Exclude<DataOf<'float32' | 'float64' | 'int32'>, never>;

/** A list of numbers that isn't looked into further, undefined for an array or a number. */
function asTypedArray(name: string, value: unknown): Numbers | undefined {
  if (!types.isTypedArray(value)) return undefined;
  if (types.isBigInt64Array(value) || types.isBigUint64Array(value)) {
    throw argTypeError(`${name} must hold numbers, got ${show(value)}`);
  }
  checkBuffer(name, value);
  return value as Numbers;
}

function checkBuffer(name: string, array: NodeJS.TypedArray): void {
  if (types.isSharedArrayBuffer(array.buffer)) {
    throw bufferError(
      `${name} is on a SharedArrayBuffer, which others may write to: copy it first`,
    );
  }
  if (array.length === 0 && isDetached(array.buffer)) {
    throw bufferError(`${name} is on a detached buffer (transferred to another thread?)`);
  }
}

function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

function fromNested(data: unknown): Tensor {
  const shape = nestedShape(data);
  const result = allocate('float32', shape);
  const target = writeData(result);
  let next = 0;

  const copy = (value: unknown, dim: number, place: string): void => {
    if (dim === shape.length) {
      if (typeof value !== 'number') {
        throw Array.isArray(value) || types.isTypedArray(value)
          ? raggedError(place, 'an array', 'a number')
          : argTypeError(`${place} must be a number, got ${show(value)}`);
      }
      target[next++] = value;
      return;
    }
    const list = asList(place, value);
    if (list === undefined) throw notAList(place, value, shape[dim]);
    if (list.length !== shape[dim]) {
      throw raggedError(place, `length ${list.length}`, `length ${shape[dim]}`);
    }
    if (types.isTypedArray(list)) {
      if (dim < shape.length - 1) throw raggedError(`${place}[0]`, 'a number', 'an array');
      target.set(list as Numbers, next);
      next += list.length;
      return;
    }
    for (let i = 0; i < list.length; i++) copy(list[i], dim + 1, `${place}[${i}]`);
  };
  copy(data, 0, 'data');
  return result;
}

/** The shape that the first element of every level tells. */
function nestedShape(data: unknown): number[] {
  const shape: number[] = [];
  let place = 'data';
  let value = data;
  for (;;) {
    const list = asList(place, value);
    if (list === undefined) break;
    if (shape.length === MAX_DEPTH) {
      throw shapeError(`data is nested more than ${MAX_DEPTH} arrays deep`);
    }
    shape.push(list.length);
    if (list.length === 0 || types.isTypedArray(list)) break;
    value = list[0];
    place += '[0]';
  }
  if (shape.length === 0 && typeof value !== 'number') {
    throw argTypeError(
      `data must be a number, an array of numbers or a typed array, got ${show(value)}`,
    );
  }
  return shape;
}

const TypedArray = Object.getPrototypeOf(Float32Array) as new () => NodeJS.TypedArray;

/** An array, a typed array of numbers or another array-like object; undefined for anything else. */
function asList(name: string, value: unknown): ArrayLike<unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return value as unknown[];
  const numbers = asTypedArray(name, value);
  if (numbers !== undefined) return numbers;
  // A proxy of a typed array, or an object with its prototype: it can't be asked for its length.
  if (value instanceof TypedArray) return undefined;
  const { length } = value as { length?: unknown };
  return Number.isSafeInteger(length) && (length as number) >= 0
    ? (value as ArrayLike<unknown>)
    : undefined;
}

function notAList(place: string, value: unknown, length: number): Error {
  return typeof value === 'number'
    ? raggedError(place, 'a number', `an array of length ${length}`)
    : argTypeError(`${place} must be an array of length ${length}, got ${show(value)}`);
}

function raggedError(place: string, found: string, expected: string): Error {
  return shapeError(`${place} is ${found} where the first of its kind is ${expected}`);
}
