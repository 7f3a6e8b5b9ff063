/**
 * A tensor as PyTorch prints it with its default print options.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.set_printoptions.html
 */
import { pyTuple } from './errors';
import type { DataOf, DType } from './tensor';

const PRECISION = 4;
/** Above this number of elements only the edges are printed. */
const THRESHOLD = 1000;
const EDGE_ITEMS = 3;
const LINE_WIDTH = 80;
const PREFIX = 'tensor(';

type Data = DataOf<DType>;
type Element = number | bigint;

/** Element types whose name is not printed: it shows in the elements. */
const PLAIN: readonly DType[] = ['float32', 'int64', 'bool'];

export function formatTensor(dtype: DType, shape: readonly number[], data: Data): string {
  const suffixes: string[] = [];
  let body = '[]';
  if (data.length === 0) {
    if (shape.length !== 1) suffixes.push(`size=${pyTuple(shape)}`);
    if (dtype !== 'float32') suffixes.push(`dtype=torch.${dtype}`);
  } else {
    if (!PLAIN.includes(dtype)) suffixes.push(`dtype=torch.${dtype}`);
    body = formatBody(dtype, shape, data);
  }
  return addSuffixes(PREFIX + body, suffixes);
}

function formatBody(dtype: DType, shape: readonly number[], data: Data): string {
  const summarize = data.length > THRESHOLD;
  const shown = shape.map((size) => shownIndices(size, summarize));
  const format = elementFormatter(dtype, shownElements(shape, shown, data));

  const block = (dim: number, offset: number, indent: number): string => {
    if (dim === shape.length) return format.element(data[offset]);
    const last = dim === shape.length - 1;
    const parts = shown[dim].map((index) => {
      if (index === null) return last ? ' ...' : '...';
      return block(dim + 1, offset * shape[dim] + index, indent + 1);
    });
    return `[${last ? wrapLines(parts, indent, format.width) : parts.join(separator(dim, indent))}]`;
  };
  const separator = (dim: number, indent: number): string =>
    `,${'\n'.repeat(shape.length - dim - 1)}${' '.repeat(indent + 1)}`;

  return block(0, 0, PREFIX.length);
}

/** The indices printed along a dimension; null stands for the dots. */
function shownIndices(size: number, summarize: boolean): (number | null)[] {
  if (!summarize || size <= 2 * EDGE_ITEMS) return Array.from({ length: size }, (_, i) => i);
  const head = Array.from({ length: EDGE_ITEMS }, (_, i) => i);
  return [...head, null, ...head.map((i) => size - EDGE_ITEMS + i)];
}

function shownElements(
  shape: readonly number[],
  shown: readonly (number | null)[][],
  data: Data,
): Element[] {
  let offsets = [0];
  shape.forEach((size, dim) => {
    const indices = shown[dim].filter((index) => index !== null);
    offsets = offsets.flatMap((offset) => indices.map((index) => offset * size + index));
  });
  return offsets.map((offset) => data[offset]);
}

function wrapLines(items: readonly string[], indent: number, width: number): string {
  const perLine = Math.max(1, Math.floor((LINE_WIDTH - indent) / (width + 2)));
  const lines: string[] = [];
  for (let i = 0; i < items.length; i += perLine) {
    lines.push(items.slice(i, i + perLine).join(', '));
  }
  return lines.join(`,\n${' '.repeat(indent + 1)}`);
}

function addSuffixes(text: string, suffixes: readonly string[]): string {
  let result = text;
  let lineLength = text.length - text.lastIndexOf('\n') + 1;
  for (const suffix of suffixes) {
    if (lineLength + suffix.length + 2 > LINE_WIDTH) {
      result += `,\n${' '.repeat(PREFIX.length)}${suffix}`;
      lineLength = PREFIX.length + suffix.length;
    } else {
      result += `, ${suffix}`;
      lineLength += suffix.length + 2;
    }
  }
  return `${result})`;
}

interface ElementFormatter {
  /** The width that every element is padded to. */
  width: number;
  element(value: Element): string;
}

function elementFormatter(dtype: DType, values: readonly Element[]): ElementFormatter {
  const [text, counted] =
    dtype === 'float32' || dtype === 'float64'
      ? floatText(values.map(Number))
      : [dtype === 'bool' ? boolText : String, values];
  const width = counted.reduce<number>((most, value) => Math.max(most, text(value).length), 1);
  return { width, element: (value) => text(value).padStart(width) };
}

function boolText(value: Element): string {
  return Number(value) === 0 ? 'False' : 'True';
}

/** How these floats are written, and those among them whose text sets the width. */
function floatText(
  values: readonly number[],
): [text: (value: Element) => string, counted: readonly number[]] {
  const ordinary = values.filter((value) => Number.isFinite(value) && value !== 0);
  let min = Infinity;
  let max = 0;
  for (const value of ordinary) {
    min = Math.min(min, Math.abs(value));
    max = Math.max(max, Math.abs(value));
  }
  const scientific = ordinary.length > 0 && (max / min > 1000 || max > 1e8 || min < 1e-4);
  const digits = !scientific && ordinary.every((value) => Number.isInteger(value)) ? 0 : PRECISION;

  const text = (element: Element): string => {
    const value = Number(element);
    if (Number.isNaN(value)) return 'nan';
    const sign = value < 0 || Object.is(value, -0) ? '-' : '';
    const size = Math.abs(value);
    if (size === Infinity) return `${sign}inf`;
    if (scientific) return sign + pythonExponential(size, digits);
    return sign + pythonFixed(size, digits) + (digits === 0 ? '.' : '');
  };
  return [text, ordinary];
}

/** Python's `f'{value:.{digits}f}'` of a positive value: halves go to the even digit. */
function pythonFixed(value: number, digits: number): string {
  const longer = value.toFixed(digits + 1);
  return isHalf(longer, value.toFixed(100)) ? longer.slice(0, -1) : value.toFixed(digits);
}

/** Python's `f'{value:.{digits}e}'` of a positive value. */
function pythonExponential(value: number, digits: number): string {
  const [longer] = value.toExponential(digits + 1).split('e');
  const [exact] = value.toExponential(100).split('e');
  const [rounded, exponent] = value.toExponential(digits).split('e');
  const mantissa = isHalf(longer, exact) ? longer.slice(0, -1) : rounded;
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
}

/**
 * Whether a value lies exactly between two texts of one digit less than `longer`, the lower of
 * which is even: JavaScript then rounds up, Python down.
 */
function isHalf(longer: string, exact: string): boolean {
  return (
    longer.endsWith('5') &&
    '02468'.includes(longer.at(-2) as string) &&
    exact.startsWith(longer) &&
    /^0*$/.test(exact.slice(longer.length))
  );
}
