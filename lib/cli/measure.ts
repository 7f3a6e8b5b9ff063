/** Times, and what to hold them against. */
import { setImmediate } from 'node:timers/promises';

import { binding } from '../binding';

/** Milliseconds of a call. */
export interface Timing {
  median: number;
  /** The 10th and the 90th percentile. */
  low: number;
  high: number;
  calls: number;
}

const WARM_UPS = 3;
const FEWEST_CALLS = 3;

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

/** What milliseconds of calls come to. */
export function timingOf(samples: readonly number[]): Timing {
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.1),
    high: quantile(sorted, 0.9),
    calls: sorted.length,
  };
}

/**
 * Times `call` for `seconds`, at least a few times. The event loop gets its turn between calls, so that
 * Ctrl-C is heard.
 */
export async function measure(call: () => unknown, seconds: number): Promise<Timing> {
  for (let i = 0; i < WARM_UPS; i++) {
    call();
    await setImmediate();
  }
  const samples: number[] = [];
  let spent = 0;
  while (spent < seconds * 1000 || samples.length < FEWEST_CALLS) {
    const start = process.hrtime.bigint();
    call();
    const ms = Number(process.hrtime.bigint() - start) / 1e6;
    samples.push(ms);
    spent += ms;
    await setImmediate();
  }
  return timingOf(samples);
}

const PEAK_RUNS = 5;
const PEAK_SECONDS = 0.1;

/** GFLOP/s of one thread; half a second, so that the clock gets to where it stays. */
export async function measurePeak(): Promise<number> {
  let best = 0;
  for (let i = 0; i < PEAK_RUNS; i++) {
    best = Math.max(best, binding().fmaPeak(PEAK_SECONDS));
    await setImmediate();
  }
  return best;
}
