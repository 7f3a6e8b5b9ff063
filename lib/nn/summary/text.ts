/** A summary as a table of text. */
import { COLUMN, type CellContext, type SummaryColumn } from './columns';
import type { SummaryLayer } from './layers';

export interface Names {
  /** Whether names of properties are shown. */
  varNames: boolean;
  /** Whether depth and number are shown. */
  depth: boolean;
}

/** `Conv2d (conv1): 1-1` */
export function layerTitle(layer: SummaryLayer, { varNames, depth }: Names): string {
  const name = varNames && layer.depth > 0 ? ` (${layer.varName})` : '';
  return `${layer.className}${name}${depth && layer.depth > 0 ? `: ${layer.depth}-${layer.index}` : ''}`;
}

function branch(depth: number, ascii: boolean): string {
  if (depth === 0) return '';
  if (depth === 1) return ascii ? '+ ' : '├─';
  return (ascii ? '|    ' : '│    ').repeat(depth - 1) + (ascii ? '+ ' : '└─');
}

/** The rows below one another, and a line of `=` as wide as they are. */
export function textTable(
  layers: readonly SummaryLayer[],
  columns: readonly SummaryColumn[],
  context: CellContext,
  names: Names & { ascii: boolean },
): { head: string; rows: string[]; rule: string } {
  const title = `Layer (type${names.varNames ? ' (var name)' : ''}${names.depth ? ':depth-idx' : ''})`;
  const cells = [
    [title, ...columns.map((column) => COLUMN[column].title)],
    ...layers.map((layer) => [
      branch(layer.depth, names.ascii) + layerTitle(layer, names),
      ...columns.map((column) => COLUMN[column].text(layer, context)),
    ]),
  ];
  const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) =>
        i > 0 && COLUMN[columns[i - 1]].numeric ? cell.padStart(widths[i]) : cell.padEnd(widths[i]),
      )
      .join('  ')
      .trimEnd();
  const [head, ...rows] = cells.map(line);
  const width = widths.reduce((total, size) => total + size + 2, -2);
  return { head, rows, rule: '='.repeat(width) };
}

/** Millions, billions or trillions, as torchinfo prints them. */
export function readable(value: number): string {
  const [unit, size] = value >= 1e12 ? ['T', 1e12] : value >= 1e9 ? ['G', 1e9] : ['M', 1e6];
  return `(${unit}): ${(value / Number(size)).toFixed(2)}`;
}

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}
