/** Runs random problems through the addon. */
import fc from 'fast-check';

import { binding } from '../../lib/binding';
import type { ConvRunOptions } from '../../lib/binding';
import { numbersFor } from './arbitrary';
import type { Problem, ProblemNumbers } from './arbitrary';

/** One seed for all property tests; fast-check prints it, and the path of a failure, on failure. */
export const SEED = 20_261_124;

export function check<Ts extends [unknown, ...unknown[]]>(
  numRuns: number,
  property: fc.IProperty<Ts>,
): void {
  fc.assert(property, { seed: SEED, numRuns });
}

export interface Output {
  data: Float32Array;
  shape: number[];
}

export interface Runner {
  numbers: ProblemNumbers;
  /** All that can run the problem, the default one first. */
  algorithms: string[];
  /** Replaces the generated numbers by `changed`, and the problem's shape by `shape`. */
  run: (
    options?: ConvRunOptions,
    changed?: Partial<Omit<ProblemNumbers, 'bias'>> & { bias?: Float32Array | null },
    shape?: readonly number[],
  ) => Output;
}

export function runner(p: Problem): Runner {
  const addon = binding();
  const handle = addon.convCreate(p.spec);
  const numbers = numbersFor(p);
  return {
    numbers,
    algorithms: addon.convAlgorithms(handle, p.shape),
    run(options, changed = {}, shape = p.shape) {
      const { input, weight, bias } = { ...numbers, ...changed };
      const version = changed.weight ? -1 : 1;
      return addon.convForward(handle, input, shape, weight, version, bias, options);
    },
  };
}
