/** The convolutions against their definition. */
import fc from 'fast-check';

import { binding } from '../../lib/binding';
import { problem } from '../support/arbitrary';
import type { Problem } from '../support/arbitrary';
import { expectClose, expectSameBits } from '../support/close';
import { uniform } from '../support/hashfill';
import { convolve, forEachIndex, outputSizes, pad } from '../support/oracle';
import { check, runner } from '../support/run';
import { product } from '../support/spec';

/** So that the nested loops of the definition stay quick. */
const MOST_STEPS = 200_000;

function steps({ spec, shape }: Problem): number {
  const grid = spec.transposed ? shape.slice(2) : outputSizes(spec, shape.slice(2));
  const perGroup = (spec.inChannels * spec.outChannels) / spec.groups;
  return shape[0] * perGroup * product(grid) * product(spec.kernel);
}

const small = (wanted?: Parameters<typeof problem>[0]) =>
  problem(wanted).filter((p) => steps(p) <= MOST_STEPS);

test('every algorithm computes what the definition says', () => {
  check(
    150,
    fc.property(small(), (p) => {
      const { algorithms, numbers, run } = runner(p);
      const expected = convolve(p.spec, numbers.input, p.shape, numbers.weight, numbers.bias);
      for (const algorithm of algorithms) {
        expectClose(run({ algorithm }).data, expected, algorithm);
      }
    }),
  );
});

test('strict numerics are exact on small integers', () => {
  check(
    60,
    fc.property(small(), (p) => {
      const { numbers, run } = runner(p);
      const integers = (seed: number, like: Float32Array) =>
        uniform(seed, like.length, 8).map(Math.round);
      const input = integers(p.seed, numbers.input);
      const weight = integers(p.seed + 1, numbers.weight);
      const bias = integers(p.seed + 2, numbers.bias);
      const expected = convolve(p.spec, input, p.shape, weight, bias);
      const { data } = run({ strict: true }, { input, weight, bias });
      expectClose(data, expected, 'strict', { rtol: 0, atol: 0 });
    }),
  );
});

test('the output shape is the one found by counting', () => {
  check(
    500,
    fc.property(problem(), ({ spec, shape }) => {
      const addon = binding();
      const handle = addon.convCreate(spec);
      const expected = [shape[0], spec.outChannels, ...outputSizes(spec, shape.slice(2))];
      expect(addon.convOutputShape(handle, shape)).toEqual(expected);
      expect(addon.convOutputShape(handle, shape.slice(1))).toEqual(expected.slice(1));
    }),
  );
});

test.each(['zeros', 'reflect', 'replicate', 'circular'] as const)(
  'paddingMode %s is to pad by hand and to convolve what comes out',
  (mode) => {
    check(
      60,
      fc.property(problem({ transposed: false, modes: [mode] }), (p) => {
        const { algorithms, numbers, run } = runner(p);
        const { data: input, shape } = pad(p.spec, numbers.input, p.shape);
        const none = p.spec.kernel.map(() => 0);
        const spec = { ...p.spec, padLow: none, padHigh: none, paddingMode: 'zeros' as const };
        const expected = runner({ ...p, spec, shape }).run({ algorithm: 'reference' }, { input });
        for (const algorithm of algorithms) {
          const output = run({ algorithm });
          expect(output.shape).toEqual(expected.shape);
          expectClose(output.data, expected.data, algorithm);
        }
      }),
    );
  },
);

test('a shifted input gives a shifted output', () => {
  check(
    60,
    fc.property(problem({ transposed: false, modes: ['circular'] }), (p) => {
      const sizes = p.shape.slice(2);
      const total = p.spec.kernel.map((k, d) => p.spec.dilation[d] * (k - 1));
      fc.pre(total.every((t, d) => t <= sizes[d]));
      const padLow = total.map((t) => Math.floor(t / 2));
      const padHigh = total.map((t, d) => t - padLow[d]);
      const spec = { ...p.spec, stride: p.spec.kernel.map(() => 1), padLow, padHigh };
      const { algorithms, numbers, run } = runner({ ...p, spec });
      const by = sizes.map((size, d) => (p.seed + d) % size);
      const input = rolled(numbers.input, p.shape, by);
      for (const algorithm of algorithms) {
        const { data, shape } = run({ algorithm });
        const expected = rolled(data, shape, by);
        expectClose(run({ algorithm }, { input }).data, expected, algorithm);
      }
    }),
  );
});

test('unbatched input is a batch of one', () => {
  check(
    60,
    fc.property(problem(), (p) => {
      const shape = [1, ...p.shape.slice(1)];
      const { numbers, run } = runner({ ...p, shape });
      const batched = run();
      const unbatched = run({}, numbers, shape.slice(1));
      expect(unbatched.shape).toEqual(batched.shape.slice(1));
      expectSameBits(unbatched.data, batched.data, 'unbatched');
    }),
  );
});

/** `values` of shape `(N, C, ...)`, every plane rotated by `by` elements. */
function rolled(values: Float32Array, shape: readonly number[], by: number[]): Float32Array {
  const sizes = shape.slice(2);
  const result = new Float32Array(values.length);
  forEachIndex([shape[0] * shape[1], ...sizes], ([plane, ...at]) => {
    const offset = (index: number[]) => index.reduce((sum, i, d) => sum * sizes[d] + i, plane);
    result[offset(at.map((i, d) => (i + by[d]) % sizes[d]))] = values[offset(at)];
  });
  return result;
}
