/** JSON as it comes from strangers. */
import { types } from 'node:util';

import { checkpointError, quote } from '../errors';

/** Nobody nests deeper; it bounds the memory that nesting takes. */
const MAX_DEPTH = 64;

/**
 * Parses a file's header. An object that has a name twice is an error, unlike for JSON.parse, which
 * keeps the last: whoever checked the file with another reader may have seen the first.
 */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    checkNames(text);
    return JSON.parse(text) as unknown;
  } catch (cause) {
    // JSON.parse throws a SyntaxError without a code, the decoder one of Node.js.
    const { code, message } = cause as Error & { code?: string };
    if (!types.isNativeError(cause) || code?.startsWith('ERR_NNCONV_')) throw cause;
    throw checkpointError(`its header is no valid JSON: ${message}`, { cause });
  }
}

/** Looks at what JSON.parse hides; what it doesn't, such as a missing quote, is left to it. */
function checkNames(text: string): void {
  // The names of each object around, undefined for an array.
  const around: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{' || character === '[') {
      if (around.length === MAX_DEPTH) throw checkpointError('its header is nested too deep');
      around.push(character === '{' ? new Set() : undefined);
    } else if (character === '}' || character === ']') {
      around.pop();
    } else if (character === '"') {
      const start = at;
      at = endOfString(text, start);
      const names = isFollowedByColon(text, at + 1) ? around.at(-1) : undefined;
      if (names === undefined) continue;
      const name = JSON.parse(text.slice(start, at + 1)) as string;
      if (names.has(name)) throw checkpointError(`its header has the name ${quote(name)} twice`);
      names.add(name);
    }
  }
}

/** The index of the quote that ends the string whose first quote is at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function isFollowedByColon(text: string, from: number): boolean {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return text[at] === ':';
}
