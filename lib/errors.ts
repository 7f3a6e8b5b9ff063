/**
 * Errors of nnconv: always a TypeError (wrong kind) or a RangeError (bad value) with a stable
 * `code`, save for a native binary that can't be loaded, which is a plain Error with one.
 */
import { types } from 'node:util';

export type ErrorCode =
  /** TypeError: an argument is of the wrong kind. */
  | 'ERR_NNCONV_ARG_TYPE'
  /** RangeError: an argument has a bad value. */
  | 'ERR_NNCONV_ARG_VALUE'
  /** RangeError: a rank or a size is wrong, or two shapes disagree. */
  | 'ERR_NNCONV_SHAPE'
  /** TypeError: an options object has a key that nobody reads. */
  | 'ERR_NNCONV_UNKNOWN_OPTION'
  /** RangeError: a tensor of this size can't be allocated. */
  | 'ERR_NNCONV_ALLOC'
  /** TypeError: a typed array whose buffer is detached or shared. */
  | 'ERR_NNCONV_BUFFER'
  /** RangeError: the algorithm asked for can't do this problem. */
  | 'ERR_NNCONV_UNSUPPORTED'
  /** RangeError: a state dict doesn't fit the module. */
  | 'ERR_NNCONV_STATE_DICT'
  /** RangeError: a checkpoint file is malformed, or holds what is not loaded. */
  | 'ERR_NNCONV_CHECKPOINT'
  /** RangeError: a picture is malformed, too large, or of a format that is not read. */
  | 'ERR_NNCONV_IMAGE'
  /** RangeError: as many asynchronous runs wait as the queue takes. */
  | 'ERR_NNCONV_QUEUE_FULL'
  /** Error: the native binary can't be loaded. */
  | 'ERR_NNCONV_LOAD'
  /** A model does what can't be compiled. */
  | 'ERR_NNCONV_TRACE'
  /** A session is used after it was disposed of. */
  | 'ERR_NNCONV_DISPOSED';

type ErrorClass = new (message: string, options?: ErrorOptions) => Error;

/** A factory of errors whose stack starts at the factory's caller. */
function errorFactory(Class: ErrorClass, code: ErrorCode) {
  return function create(message: string, options?: ErrorOptions): Error & { code: ErrorCode } {
    const error = Object.assign(new Class(message, options), { code });
    Error.captureStackTrace(error, create);
    return error;
  };
}

export const argTypeError = errorFactory(TypeError, 'ERR_NNCONV_ARG_TYPE');
export const argValueError = errorFactory(RangeError, 'ERR_NNCONV_ARG_VALUE');
export const shapeError = errorFactory(RangeError, 'ERR_NNCONV_SHAPE');
export const unknownOptionError = errorFactory(TypeError, 'ERR_NNCONV_UNKNOWN_OPTION');
export const allocError = errorFactory(RangeError, 'ERR_NNCONV_ALLOC');
export const bufferError = errorFactory(TypeError, 'ERR_NNCONV_BUFFER');
export const stateDictError = errorFactory(RangeError, 'ERR_NNCONV_STATE_DICT');
export const checkpointError = errorFactory(RangeError, 'ERR_NNCONV_CHECKPOINT');
export const imageError = errorFactory(RangeError, 'ERR_NNCONV_IMAGE');
/** A model does what a compiled network can't. */
export const traceError = errorFactory(Error, 'ERR_NNCONV_TRACE');
export const disposedError = errorFactory(Error, 'ERR_NNCONV_DISPOSED');
export const loadError = errorFactory(Error, 'ERR_NNCONV_LOAD');

/** A list as Python prints it: `[1, 2]`. */
export function pyList(values: ArrayLike<unknown>): string {
  return `[${Array.from(values, String).join(', ')}]`;
}

/** A tuple as Python prints it: `(1, 2)`, and `(1,)` with the comma. */
export function pyTuple(values: ArrayLike<unknown>): string {
  return values.length === 1
    ? `(${String(values[0])},)`
    : `(${Array.from(values, String).join(', ')})`;
}

const SHOWN_ITEMS = 8;
const SHOWN_CHARACTERS = 60;

/** A received value for a message: short, and never throwing whatever the value is. */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `string ${quote(value)}`;
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `bigint ${clip(String(value))}n`;
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'symbol':
      return 'a symbol';
    case 'function':
      return 'a function';
    default:
      return value ? showObject(value) : 'null';
  }
}

function showObject(value: object): string {
  if (types.isProxy(value)) return 'a Proxy';
  if (Array.isArray(value)) {
    const items = value.slice(0, SHOWN_ITEMS).map((item: unknown) => showItem(item));
    if (value.length > SHOWN_ITEMS) items.push('...');
    return `[${items.join(', ')}]`;
  }
  const name = className(value);
  return name === '' || name === 'Object' ? 'an object' : `an instance of ${clip(name)}`;
}

function className(value: object): string {
  try {
    const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
    return typeof name === 'string' ? name : '';
  } catch {
    // A getter of the caller's.
    return '';
  }
}

function showItem(item: unknown): string {
  if (typeof item === 'string') return quote(item);
  return typeof item === 'object' && item !== null ? '{...}' : show(item);
}

/** A string of the caller's for a message. */
export function quote(text: string): string {
  return `'${clip(text)}'`;
}

function clip(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text;
}
