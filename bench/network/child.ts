/** The work of a process whose memory is measured: one session, a few runs. */
import type { Footprint } from './report';

export interface Request {
  network: string;
  input: readonly number[];
  threads: number;
  /** A file: of weights for nnconv, of a model for onnxruntime. */
  file: string;
  /** The module that tells the peak. */
  peakMemory: string;
}

const RUNS = 5;

export function request(): Request {
  return JSON.parse(process.argv[2]) as Request;
}

export function inputValues({ input }: Request): Float32Array {
  const count = input.reduce((product, size) => product * size, 1);
  return Float32Array.from({ length: count }, (_, i) => Math.sin(i));
}

/** Makes a session, runs it, and prints a Footprint. */
export async function measure(makeSession: () => Promise<() => unknown>): Promise<void> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { peakMemory } = require(request().peakMemory) as { peakMemory: () => number };
  const start = performance.now();
  const run = await makeSession();
  const readyMs = performance.now() - start;
  const times: number[] = [];
  for (let i = 0; i <= RUNS; i++) {
    const begin = performance.now();
    await run();
    times.push(performance.now() - begin);
  }
  const [firstMs, ...warm] = times;
  warm.sort((a, b) => a - b);
  const footprint: Footprint = {
    peak: peakMemory(),
    resident: process.memoryUsage.rss(),
    ...{ readyMs, firstMs, warmMs: warm[warm.length >> 1] },
  };
  console.log(JSON.stringify(footprint));
}
