/** What a run found, and how it reads. */
import { heading, type Machine } from './machine';
import { geometricMean, type Timing } from './measure';
import { ms, spread, table } from './table';

export interface Row {
  name: string;
  network: string;
  kind: string;
  algorithm: string;
  /** Multiply-accumulates that the result takes, without taps on padding. */
  macs: number;
  nnconv: Timing;
  /** With weights that are in no cache. */
  cold?: Timing;
  /** By the names in `Report.peers`. */
  peers: Record<string, Timing>;
}

export interface Report extends Machine {
  /** The shape files, and the filter where there was one. */
  shapes: string[];
  filter?: string;
  peers: { name: string; version: string }[];
  rows: Row[];
}

/** Needed operations a second, of all threads. */
export const gflops = (row: Row): number => (2 * row.macs) / row.nnconv.median / 1e6;

/** Of what the threads could do together; Winograd, which needs fewer operations, may exceed 100. */
export const percentOfPeak = (report: Report, row: Row): number =>
  (100 * gflops(row)) / (report.peak * report.threads);

/** How many times as fast as the peer; below 1 is slower. */
export const ratio = (row: Row, peer: string): number => row.peers[peer].median / row.nnconv.median;

/** The same against the faster of all peers. */
export const ratioToFaster = (row: Row): number =>
  Math.min(...Object.keys(row.peers).map((peer) => ratio(row, peer)));

interface Comparison {
  title: string;
  of: (row: Row) => number;
}

/** With each peer, and with the faster where there are several. */
function comparisons(report: Report): Comparison[] {
  const all: Comparison[] = report.peers.map(({ name }) => ({
    title: name,
    of: (row) => ratio(row, name),
  }));
  return all.length > 1 ? [...all, { title: 'the faster', of: ratioToFaster }] : all;
}

function layerTable(report: Report): string[] {
  const cold = report.rows.some((row) => row.cold);
  const against = comparisons(report);
  const head = ['layer', 'kind', 'algorithm', 'ms', 'spread', 'GFLOP/s', '% of peak'];
  if (cold) head.push('cold / warm');
  for (const { name } of report.peers) head.push(`${name} ms`, 'spread');
  head.push(...against.map(({ title }) => `vs ${title}`));
  const cells = report.rows.map((row) => [
    row.name,
    row.kind,
    row.algorithm,
    ms(row.nnconv.median),
    spread(row.nnconv),
    gflops(row).toFixed(1),
    percentOfPeak(report, row).toFixed(0),
    ...(cold ? [row.cold ? (row.cold.median / row.nnconv.median).toFixed(2) : ''] : []),
    ...report.peers.flatMap(({ name }) => [ms(row.peers[name].median), spread(row.peers[name])]),
    ...against.map(({ of }) => of(row).toFixed(2)),
  ]);
  return table(head, cells, 3);
}

function kindTable(report: Report): string[] {
  const against = comparisons(report);
  const kinds = [...new Set(report.rows.map(({ kind }) => kind))].sort();
  const line = (title: string, rows: Row[]): string[] => [
    title,
    String(rows.length),
    geometricMean(rows.map((row) => percentOfPeak(report, row))).toFixed(0),
    ...against.map(({ of }) => geometricMean(rows.map(of)).toFixed(2)),
    ...against.slice(-1).map(({ of }) => Math.min(...rows.map(of)).toFixed(2)),
  ];
  const head = ['kind', 'layers', '% of peak', ...against.map(({ title }) => `vs ${title}`)];
  if (against.length > 0) head.push('least');
  const cells = kinds.map((kind) =>
    line(
      kind,
      report.rows.filter((row) => row.kind === kind),
    ),
  );
  return table(head, [...cells, line('all', report.rows)], 1);
}

function losses(report: Report): string {
  const lost = report.rows.filter((row) => ratioToFaster(row) < 1);
  if (lost.length === 0) return 'No layer is slower than a peer.';
  const list = lost.map((row) => `${row.name} (${ratioToFaster(row).toFixed(2)})`).join(', ');
  return `Slower than a peer: ${list}.`;
}

/** The report as Markdown. */
export function render(report: Report): string {
  const peers = report.peers.map(({ name, version }) => `${name} ${version}`).join(' and ');
  const filter = report.filter === undefined ? '' : ` with '${report.filter}'`;
  const lines = [
    ...heading(report, peers),
    `shapes: ${report.shapes.join(', ')}${filter}`,
    '',
    ...layerTable(report),
    '',
    'ms: median per call; spread: 90th minus 10th percentile, of the median. GFLOP/s and % of peak ' +
      'count the operations of a direct sum without padding, so Winograd may exceed 100%.' +
      (report.peers.length > 0 ? " vs: the peer's time by ours; below 1, nnconv is slower." : ''),
    '',
    'Geometric means by kind:',
    '',
    ...kindTable(report),
  ];
  if (report.peers.length > 0) lines.push('', losses(report));
  return lines.join('\n');
}
