/** What holds for convolutions as linear maps. */
import fc from 'fast-check';

import { binding } from '../../lib/binding';
import type { ConvSpec } from '../../lib/binding';
import { problem } from '../support/arbitrary';
import { expectClose, expectSameBits } from '../support/close';
import { normal } from '../support/hashfill';
import { check, runner } from '../support/run';

/** Of two sums that rounding alone keeps apart, relative to the sum of magnitudes. */
const DOT_TOLERANCE = 1e-6;

function dot(a: Float32Array, b: Float32Array): { sum: number; magnitude: number } {
  let sum = 0;
  let magnitude = 0;
  for (let i = 0; i < a.length; i++) {
    sum += a[i] * b[i];
    magnitude += Math.abs(a[i] * b[i]);
  }
  return { sum, magnitude };
}

test('a transposed convolution is the adjoint of the convolution of the same weights', () => {
  check(
    150,
    fc.property(problem({ transposed: false, modes: ['zeros'] }), (p) => {
      const padHigh = p.spec.padLow;
      const sizes = p.shape.slice(2);
      const reach = p.spec.kernel.map((k, d) => p.spec.dilation[d] * (k - 1) + 1);
      fc.pre(reach.every((r, d) => r <= sizes[d] + 2 * padHigh[d]));
      const spec: ConvSpec = { ...p.spec, padHigh };
      const { algorithms, numbers, run } = runner({ ...p, spec });
      const x = numbers.input;
      const outputShape = run({}, { bias: null }).shape;
      const y = normal(p.seed + 1e6, run({}, { bias: null }).data.length);

      // Back to the very size of x: what the stride left unused comes from output padding.
      const outputPadding = sizes.map((size, d) => {
        const back = (outputShape[d + 2] - 1) * spec.stride[d] - 2 * padHigh[d] + reach[d];
        return size - back;
      });
      const adjoint: ConvSpec = {
        ...spec,
        transposed: true,
        inChannels: spec.outChannels,
        outChannels: spec.inChannels,
        outputPadding,
      };
      const addon = binding();
      const handle = addon.convCreate(adjoint);
      const back = (algorithm: string) =>
        addon.convForward(handle, y, outputShape, numbers.weight, 1, null, { algorithm });
      const there = algorithms.map((algorithm) => run({ algorithm }, { bias: null }).data);
      for (const algorithm of addon.convAlgorithms(handle, outputShape)) {
        const result = back(algorithm);
        expect(result.shape).toEqual(p.shape);
        const right = dot(x, result.data);
        there.forEach((data, i) => {
          const left = dot(data, y);
          const difference = Math.abs(left.sum - right.sum);
          const allowed = 1e-6 + DOT_TOLERANCE * (left.magnitude + right.magnitude);
          if (difference > allowed) {
            throw new Error(
              `${algorithms[i]} and transposed ${algorithm}: ${left.sum} and ${right.sum}`,
            );
          }
        });
      }
    }),
  );
});

test('a sum of inputs gives the sum of outputs', () => {
  check(
    80,
    fc.property(problem(), (p) => {
      const { algorithms, numbers, run } = runner(p);
      const [a, b] = [numbers.input, normal(p.seed + 2e6, numbers.input.length)];
      const input = a.map((value, i) => value - 0.5 * b[i]);
      for (const algorithm of algorithms) {
        const of = (x: Float32Array) => run({ algorithm }, { input: x, bias: null }).data;
        const [ofA, ofB] = [of(a), of(b)];
        const expected = Float64Array.from(ofA, (value, i) => value - 0.5 * ofB[i]);
        // Each of three results is rounded, and the summed input too.
        expectClose(of(input), expected, algorithm, { rtol: 4e-6, atol: 3e-5 });
      }
    }),
  );
});

test('inputs or weights times a power of two scale the output bit for bit', () => {
  check(
    80,
    fc.property(problem(), fc.constantFrom(0.25, 2, -8), (p, factor) => {
      const { algorithms, numbers, run } = runner(p);
      const times = (values: Float32Array) => values.map((value) => value * factor);
      for (const algorithm of algorithms) {
        const plain = times(run({ algorithm }, { bias: null }).data);
        const input = run({ algorithm }, { input: times(numbers.input), bias: null });
        const weight = run({ algorithm }, { weight: times(numbers.weight), bias: null });
        // Adding 0 turns -0 into 0: a sum of nothing has no sign to flip.
        const positive = (values: Float32Array) => values.map((value) => value + 0);
        expectSameBits(positive(input.data), positive(plain), `${algorithm}, input`);
        expectSameBits(positive(weight.data), positive(plain), `${algorithm}, weight`);
      }
    }),
  );
});

test('the output channels of a group see the input channels of that group alone', () => {
  check(
    60,
    fc.property(
      problem().filter((p) => p.spec.groups > 1),
      fc.nat(),
      (p, pick) => {
        const { spec, shape } = p;
        const { algorithms, numbers, run } = runner(p);
        const plane = numbers.input.length / (shape[0] * spec.inChannels);
        const perGroup = spec.inChannels / spec.groups;
        const group = pick % spec.groups;
        const input = numbers.input.map((value, i) => {
          const channel = Math.floor(i / plane) % spec.inChannels;
          return Math.floor(channel / perGroup) === group ? value + 1 : value;
        });
        for (const algorithm of algorithms) {
          const [before, after] = [run({ algorithm }), run({ algorithm }, { input })];
          const outPlane = before.data.length / (shape[0] * spec.outChannels);
          const outPerGroup = spec.outChannels / spec.groups;
          const others = (_: number, i: number) =>
            Math.floor((Math.floor(i / outPlane) % spec.outChannels) / outPerGroup) !== group;
          expectSameBits(after.data.filter(others), before.data.filter(others), algorithm);
        }
      },
    ),
  );
});
