/** JSON as it comes from strangers. */
import { isUtf8 } from 'node:buffer';

import { badRequest } from '../http-error';

/** Objects and arrays around a value: a tensor of 12 dimensions nests 15 deep. */
const MAX_DEPTH = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = [0x5b, 0x7b]; // [ {
const CLOSING = [0x5d, 0x7d]; // ] }

/**
 * The value that `bytes` are the JSON of.
 *
 * @throws HttpError 400 where it is none, or nested too deep; that is looked at first, so that
 *   nothing is allocated for it
 */
export function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw badRequest('the JSON must be UTF-8');
  checkDepth(bytes);
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch (error) {
    // The parser's message quotes what was sent, and no more than that.
    throw badRequest(`the body is no valid JSON: ${(error as Error).message}`);
  }
}

function checkDepth(bytes: Buffer): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (inString) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) {
      inString = true;
    } else if (byte === OPENING[0] || byte === OPENING[1]) {
      if (++depth > MAX_DEPTH) throw badRequest(`the JSON is nested deeper than ${MAX_DEPTH}`);
    } else if (byte === CLOSING[0] || byte === CLOSING[1]) {
      depth--;
    }
  }
}

/** An object of JSON: its own members only are ever read, so `__proto__` is a name as any other. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The member `key` of an object; what it inherits doesn't count. */
export function member(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
