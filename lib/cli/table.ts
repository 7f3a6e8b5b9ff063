/** Tables of plain text. */
import Table from 'cli-table3';

import { colors } from './terminal';

/** No lines but one of spaces between columns, and one of dashes below the head. */
const PLAIN = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

export interface TableOptions {
  /** Titles of the columns; default: none. */
  head?: readonly string[];
  /** Columns, from 0, that are numbers: aligned to the right. */
  right?: readonly number[];
}

/** Rows as a table of plain text. */
export function table(rows: readonly (readonly string[])[], options: TableOptions = {}): string {
  const { head = [], right = [] } = options;
  const columns = Math.max(head.length, ...rows.map((row) => row.length));
  const result = new Table({
    head: head.map((title) => colors.bold(title)),
    chars: PLAIN,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: Array.from({ length: columns }, (_, i) => (right.includes(i) ? 'right' : 'left')),
  });
  result.push(...rows.map((row) => [...row]));
  return result
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
