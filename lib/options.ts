/**
 * Arguments as JavaScript hands them over -> plain checked values. Kinds and integrality are judged
 * here; what a value may be (a stride above 0, ...) is the native side's business.
 */
import { types } from 'node:util';

import { argTypeError, argValueError, pyList, quote, show, unknownOptionError } from './errors';

/** A number for every dimension, or one number for all of them. */
export type NumberOrTuple = number | readonly number[];

/** An integer of up to 2^53 - 1 in magnitude. */
export function integer(name: string, value: unknown): number {
  if (typeof value !== 'number') {
    throw argTypeError(`${name} must be an integer, got ${show(value)}`);
  }
  if (!Number.isSafeInteger(value)) {
    throw argValueError(
      `${name} must be ${
        Number.isInteger(value) ? 'an integer of at most 2^53 - 1' : 'an integer'
      }, got ${show(value)}`,
    );
  }
  // Adding 0 turns -0 into 0.
  return value + 0;
}

/** Any number; `finite` excludes NaN and infinities. */
export function number(name: string, value: unknown, { finite = true } = {}): number {
  if (typeof value !== 'number') {
    throw argTypeError(`${name} must be a number, got ${show(value)}`);
  }
  if (finite && !Number.isFinite(value)) {
    throw argValueError(`${name} must be a finite number, got ${show(value)}`);
  }
  return value;
}

export function boolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') {
    throw argTypeError(`${name} must be true or false, got ${show(value)}`);
  }
  return value;
}

/** One of a few strings. */
export function oneOf<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  if (typeof value !== 'string') {
    throw argTypeError(`${name} must be one of ${quoted(choices)}, got ${show(value)}`);
  }
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) {
    throw argValueError(
      `${name} must be one of ${quoted(choices)}, got ${show(value)}${didYouMean(value, choices)}`,
    );
  }
  return choice;
}

/** A list of integers (an array or a typed array of numbers), copied. */
export function integers(name: string, value: unknown): number[] {
  if (!isList(value)) {
    throw argTypeError(`${name} must be an array of integers, got ${show(value)}`);
  }
  return Array.from(value, (item, index) => integer(`${name}[${index}]`, item));
}

/**
 * A tuple of `length` integers: a number stands for all of them. A list must have exactly `length`
 * elements and is returned as it is, but where `broadcast` is set a list of one is let through too:
 * PyTorch's operators accept those (and its repr prints them as given); see {@link spread}. `of` is
 * what the message says the dimensions belong to.
 */
export function tuple(
  name: string,
  value: unknown,
  length: number,
  { broadcast = false, of = 'convolution' } = {},
): readonly number[] {
  if (typeof value === 'number') {
    return Object.freeze(new Array<number>(length).fill(integer(name, value)));
  }
  if (!isList(value)) {
    throw argTypeError(
      `${name} must be an integer or an array of ${length} integers, got ${show(value)}`,
    );
  }
  const items = integers(name, value);
  if (items.length !== length && !(broadcast && items.length === 1)) {
    throw argValueError(
      `expected ${name} to be a single integer value or a list of ${length} values to match the ` +
        `${of} dimensions, but got ${name}=${pyList(items)}`,
    );
  }
  return Object.freeze(items);
}

/** A tuple of one spread over `length` dimensions; any other is returned as it is. */
export function spread(values: readonly number[], length: number): readonly number[] {
  return values.length === length ? values : new Array<number>(length).fill(values[0]);
}

/**
 * Checks that `value` is an options object of `owner` (undefined counts as an empty one) with no
 * key but the `known` ones. An option that is undefined takes its default.
 */
export function optionsOf<T extends object>(
  owner: string,
  value: T | undefined,
  known: readonly (keyof T & string)[],
): Partial<T> {
  if (value === undefined) return {};
  const given: unknown = value;
  if (typeof given !== 'object' || given === null || isList(given)) {
    throw argTypeError(`the options of ${owner} must be an object, got ${show(given)}`);
  }
  for (const key of Object.keys(given)) {
    if (!(known as readonly string[]).includes(key)) {
      throw unknownOptionError(
        `${owner} has no option ${quote(key)}${didYouMean(key, known)}; it takes ${known.join(', ')}`,
      );
    }
  }
  return value;
}

/** An array, or a typed array of numbers (of whatever realm). */
function isList(value: unknown): value is ArrayLike<unknown> {
  return (
    Array.isArray(value) ||
    (types.isTypedArray(value) && !types.isBigInt64Array(value) && !types.isBigUint64Array(value))
  );
}

function quoted(choices: readonly string[]): string {
  return choices.map((choice) => `'${choice}'`).join(', ');
}

/** ` (did you mean 'x'?)` for a near miss, Python's spelling included; else nothing. */
export function didYouMean(given: string, candidates: readonly string[]): string {
  const plain = (text: string) => text.replaceAll('_', '').toLowerCase();
  const distance = (candidate: string): number => {
    const letters = editDistance(plain(given), plain(candidate));
    const begins = given.length >= SHORTEST_BEGINNING && plain(candidate).startsWith(plain(given));
    return begins ? Math.min(letters, 1) : letters;
  };
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    if (distance(candidate) < bestDistance) [best, bestDistance] = [candidate, distance(candidate)];
  }
  const tolerated = Math.ceil(given.length / 3);
  return best !== undefined && bestDistance <= tolerated ? ` (did you mean '${best}'?)` : '';
}

const SHORTEST_BEGINNING = 3;
const LONGEST_COMPARED = 40;

/** Levenshtein distance; texts too long to be a misspelling count as far away. */
function editDistance(a: string, b: string): number {
  if (a.length > LONGEST_COMPARED) return Infinity;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
