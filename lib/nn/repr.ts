/** Values and sub-modules as PyTorch prints them, for `extraRepr` and `toString`. */
import { pyTuple } from '../errors';

export type PyValue = number | boolean | null | readonly (number | null)[];

/** `True`, `None`, `(2, 3)`, `(2,)`, `1e-05`: integers as integers, other numbers as floats. */
export function pyValue(value: PyValue): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : float(value);
  return pyTuple(value.map((item) => pyValue(item)));
}

/** A number as a Python float: `2.0`; several as a tuple of floats. */
export function pyFloat(value: number | readonly number[]): string {
  if (typeof value !== 'number') return pyTuple(value.map((item) => pyFloat(item)));
  const text = float(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function float(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf';
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-4 && magnitude < 1e16) return String(value);
  // Both languages print the shortest digits that read back; Python's exponents have two digits.
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

/** The text of a sub-module inside its parent's: all lines but the first move to the right. */
export function indent(text: string): string {
  return text.replaceAll('\n', '\n  ');
}
