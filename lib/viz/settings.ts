/** What options of several functions have in common. */
import { argValueError } from '../errors';
import { integer } from '../options';

/** Units a value of a panel may have. */
export const MAX_CELL = 256;

/** Checks an integer that may be left out. */
export function checkCount(
  name: string,
  value: number | undefined,
  least: number,
  most = Infinity,
): void {
  if (value === undefined) return;
  if (integer(name, value) < least) {
    throw argValueError(`${name} must be at least ${least}, got ${value}`);
  }
  if (value > most) throw argValueError(`${name} must be at most ${most}, got ${value}`);
}
