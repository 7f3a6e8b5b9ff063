/** What a run was made with and on. */
import { execFileSync } from 'node:child_process';
import { runtimeInfo, version } from '../lib';
import { binding } from '../lib/binding';

export interface Machine {
  date: string;
  commit: string;
  nnconv: string;
  cpu: string;
  isa: string;
  compiler: string;
  node: string;
  threads: number;
  /** GFLOP/s of one thread that does nothing but multiply and accumulate. */
  peak: number;
}

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, {
        cwd: __dirname,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    const changed = git('status', '--porcelain', '--', '../lib', '../native') !== '';
    return git('rev-parse', '--short', 'HEAD') + (changed ? ' with changes' : '');
  } catch {
    return 'unknown';
  }
}

/** Loads the addon under this instruction set, which it chooses once for all. */
export function useInstructionSet(isa: string): void {
  process.env.NNCONV_ISA = isa;
  try {
    runtimeInfo();
  } catch (error) {
    const { cause } = error as Error;
    throw new Error(`--isa: ${(cause instanceof Error ? cause : (error as Error)).message}`, {
      cause: error,
    });
  }
}

/** GFLOP/s of one thread; half a second, so that the clock gets to where it stays. */
function measurePeak(): number {
  return Math.max(...Array.from({ length: 5 }, () => binding().fmaPeak(0.1)));
}

/** Takes half a second. */
export function machine(threads: number): Machine {
  const { cpu, isa, compiler } = runtimeInfo();
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    nnconv: version,
    cpu,
    isa,
    compiler,
    node: process.versions.node,
    threads,
    peak: measurePeak(),
  };
}

/** The first lines of a report. */
export function heading(machine: Machine, peers: string): string[] {
  return [
    `nnconv ${machine.nnconv} (${machine.commit}), ${machine.isa}, ${machine.threads} thread(s)` +
      `${peers === '' ? '' : `, against ${peers}`}; ${machine.date}`,
    '',
    `${machine.cpu}; ${machine.compiler}; Node ${machine.node}; FMA peak of a thread ` +
      `${machine.peak.toFixed(1)} GFLOP/s`,
  ];
}
