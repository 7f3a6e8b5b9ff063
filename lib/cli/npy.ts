/**
 * NumPy's .npy files.
 *
 * Follows https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { tensor } from '../create';
import { product, readData, type Tensor } from '../tensor';
import { RunError } from './failure';

const MAGIC = '\x93NUMPY';
/** numpy's own limit for headers it trusts is 10,000 bytes. */
const LONGEST_HEADER = 65_536;
const MOST_DIMENSIONS = 64;
const ALIGNMENT = 64;

/** Reads one element at a byte offset. */
type ReadElement = (view: DataView, at: number, little: boolean) => number;

const ELEMENTS: Readonly<Record<string, readonly [bytes: number, read: ReadElement]>> = {
  f2: [2, (view, at, little) => fromHalf(view.getUint16(at, little))],
  f4: [4, (view, at, little) => view.getFloat32(at, little)],
  f8: [8, (view, at, little) => view.getFloat64(at, little)],
  i1: [1, (view, at) => view.getInt8(at)],
  i2: [2, (view, at, little) => view.getInt16(at, little)],
  i4: [4, (view, at, little) => view.getInt32(at, little)],
  i8: [8, (view, at, little) => Number(view.getBigInt64(at, little))],
  u1: [1, (view, at) => view.getUint8(at)],
  u2: [2, (view, at, little) => view.getUint16(at, little)],
  u4: [4, (view, at, little) => view.getUint32(at, little)],
  u8: [8, (view, at, little) => Number(view.getBigUint64(at, little))],
  b1: [1, (view, at) => (view.getUint8(at) === 0 ? 0 : 1)],
};

function fromHalf(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Whether the bytes begin as an .npy file does. */
export function isNpy(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, MAGIC.length) === MAGIC;
}

interface Header {
  descr: string;
  fortranOrder: boolean;
  shape: number[];
}

/** What the header, a dict as Python prints it, says; undefined where it is anything else. */
function parseHeader(text: string): Header | undefined {
  const dict = /^\{(.*)\}\s*$/s.exec(text)?.[1];
  if (dict === undefined) return undefined;
  const entry = /\s*(['"])(\w+)\1\s*:\s*(?:(['"])([^'"]*)\3|(True|False)|\(([\d,\sL]*)\))\s*(,|$)/y;
  const found: Partial<Header> = {};
  while (entry.lastIndex < dict.trimEnd().length) {
    const match = entry.exec(dict);
    if (match === null) return undefined;
    const [, , key, , string, flag, list] = match;
    if (key in found) return undefined;
    if (key === 'descr' && string !== undefined) found.descr = string;
    else if (key === 'fortran_order' && flag !== undefined) found.fortranOrder = flag === 'True';
    else if (key === 'shape' && list !== undefined) {
      if (!/^\s*(\d+L?\s*(,\s*|$))*$/.test(list)) return undefined;
      found.shape = (list.match(/\d+/g) ?? []).map(Number);
    } else return undefined;
  }
  const { descr, fortranOrder, shape } = found;
  if (descr === undefined || fortranOrder === undefined || shape === undefined) return undefined;
  return { descr, fortranOrder, shape };
}

/** Where the elements of a row-major array lie in a column-major one. */
function* columnMajor(shape: readonly number[]): Generator<number> {
  const strides = shape.map((_, dim) => product(shape.slice(0, dim)));
  const index = shape.map(() => 0);
  for (let left = product(shape); left > 0; left--) {
    yield index.reduce((at, i, dim) => at + i * strides[dim], 0);
    for (let dim = shape.length - 1; dim >= 0 && ++index[dim] === shape[dim]; dim--) index[dim] = 0;
  }
}

/**
 * The array in an .npy file as a float32 tensor: floats (2, 4 and 8 bytes), integers and bools, of
 * either byte order; Fortran order becomes C order.
 *
 * @param name what messages call the file
 * @throws RunError for a file that is damaged or holds something else
 */
export function decodeNpy(bytes: Buffer, name: string): Tensor {
  const damaged = (reason: string): RunError =>
    new RunError(`${name} is a damaged .npy file: ${reason}; save it again`);
  const [major, minor] = [bytes[MAGIC.length], bytes[MAGIC.length + 1]];
  if (!isNpy(bytes) || bytes.length < MAGIC.length + 4) throw damaged('it ends in its first bytes');
  if (major < 1 || major > 3 || minor !== 0) {
    throw new RunError(
      `${name} is an .npy file of version ${major}.${minor}: versions 1 to 3 are read`,
    );
  }
  const sizeBytes = major === 1 ? 2 : 4;
  const headerAt = MAGIC.length + 2 + sizeBytes;
  if (bytes.length < headerAt) throw damaged('it ends in its first bytes');
  const headerBytes = bytes.readUIntLE(MAGIC.length + 2, sizeBytes);
  const dataAt = headerAt + headerBytes;
  if (headerBytes > LONGEST_HEADER) throw damaged(`its header claims ${headerBytes} bytes`);
  if (bytes.length < dataAt) throw damaged('it ends in its header');

  const text = bytes.toString(major === 3 ? 'utf8' : 'latin1', headerAt, dataAt);
  const header = parseHeader(text);
  if (header === undefined) {
    if (/'descr'\s*:\s*\[/.test(text)) throw notNumbers(name, 'a structured array');
    throw damaged("its header can't be read");
  }
  const { descr, fortranOrder, shape } = header;
  const [, order, type] = /^([<>=|]?)(\w+)$/.exec(descr) ?? [];
  const element = type !== undefined && Object.hasOwn(ELEMENTS, type) ? ELEMENTS[type] : undefined;
  if (element === undefined) throw notNumbers(name, `an array of dtype '${descr}'`);
  if (shape.length > MOST_DIMENSIONS || !shape.every(Number.isSafeInteger)) {
    throw damaged(`its shape can't be (${header.shape.join(', ')})`);
  }
  const [elementBytes, read] = element;
  // A product of huge sizes may be wrong, but never as small as a file that is really there.
  const count = shape.reduce((total, size) => total * size, 1);
  if (bytes.length - dataAt !== count * elementBytes) {
    throw damaged(
      `shape (${shape.join(', ')}) of '${descr}' takes ${count * elementBytes} bytes, it has ` +
        `${bytes.length - dataAt}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + dataAt, bytes.length - dataAt);
  const values = new Float32Array(count);
  const little = order !== '>';
  let i = 0;
  if (fortranOrder && shape.length > 1) {
    for (const at of columnMajor(shape)) values[i++] = read(view, at * elementBytes, little);
  } else {
    for (; i < count; i++) values[i] = read(view, i * elementBytes, little);
  }
  return tensor(values, shape);
}

function notNumbers(name: string, what: string): RunError {
  return new RunError(
    `${name} holds ${what}, not numbers; save array.astype('float32') from Python`,
  );
}

/** A float32 tensor as an .npy file, version 1.0. */
export function encodeNpy(value: Tensor): Buffer {
  const { shape } = value;
  const tuple = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  const before = MAGIC.length + 4;
  const padded = Math.ceil((before + dict.length + 1) / ALIGNMENT) * ALIGNMENT - before;
  const header = Buffer.alloc(before + padded, ' ', 'latin1');
  header.write(`${MAGIC}\x01\x00`, 0, 'latin1');
  header.writeUInt16LE(padded, MAGIC.length + 2);
  header.write(dict, before, 'latin1');
  header.write('\n', before + padded - 1, 'latin1');
  const data = readData(value);
  return Buffer.concat([header, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}
