/** The types that elements are stored as, and how they come into a tensor. */
import { checkpointError, pyList } from '../errors';
import { type DataOf, type DType } from '../tensor';
import type { Reading } from './reading';

export interface Element {
  /** PyTorch's name, without the `torch.`. */
  readonly name: string;
  /** Bytes of one in a file. */
  readonly bytes: number;
  /** What it becomes in a tensor. */
  readonly dtype: DType;
  /** Turns what was read into the end of the tensor's memory into the tensor's elements. */
  readonly finish?: (data: DataOf<DType>) => void;
}

/** All types of elements that can be read, by PyTorch's name. */
export const ELEMENTS = new Map<string, Element>(
  (
    [
      { name: 'float64', bytes: 8, dtype: 'float64' },
      { name: 'float32', bytes: 4, dtype: 'float32' },
      { name: 'float16', bytes: 2, dtype: 'float32', finish: expandHalf },
      { name: 'bfloat16', bytes: 2, dtype: 'float32', finish: expandBFloat16 },
      { name: 'int64', bytes: 8, dtype: 'int64' },
      { name: 'int32', bytes: 4, dtype: 'int32' },
      { name: 'int16', bytes: 2, dtype: 'int16' },
      { name: 'int8', bytes: 1, dtype: 'int8' },
      { name: 'uint8', bytes: 1, dtype: 'uint8' },
      { name: 'bool', bytes: 1, dtype: 'bool', finish: normaliseBool },
    ] satisfies Element[]
  ).map((element) => [element.name, element]),
);

/** More dimensions than any tensor has; PyTorch's own operators stop here. */
const MAX_DIMS = 64;

/**
 * The number of elements under a shape that comes out of a file.
 *
 * @param what names the tensor in an error
 */
export function countElements(what: string, shape: readonly unknown[]): number {
  if (shape.length > MAX_DIMS) {
    throw checkpointError(`${what} has ${shape.length} dimensions; the limit is ${MAX_DIMS}`);
  }
  let count = 1;
  for (const size of shape) {
    if (!isCount(size)) throw checkpointError(`${what} has a bad shape, ${pyList(shape)}`);
    count *= size;
  }
  // With a dimension of none, the others may be as large as they like.
  if (shape.includes(0)) return 0;
  if (!Number.isSafeInteger(count)) {
    throw checkpointError(`${what} of shape ${pyList(shape)} has too many elements`);
  }
  return count;
}

/** Whether `value` is an integer from 0 to 2^53 - 1. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/**
 * Reads `data.length` elements into `data`, and nothing besides: what gets wider is read into the end
 * of the array and expanded from the start, which never overwrites an element that is yet to be
 * expanded.
 *
 * @param bigEndian whether the file has the bytes of an element in reverse
 */
export function* readElements(
  element: Element,
  data: DataOf<DType>,
  position: number,
  bigEndian = false,
): Reading<void> {
  const length = data.length * element.bytes;
  if (length === 0) return;
  const into = Buffer.from(data.buffer, data.byteOffset + data.byteLength - length, length);
  yield { into, position };
  if (bigEndian) reverse(into, element.bytes);
  element.finish?.(data);
}

function reverse(bytes: Buffer, width: number): void {
  if (width === 2) bytes.swap16();
  else if (width === 4) bytes.swap32();
  else if (width === 8) bytes.swap64();
}

/** The second half of the array's memory as 16-bit words. */
function words(data: DataOf<DType>): Uint16Array {
  return new Uint16Array(data.buffer, data.byteOffset + data.byteLength / 2, data.length);
}

/** A bfloat16 is the upper half of a float32. */
function expandBFloat16(data: DataOf<DType>): void {
  const source = words(data);
  const target = new Uint32Array(data.buffer, data.byteOffset, data.length);
  for (let i = 0; i < target.length; i++) target[i] = source[i] << 16;
}

/** The value of every float16, made when the first is read. */
let halves: Float32Array | undefined;

function expandHalf(data: DataOf<DType>): void {
  halves ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => halfToNumber(bits));
  const source = words(data);
  for (let i = 0; i < data.length; i++) data[i] = halves[source[i]];
}

/** 1 bit sign, 5 bits exponent (biased by 15), 10 bits mantissa. */
function halfToNumber(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN;
  // Subnormal numbers have the least exponent and no leading 1.
  return exponent === 0
    ? sign * mantissa * 2 ** -24
    : sign * (0x400 + mantissa) * 2 ** (exponent - 25);
}

function normaliseBool(data: DataOf<DType>): void {
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) data[i] = 1;
}
