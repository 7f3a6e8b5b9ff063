/** Values of options: text to what it means. Each throws commander's error, which names the option. */
import { InvalidArgumentError } from 'commander';

/** A whole number from `low` to `high`. */
export function wholeNumber(low: number, high = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text) || value < low || value > high) {
      const range = high === Number.MAX_SAFE_INTEGER ? `from ${low}` : `from ${low} to ${high}`;
      throw new InvalidArgumentError(`It must be a whole number ${range}.`);
    }
    return value;
  };
}

/** A finite number above 0. */
export function positive(text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!(value > 0) || !Number.isFinite(value)) {
    throw new InvalidArgumentError('It must be a number above 0.');
  }
  return value;
}

/** `1,3,224,224`, also with an x, spaces or brackets. */
export function shape(text: string): number[] {
  const sizes = /^\s*[([]?\s*(\d+(?:\s*[,x\s]\s*\d+)*)\s*,?\s*[)\]]?\s*$/.exec(text)?.[1];
  const values = sizes?.match(/\d+/g)?.map(Number) ?? [];
  if (values.length === 0 || !values.every(Number.isSafeInteger)) {
    throw new InvalidArgumentError('It must be whole numbers with commas, such as 1,3,224,224.');
  }
  return values;
}

/** A shape as PyTorch prints it. */
export function shapeText(sizes: readonly number[]): string {
  return `(${sizes.join(', ')}${sizes.length === 1 ? ',' : ''})`;
}

/** A finite number from 0. */
export function notNegative(text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!(value >= 0) || !Number.isFinite(value)) {
    throw new InvalidArgumentError('It must be a number from 0.');
  }
  return value;
}
