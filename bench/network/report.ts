/** What a run of networks found, and how it reads. */
import { heading, type Machine } from '../machine';
import { geometricMean, type Timing } from '../measure';
import { ms, spread, table } from '../table';

/** One side of one network. */
export interface SideFigures {
  timing: Timing;
  /** Largest difference from float64, relative to the largest value; absent without PyTorch. */
  error?: number;
}

export interface NetworkRow {
  name: string;
  input: readonly number[];
  macs: number;
  steps: number;
  /** Bytes of the block that intermediate results share, and of packed weights. */
  arenaBytes: number;
  packedBytes: number;
  /** Milliseconds that `compile` with `prepare` took, and the first run after it. */
  compileMs: number;
  firstMs: number;
  /** The compiled network. */
  nnconv: SideFigures;
  /** The model's `forward`. */
  eager?: SideFigures;
  peer?: SideFigures;
}

/** What a process of its own takes for one session; bytes and milliseconds. */
export interface Footprint {
  /** Most bytes that were resident. */
  peak: number;
  /** Bytes resident after the last run. */
  resident: number;
  /** From the file of weights to a session that is ready. */
  readyMs: number;
  firstMs: number;
  warmMs: number;
}

export interface MemoryRow {
  name: string;
  input: readonly number[];
  /** Bytes of all weights in float32. */
  weightBytes: number;
  nnconv: Footprint;
  peer?: Footprint;
}

export interface NetworkReport extends Machine {
  filter?: string;
  /** Absent where nnconv ran alone. */
  peer?: { name: string; version: string; exporter: string };
  rows: NetworkRow[];
  memory?: MemoryRow[];
}

/** How many times as fast as the peer; below 1 is slower. */
const ratio = ({ nnconv, peer }: NetworkRow): number =>
  peer ? peer.timing.median / nnconv.timing.median : NaN;

const gflops = ({ macs, nnconv }: NetworkRow): number => (2 * macs) / nnconv.timing.median / 1e6;
const mega = (bytes: number): string => (bytes / 1e6).toFixed(1);
const error = (side: SideFigures): string => side.error?.toExponential(1) ?? '';
const shape = (input: readonly number[]): string => input.join('x');

function timesTable(report: NetworkReport): string[] {
  const { rows, peer } = report;
  const eager = rows.some((row) => row.eager);
  const head = ['network', 'input', 'ms', 'spread', 'GFLOP/s', '% of peak'];
  if (eager) head.push('eager ms', 'eager / compiled');
  if (peer) head.push(`${peer.name} ms`, 'spread', 'error', "peer's error", 'vs peer');
  const cells = rows.map((row) => [
    row.name,
    shape(row.input),
    ms(row.nnconv.timing.median),
    spread(row.nnconv.timing),
    gflops(row).toFixed(1),
    ((100 * gflops(row)) / (report.peak * report.threads)).toFixed(0),
    ...(row.eager
      ? [
          ms(row.eager.timing.median),
          (row.eager.timing.median / row.nnconv.timing.median).toFixed(2),
        ]
      : []),
    ...(row.peer
      ? [
          ms(row.peer.timing.median),
          spread(row.peer.timing),
          error(row.nnconv),
          error(row.peer),
          ratio(row).toFixed(2),
        ]
      : []),
  ]);
  return table(head, cells, 2);
}

function sessionTable(rows: readonly NetworkRow[]): string[] {
  const head = ['network', 'input', 'steps', 'M MACs', 'arena MB', 'packed MB', 'compile ms'];
  head.push('first ms', 'first / warm');
  const cells = rows.map((row) => [
    row.name,
    shape(row.input),
    String(row.steps),
    (row.macs / 1e6).toFixed(1),
    (row.arenaBytes / 1e6).toFixed(2),
    mega(row.packedBytes),
    row.compileMs.toFixed(1),
    ms(row.firstMs),
    (row.firstMs / row.nnconv.timing.median).toFixed(2),
  ]);
  return table(head, cells, 2);
}

function memoryTable(rows: readonly MemoryRow[]): string[] {
  const head = ['network', 'side', 'weights MB', 'peak MB', 'resident MB', 'ready ms', 'first ms'];
  const line = (row: MemoryRow, side: string, footprint: Footprint): string[] => [
    `${row.name} ${shape(row.input)}`,
    side,
    mega(row.weightBytes),
    mega(footprint.peak),
    mega(footprint.resident),
    footprint.readyMs.toFixed(0),
    ms(footprint.firstMs),
    ms(footprint.warmMs),
  ];
  const cells = rows.flatMap((row) => [
    line(row, 'nnconv', row.nnconv),
    ...(row.peer ? [line(row, 'peer', row.peer)] : []),
  ]);
  return table([...head, 'warm ms'], cells, 2);
}

/** The means for each batch, and the networks on which the peer is faster. */
function verdict(rows: readonly NetworkRow[]): string[] {
  const batches = [...new Set(rows.map(({ input }) => input[0]))];
  const means = batches.map((batch) => {
    const ratios = rows.filter(({ input }) => input[0] === batch).map(ratio);
    return `batch ${batch}: ${geometricMean(ratios).toFixed(2)}, least ${Math.min(...ratios).toFixed(2)}`;
  });
  const lost = rows
    .filter((row) => ratio(row) < 1)
    .map((row) => `${row.name} ${shape(row.input)} (${ratio(row).toFixed(2)})`);
  return [
    `Geometric mean of the ratios, ${means.join('; ')}.`,
    '',
    lost.length === 0
      ? 'No network is slower than with the peer.'
      : `Slower than the peer: ${lost.join(', ')}.`,
  ];
}

/** The report as Markdown. */
export function render(report: NetworkReport): string {
  const { peer, rows, memory, filter } = report;
  const against = peer ? `${peer.name} ${peer.version} (exported by torch ${peer.exporter})` : '';
  const lines = heading(report, against);
  if (filter !== undefined) lines.push(`networks with '${filter}'`);
  if (rows.length > 0) {
    lines.push('', ...timesTable(report), '');
    lines.push('ms: median per run; spread: 90th minus 10th percentile, of the median.');
    if (peer) {
      lines.push(
        "error: from PyTorch in float64, relative to the largest value. vs: the peer's time by ours; " +
          'below 1, nnconv is slower.',
      );
      lines.push('', ...verdict(rows));
    }
    lines.push('', 'Sessions:', '', ...sessionTable(rows));
  }
  if (memory) {
    lines.push('', 'Memory, each in a process of its own:', '', ...memoryTable(memory));
  }
  return lines.join('\n');
}
