import * as v8 from 'node:v8';
import * as vm from 'node:vm';

import { type Timing, timingOf } from '../lib/cli/measure';

export type { Timing };

/** One side of a comparison: a layer that is ready to run. */
export interface Side {
  /** The result of one call. */
  output(): Float32Array | Promise<Float32Array>;
  /** Milliseconds of each call: `warmUps` that don't count, then for `blockMs` in all. */
  block(blockMs: number, warmUps: number): Promise<number[]>;
  /** Frees what the side holds. */
  close?(): Promise<void>;
}

/** How long a side has its turn, in milliseconds, and how many calls before don't count. */
export interface Pace {
  blockMs: number;
  warmUps: number;
}

const LAYER_PACE: Pace = { blockMs: 20, warmUps: 3 };
/** A call takes up to a second: one to warm up is costly enough. */
export const NETWORK_PACE: Pace = { blockMs: 100, warmUps: 1 };

/** A side that runs in this process. */
export function inProcess(run: () => Float32Array | Promise<Float32Array>): Side {
  const timed = async (): Promise<number> => {
    const start = process.hrtime.bigint();
    const result = run();
    // Awaiting a value that is no promise would charge a synchronous side for a trip to the queue.
    if (result instanceof Promise) await result;
    return Number(process.hrtime.bigint() - start) / 1e6;
  };
  return {
    output: run,
    async block(blockMs, warmUps) {
      for (let i = 0; i < warmUps; i++) await timed();
      const samples: number[] = [];
      let spent = 0;
      do {
        const ms = await timed();
        samples.push(ms);
        spent += ms;
      } while (spent < blockMs);
      return samples;
    },
  };
}

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

/**
 * Times all sides in turns, a block of calls each, until every side has had `seconds`: what the
 * machine does meanwhile then meets all of them alike. Threads of one side that still spin would slow the
 * other, so there is a pause before each block; its first calls only warm up. Garbage of the benchmark's own
 * is collected in the pause: V8 would mark its heap, by threads that take CPUs, in the turn of who comes next.
 */
export async function interleave(
  sides: readonly Side[],
  seconds: number,
  { blockMs, warmUps }: Pace = LAYER_PACE,
): Promise<Timing[]> {
  const pauseMs = 25;
  const samples: number[][] = sides.map(() => []);
  const spent = sides.map(() => 0);
  while (Math.min(...spent) < seconds * 1000) {
    for (const [i, side] of sides.entries()) {
      collectGarbage();
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      for (const ms of await side.block(blockMs, warmUps)) {
        samples[i].push(ms);
        spent[i] += ms;
      }
    }
  }
  return samples.map(timingOf);
}

/** Largest difference of two outputs, relative to the largest magnitude of the first. */
export function relativeError(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < a.length; ++i) {
    const d = Math.abs(a[i] - b[i]);
    if (!(d <= difference)) difference = d; // keeps a NaN
    magnitude = Math.max(magnitude, Math.abs(a[i]));
  }
  return magnitude === 0 ? difference : difference / magnitude;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
