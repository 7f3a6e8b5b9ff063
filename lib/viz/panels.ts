/** Values -> panels: coloured by their range, labelled with name, smallest and largest value. */
import { type Colormap, diverges, NAN_COLOR, tableOf, writeColor } from './colormap';
import type { Panel } from './figure';
import { finiteRange, position, type Range, short, symmetric } from './range';

/** A plane of values, row by row; three planes, one after the other, where it is in colour. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** What a panel is called: in its label, and in words. */
export interface Name {
  readonly label: string;
  readonly title: string;
}

/** The range that colours are for. */
export function colorRange(values: Float32Array, colormap: Colormap): Range {
  const range = finiteRange(values);
  return diverges(colormap) ? symmetric(range) : range;
}

export function mapPanel(name: Name, plane: Plane, colormap: Colormap, range: Range): Panel {
  const { width, height, values } = plane;
  const data = new Uint8Array(3 * width * height);
  const table = tableOf(colormap);
  for (let i = 0; i < width * height; i++) {
    writeColor(table, position(values[i], range), data, 3 * i);
  }
  return labelled(name, values, { width, height, data });
}

export function rgbPanel(name: Name, plane: Plane, range: Range): Panel {
  const { width, height, values } = plane;
  const size = width * height;
  const data = new Uint8Array(3 * size);
  for (let i = 0; i < size; i++) {
    const parts = [0, 1, 2].map((c) => position(values[c * size + i], range));
    data.set(parts.some(Number.isNaN) ? NAN_COLOR : parts.map((part) => part * 255 + 0.5), 3 * i);
  }
  return labelled(name, values, { width, height, data });
}

/** A line plot. Zero is always in its range, so that it shows how far from it the values are. */
export function curvePanel(name: Name, values: Float32Array, { low, high }: Range): Panel {
  const range = { low: Math.min(0, low), high: Math.max(0, high) };
  return labelled(name, values, { values: Array.from(values), range });
}

function labelled({ label, title }: Name, values: Float32Array, content: Panel['content']): Panel {
  const range = finiteRange(values);
  const [low, high] = [short(range.low), short(range.high)];
  const odd = values.reduce((count, value) => count + (Number.isFinite(value) ? 0 : 1), 0);
  const more = odd === 0 ? '' : `, ${odd} of ${values.length} values not finite`;
  return {
    label: odd === 0 ? label : `${label} !`,
    low,
    high,
    title: `${title}: ${low} to ${high}${more}`,
    content,
  };
}

/** Panels in a row by default: as square as can be. */
export function squareColumns(count: number): number {
  return Math.max(1, Math.ceil(Math.sqrt(count)));
}

/** Units a pixel, so that a panel's longer side has about `target` of them. */
export function cellFor(width: number, height: number, target: number): number {
  return Math.max(1, Math.round(target / Math.max(width, height)));
}

/** Depth, height and width of one to three spatial sizes; those in front that there are not are 1. */
export function threeSizes(
  size: readonly number[],
): readonly [depth: number, height: number, width: number] {
  const [depth, height, width] = [...[1, 1].slice(size.length - 1), ...size];
  return [depth, height, width];
}
