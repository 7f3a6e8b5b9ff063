/** Numbers and tables as Markdown. */
import type { Timing } from './measure';

export const ms = (value: number): string => value.toFixed(value < 1 ? 4 : 3);
export const spread = ({ median, low, high }: Timing): string =>
  `${Math.round((100 * (high - low)) / median)}%`;

/** A Markdown table whose first `texts` columns are aligned to the left; reads well in a terminal. */
export function table(head: string[], cells: string[][], texts: number): string[] {
  const width = head.map((title, i) =>
    Math.max(title.length, ...cells.map((line) => line[i].length)),
  );
  const format = (line: string[]): string =>
    `| ${line.map((cell, i) => (i < texts ? cell.padEnd(width[i]) : cell.padStart(width[i]))).join(' | ')} |`;
  const rule = width.map((w, i) => (i < texts ? '-'.repeat(w + 2) : `${'-'.repeat(w + 1)}:`));
  return [format(head), `|${rule.join('|')}|`, ...cells.map(format)];
}
