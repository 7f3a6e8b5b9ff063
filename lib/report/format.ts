/** Numbers and shapes for people to read. */

/** `64 × 56 × 56`: a shape without its batch, unless there is nothing else. */
export function times(shape: readonly number[]): string {
  const rest = shape.length > 1 ? shape.slice(1) : shape;
  return rest.length > 0 ? rest.join(' × ') : 'scalar';
}

/** Seconds as milliseconds, with three digits. */
export function milliseconds(seconds: number): string {
  const value = seconds * 1e3;
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return `${value.toFixed(digits)} ms`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** 11.7 M, 1.81 G */
export function short(value: number): string {
  for (const [unit, size] of [
    ['T', 1e12],
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (value >= size) return `${(value / size).toPrecision(3)} ${unit}`;
  }
  return String(value);
}
