/** One side of a comparison: runs the layer once and hands back the output. */
export type Run = () => Float32Array | Promise<Float32Array>;

/** Milliseconds per call: the median, and the 10th and 90th percentile around it. */
export interface Timing {
  median: number;
  low: number;
  high: number;
  calls: number;
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

async function timed(run: Run): Promise<number> {
  const start = process.hrtime.bigint();
  const result = run();
  // Awaiting a value that is no promise would charge a synchronous side for a trip to the queue.
  if (result instanceof Promise) await result;
  return Number(process.hrtime.bigint() - start) / 1e6;
}

/**
 * Times all sides in turns, a block of calls each, until every side has had `seconds`: what the
 * machine does meanwhile then meets all of them alike. Threads of one side that still spin would slow the
 * other, so there is a pause before each block; its first calls only warm up.
 */
export async function interleave(runs: readonly Run[], seconds: number): Promise<Timing[]> {
  const blockMs = 20;
  const pauseMs = 25;
  const warmUps = 3;
  const samples: number[][] = runs.map(() => []);
  const spent = runs.map(() => 0);
  while (Math.min(...spent) < seconds * 1000) {
    for (const [side, run] of runs.entries()) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      for (let i = 0; i < warmUps; i++) await timed(run);
      let block = 0;
      do {
        const ms = await timed(run);
        samples[side].push(ms);
        block += ms;
      } while (block < blockMs);
      spent[side] += block;
    }
  }
  return samples.map((values) => {
    values.sort((a, b) => a - b);
    return {
      median: quantile(values, 0.5),
      low: quantile(values, 0.1),
      high: quantile(values, 0.9),
      calls: values.length,
    };
  });
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
