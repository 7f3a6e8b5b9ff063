import { geometricMean, type Timing } from './measure';

export interface Row {
  name: string;
  network: string;
  algorithm: string;
  macs: number;
  nnconv: Timing;
  peer?: Timing;
}

export interface Report {
  date: string;
  commit: string;
  nnconv: string;
  cpu: string;
  isa: string;
  compiler: string;
  node: string;
  threads: number;
  peer?: string;
  rows: Row[];
}

const ms = (value: number): string => value.toFixed(value < 1 ? 4 : 3);
const spread = ({ median, low, high }: Timing): string =>
  `${Math.round((100 * (high - low)) / median)}%`;
const gflops = (row: Row): string => ((2 * row.macs) / row.nnconv.median / 1e6).toFixed(1);

/** How many times as fast as the peer; below 1 is slower. */
const speedup = (row: Row): number => row.peer!.median / row.nnconv.median;

/** The report as a Markdown table, which reads well in a terminal too. */
export function render(report: Report): string {
  const peer = report.peer !== undefined;
  const head = ['layer', 'algorithm', 'nnconv ms', 'spread', 'GFLOP/s'];
  if (peer) head.push('peer ms', 'spread', 'speed-up');
  const cells = report.rows.map((row) => {
    const line = [row.name, row.algorithm, ms(row.nnconv.median), spread(row.nnconv), gflops(row)];
    if (row.peer) line.push(ms(row.peer.median), spread(row.peer), speedup(row).toFixed(2));
    return line;
  });
  const width = head.map((title, i) =>
    Math.max(title.length, ...cells.map((line) => line[i].length)),
  );
  const format = (line: string[]): string =>
    `| ${line.map((cell, i) => (i < 2 ? cell.padEnd(width[i]) : cell.padStart(width[i]))).join(' | ')} |`;
  const rule = `|${width.map((w, i) => (i < 2 ? '-'.repeat(w + 2) : `${'-'.repeat(w + 1)}:`)).join('|')}|`;

  const lines = [
    `nnconv ${report.nnconv} (${report.commit}), ${report.isa}, ${report.threads} thread(s)` +
      `${peer ? `, against ${report.peer}` : ''}; ${report.date}`,
    `${report.cpu}; ${report.compiler}; Node ${report.node}`,
    '',
    format(head),
    rule,
    ...cells.map(format),
    '',
    'ms: median per call; spread: 90th minus 10th percentile, of the median.',
  ];
  if (peer) {
    const mean = geometricMean(report.rows.map(speedup)).toFixed(2);
    lines.push(`Speed-up over ${report.peer}, geometric mean of ${report.rows.length}: ${mean}`);
  }
  return lines.join('\n');
}
