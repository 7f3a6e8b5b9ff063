/** Which values a picture goes from and to, and how numbers are written in labels. */

export interface Range {
  readonly low: number;
  readonly high: number;
}

/** The smallest and the largest finite value; 0 to 0 if there is none. */
export function finiteRange(values: ArrayLike<number>, start = 0, end = values.length): Range {
  let low = Infinity;
  let high = -Infinity;
  for (let i = start; i < end; i++) {
    const value = values[i];
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? { low, high } : { low: 0, high: 0 };
}

/** The smallest range around it with 0 in the middle. */
export function symmetric({ low, high }: Range): Range {
  const bound = Math.max(Math.abs(low), Math.abs(high));
  return { low: -bound, high: bound };
}

/**
 * Where in a range a value lies, 0 to 1. Infinities are at its ends, NaN stays. In a range of no
 * length everything is in the middle.
 */
export function position(value: number, { low, high }: Range): number {
  if (low === high) return value < low ? 0 : value > high ? 1 : value + (0.5 - low);
  return Math.max(0, Math.min(1, (value - low) / (high - low)));
}

/** A number in a few characters: two digits, three from 100 on. */
export function short(value: number): string {
  const size = Math.abs(value);
  if (value === 0) return '0';
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  if (size < 0.00995 || size >= 9999.5) return value.toExponential(1).replace('e+', 'e');
  return size >= 99.5 ? value.toFixed(0) : value.toPrecision(2);
}
