/**
 * The safetensors format: 8 bytes with the length of the header, the header (a JSON object: name ->
 * dtype, shape and place in the data), the data.
 *
 * Follows https://huggingface.co/docs/safetensors
 */
import { argTypeError, argValueError, checkpointError, pyList, quote, show } from '../errors';
import type { StateDict } from '../nn/module';
import { allocate, type DType, isTensor, readData, type Tensor, writeData } from '../tensor';
import { countElements, type Element, ELEMENTS, isCount, readElements } from './elements';
import { parseJson } from './json';
import { readBytes, type Reading } from './reading';

/** The format's limit. */
const MAX_HEADER = 100_000_000;
/** The name under which the header has remarks rather than a tensor. */
const METADATA = '__metadata__';

const PREFIX = 8;
const ALIGNMENT = 8;

/** The format's names of the types, and PyTorch's. */
const DTYPES = new Map([
  ['F64', 'float64'],
  ['F32', 'float32'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['I64', 'int64'],
  ['I32', 'int32'],
  ['I16', 'int16'],
  ['I8', 'int8'],
  ['U8', 'uint8'],
  ['BOOL', 'bool'],
]);

const NAMES = new Map([...DTYPES].map(([name, dtype]) => [dtype, name]));

interface Entry {
  readonly name: string;
  readonly element: Element;
  readonly shape: readonly number[];
  /** Where its bytes are, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

export function* readSafetensors(size: number): Reading<StateDict> {
  const length = Number((yield* readBytes(0, PREFIX)).readBigUInt64LE());
  if (length > MAX_HEADER) {
    throw checkpointError(`its header has ${length} bytes; the format's limit is ${MAX_HEADER}`);
  }
  const start = PREFIX + length;
  if (start > size) {
    throw checkpointError(
      `it is cut short: its header should have ${length} bytes, but it has ${size} in all`,
    );
  }
  const entries = parseHeader(yield* readBytes(PREFIX, length));
  checkPlaces(entries, size - start);

  const tensors = new Map<string, Tensor<DType>>();
  for (const { name, element, shape, begin } of byPlace(entries)) {
    const tensor = allocate(element.dtype, [...shape]);
    yield* readElements(element, writeData(tensor), start + begin);
    tensors.set(name, tensor);
  }
  // The header's order is the order of the state dict; that of the data is about alignment.
  const result = Object.create(null) as StateDict;
  for (const { name } of entries) result[name] = tensors.get(name)!;
  return result;
}

function parseHeader(bytes: Buffer): Entry[] {
  const header = parseJson(bytes);
  if (!isObject(header)) throw checkpointError('its header is no JSON object');
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === METADATA) checkMetadata(value);
    else entries.push(parseEntry(name, value));
  }
  return entries;
}

function checkMetadata(value: unknown): void {
  if (!isObject(value)) throw checkpointError(`its ${METADATA} is no JSON object`);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      throw checkpointError(`its ${METADATA} has ${show(text)} under ${quote(key)}, not a string`);
    }
  }
}

function parseEntry(name: string, value: unknown): Entry {
  const what = `tensor ${quote(name)}`;
  if (!isObject(value)) throw checkpointError(`${what} is described by ${show(value)}`);
  const dtype = Object.hasOwn(value, 'dtype') ? value.dtype : undefined;
  const shape = Object.hasOwn(value, 'shape') ? value.shape : undefined;
  const offsets = Object.hasOwn(value, 'data_offsets') ? value.data_offsets : undefined;
  const element = typeof dtype === 'string' ? ELEMENTS.get(DTYPES.get(dtype) ?? '') : undefined;
  if (element === undefined) {
    throw checkpointError(
      `${what} has dtype ${show(dtype)}; what can be loaded is ${[...DTYPES.keys()].join(', ')}. ` +
        'Convert it in Python first, with tensor.float()',
    );
  }
  if (!Array.isArray(shape)) throw checkpointError(`${what} has shape ${show(shape)}`);
  const count = countElements(what, shape);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw checkpointError(`${what} has data_offsets ${show(offsets)}`);
  }
  const [begin, end] = offsets;
  if (end - begin !== count * element.bytes) {
    throw checkpointError(
      `${what} (${String(dtype)}, shape ${pyList(shape)}) takes ${count * element.bytes} bytes, but ` +
        `its data_offsets are ${pyList(offsets)}`,
    );
  }
  return { name, element, shape: shape as number[], begin, end };
}

/** Checks that the tensors cover the data, without holes and overlaps. */
function checkPlaces(entries: readonly Entry[], length: number): void {
  let at = 0;
  let before = 'the header';
  for (const { name, begin, end } of byPlace(entries)) {
    const what = `tensor ${quote(name)}`;
    if (end > length) {
      throw checkpointError(
        `${what} ends at byte ${end} of the data, which has ${length}; it is cut short or damaged`,
      );
    }
    if (begin !== at) {
      throw checkpointError(
        begin < at
          ? `${what} overlaps ${before}`
          : `${begin - at} bytes between ${before} and ${what} belong to no tensor`,
      );
    }
    at = end;
    before = what;
  }
  if (at !== length) throw checkpointError(`${length - at} bytes at its end belong to no tensor`);
}

function byPlace(entries: readonly Entry[]): Entry[] {
  return [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The bytes of a safetensors file, in pieces; those of the tensors are their memory, not copies.
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE
 */
export function encodeSafetensors(stateDict: Readonly<StateDict>): Uint8Array[] {
  const tensors = tensorsOf(stateDict);
  // Wide elements first: every tensor is aligned then, whatever its shape.
  const width = (tensor: Tensor<DType>) => readData(tensor).BYTES_PER_ELEMENT;
  const inPlace = [...tensors].sort(([, a], [, b]) => width(b) - width(a));
  const offsets = new Map<string, [number, number]>();
  let at = 0;
  for (const [name, tensor] of inPlace) {
    offsets.set(name, [at, (at += readData(tensor).byteLength)]);
  }
  // An object with any prototype would take '__proto__' for something else, and 1 before 'a'.
  const lines = tensors.map(([name, { dtype, shape }]) => {
    const entry = { dtype: NAMES.get(dtype), shape, data_offsets: offsets.get(name) };
    return `${JSON.stringify(name)}:${JSON.stringify(entry)}`;
  });
  const text = Buffer.from(`{${lines.join(',')}}`);
  const length = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  if (length > MAX_HEADER) {
    throw argValueError(
      `stateDict has a header of ${length} bytes; the limit of safetensors is ${MAX_HEADER}`,
    );
  }
  const header = Buffer.alloc(PREFIX + length, ' ');
  header.writeBigUInt64LE(BigInt(length));
  header.set(text, PREFIX);
  return [
    header,
    ...inPlace.map(([, tensor]) => {
      const { buffer, byteOffset, byteLength } = readData(tensor);
      return new Uint8Array(buffer, byteOffset, byteLength);
    }),
  ];
}

function tensorsOf(stateDict: unknown): [string, Tensor<DType>][] {
  if (!isObject(stateDict) || isTensor(stateDict) || stateDict instanceof Map) {
    throw argTypeError(`stateDict must be an object of tensors by name, got ${show(stateDict)}`);
  }
  return Object.entries(stateDict).map(([name, tensor]) => {
    if (!isTensor(tensor)) {
      throw argTypeError(
        `stateDict[${quote(name)}] must be a Tensor, got ${show(tensor)}; safetensors holds ` +
          'nothing but tensors by name',
      );
    }
    // A half of a surrogate pair has no place in UTF-8.
    if (name === METADATA || /\p{Surrogate}/u.test(name)) {
      throw argValueError(
        `stateDict has a tensor named ${quote(name)}, which safetensors can't hold`,
      );
    }
    return [name, tensor];
  });
}
