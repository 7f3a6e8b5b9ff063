/**
 * The protocol's types of elements, and how they become the float32 that layers compute in: exactly
 * where float32 has the value, rounded to the nearest where not.
 */
import { badRequest } from '../http-error';

export interface Datatype {
  readonly name: string;
  /** Bytes of one element in binary data. */
  readonly bytes: number;
  /** The element that a JSON value stands for; undefined where it stands for none. */
  readonly fromJson: (value: unknown) => number | undefined;
  /** Elements that lie one after the other, least significant byte first. */
  readonly fromBytes: (bytes: Buffer, count: number) => Elements;
}

/**
 * Elements as float32, or the bytes of float32 where they came, at any address: what is copied into a
 * run anyway is not copied before.
 */
export type Elements = Float32Array<ArrayBuffer> | Buffer;

/** Copies elements to `target`, from its element `at` on; returns where they end. */
export function copyElements(elements: Elements, target: Float32Array, at: number): number {
  if (elements instanceof Float32Array) {
    target.set(elements, at);
    return at + elements.length;
  }
  Buffer.from(target.buffer, target.byteOffset).set(elements, 4 * at);
  return at + elements.length / 4;
}

type Reader = (bytes: Buffer, offset: number) => number;

function reading(size: number, read: Reader): Datatype['fromBytes'] {
  return (bytes, count) => {
    const result = new Float32Array(count);
    for (let i = 0; i < count; i++) result[i] = read(bytes, i * size);
    return result;
  };
}

const fromNumber = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : undefined;

function integerFrom(least: number, most: number): Datatype['fromJson'] {
  return (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? (value as number)
      : undefined;
}

function integers(name: string, bytes: number, signed: boolean, read: Reader): Datatype {
  const values = 2 ** (8 * bytes);
  // 2^63 - 1 and 2^64 - 1 are no doubles: JSON.parse makes the next power of two of them.
  const exact = bytes < 8 ? 1 : 0;
  const [least, most] = signed ? [-values / 2, values / 2 - exact] : [0, values - exact];
  return {
    name,
    bytes,
    fromJson: integerFrom(least, most),
    fromBytes: reading(bytes, read),
  };
}

/** A bfloat16 is the upper half of a float32. */
function bfloats(bytes: Buffer, count: number): Float32Array<ArrayBuffer> {
  const result = new Uint32Array(count);
  for (let i = 0; i < count; i++) result[i] = bytes.readUInt16LE(2 * i) << 16;
  return new Float32Array(result.buffer);
}

function doubles(bytes: Buffer, count: number): Elements {
  return reading(8, (from, at) => from.readDoubleLE(at))(bytes, count);
}

function booleans(bytes: Buffer, count: number): Elements {
  return reading(1, (from, at) => {
    if (from[at] > 1) throw badRequest(`a BOOL must be a byte of 0 or 1, got ${from[at]}`);
    return from[at];
  })(bytes, count);
}

/** 1 bit sign, 5 bits exponent (biased by 15), 10 bits mantissa. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN;
  // Subnormal numbers have the least exponent and no leading 1.
  return exponent === 0
    ? sign * mantissa * 2 ** -24
    : sign * (0x400 + mantissa) * 2 ** (exponent - 25);
}

/** All that is accepted, by the protocol's name. BYTES is not: no layer takes strings. */
export const DATATYPES: ReadonlyMap<string, Datatype> = new Map(
  [
    {
      name: 'BOOL',
      bytes: 1,
      fromJson: (value: unknown) => (typeof value === 'boolean' ? Number(value) : undefined),
      fromBytes: booleans,
    },
    integers('UINT8', 1, false, (bytes, at) => bytes[at]),
    integers('UINT16', 2, false, (bytes, at) => bytes.readUInt16LE(at)),
    integers('UINT32', 4, false, (bytes, at) => bytes.readUInt32LE(at)),
    integers('UINT64', 8, false, (bytes, at) => Number(bytes.readBigUInt64LE(at))),
    integers('INT8', 1, true, (bytes, at) => bytes.readInt8(at)),
    integers('INT16', 2, true, (bytes, at) => bytes.readInt16LE(at)),
    integers('INT32', 4, true, (bytes, at) => bytes.readInt32LE(at)),
    integers('INT64', 8, true, (bytes, at) => Number(bytes.readBigInt64LE(at))),
    {
      name: 'FP16',
      bytes: 2,
      fromJson: fromNumber,
      fromBytes: reading(2, (bytes, at) => half(bytes.readUInt16LE(at))),
    },
    { name: 'BF16', bytes: 2, fromJson: fromNumber, fromBytes: bfloats },
    { name: 'FP32', bytes: 4, fromJson: fromNumber, fromBytes: (bytes: Buffer) => bytes },
    { name: 'FP64', bytes: 8, fromJson: fromNumber, fromBytes: doubles },
  ].map((datatype) => [datatype.name, datatype]),
);
