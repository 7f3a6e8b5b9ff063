/** Random convolution problems for fast-check. */
import fc from 'fast-check';

import type { ConvSpec } from '../../lib/binding';
import { normal, uniform } from './hashfill';
import { product, weightShape } from './spec';

export interface Problem {
  spec: ConvSpec;
  /** Of the input, `(N, C, ...)`. */
  shape: number[];
  /** Of the generated numbers. */
  seed: number;
}

const MODES = ['zeros', 'reflect', 'replicate', 'circular'] as const;

interface Wanted {
  transposed?: boolean;
  /** Default: zeros most of the time. */
  modes?: readonly ConvSpec['paddingMode'][];
}

const channels = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 9 }) },
  { weight: 1, arbitrary: fc.integer({ min: 10, max: 34 }) },
);

/** One spatial dimension; its input is `extra` larger than the smallest allowed. */
const dimension = fc.record({
  kernel: fc.oneof(
    { weight: 2, arbitrary: fc.constant(3) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 5 }) },
  ),
  stride: fc.oneof(
    { weight: 2, arbitrary: fc.constant(1) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 4 }) },
  ),
  dilation: fc.oneof(
    { weight: 3, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
  ),
  padLow: fc.integer({ min: 0, max: 3 }),
  padHigh: fc.integer({ min: 0, max: 3 }),
  samePads: fc.boolean(),
  outputPadding: fc.integer({ min: 0, max: 3 }),
  extra: fc.integer({ min: 0, max: 9 }),
});

interface Dimension {
  kernel: number;
  stride: number;
  dilation: number;
  padLow: number;
  padHigh: number;
}

/** The smallest size that one window fits into and that the padding mode allows. */
function smallestInput(d: Dimension, mode: ConvSpec['paddingMode']): number {
  const { kernel, dilation, padLow, padHigh } = d;
  const low = { zeros: 1, replicate: 1, reflect: 1 + padLow, circular: padLow }[mode];
  const high = { zeros: 1, replicate: 1, reflect: 1 + padHigh, circular: padHigh }[mode];
  return Math.max(1, dilation * (kernel - 1) + 1 - padLow - padHigh, low, high);
}

/** The smallest size of which the crop leaves something. */
function smallestTransposed({ kernel, stride, dilation, padLow, padHigh }: Dimension): number {
  const missing = padLow + padHigh - dilation * (kernel - 1);
  return 1 + Math.max(0, Math.ceil(missing / stride));
}

export function problem({ transposed, modes }: Wanted = {}): fc.Arbitrary<Problem> {
  const mode = modes
    ? fc.constantFrom(...modes)
    : fc.oneof(
        { weight: 3, arbitrary: fc.constant('zeros' as const) },
        { weight: 1, arbitrary: fc.constantFrom(...MODES) },
      );
  return fc
    .record({
      transposed: transposed === undefined ? fc.boolean() : fc.constant(transposed),
      dims: fc.oneof(
        { weight: 1, arbitrary: fc.array(dimension, { minLength: 1, maxLength: 1 }) },
        { weight: 3, arbitrary: fc.array(dimension, { minLength: 2, maxLength: 2 }) },
        { weight: 1, arbitrary: fc.array(dimension, { minLength: 3, maxLength: 3 }) },
      ),
      groups: fc.oneof(
        { weight: 3, arbitrary: fc.constant(1) },
        { weight: 1, arbitrary: fc.integer({ min: 2, max: 7 }) },
      ),
      inPerGroup: channels,
      outPerGroup: channels,
      depthwise: fc.nat({ max: 4 }).map((n) => n === 0),
      batch: fc.integer({ min: 1, max: 3 }),
      mode,
      seed: fc.nat({ max: 1e6 }),
    })
    .map((r) => {
      const narrow = (n: number) => (r.groups > 1 || r.dims.length > 2 ? 1 + (n % 9) : n);
      const groups = r.depthwise ? r.inPerGroup : r.groups;
      const inChannels = r.depthwise ? groups : groups * narrow(r.inPerGroup);
      const outChannels = groups * (r.depthwise ? 1 + (r.outPerGroup % 2) : narrow(r.outPerGroup));
      const mostExtra = r.dims.length > 2 ? 2 : 9;
      const dims = r.dims.map((d) => {
        const padHigh = r.transposed || d.samePads ? d.padLow : d.padHigh;
        const outputPadding = Math.min(d.outputPadding, Math.max(d.stride, d.dilation) - 1);
        const dim = { ...d, padHigh, outputPadding: r.transposed ? outputPadding : 0 };
        const smallest = r.transposed ? smallestTransposed(dim) : smallestInput(dim, r.mode);
        return { ...dim, size: smallest + Math.min(d.extra, mostExtra) };
      });
      const spec: ConvSpec = {
        transposed: r.transposed,
        inChannels,
        outChannels,
        groups,
        kernel: dims.map((d) => d.kernel),
        stride: dims.map((d) => d.stride),
        dilation: dims.map((d) => d.dilation),
        padLow: dims.map((d) => d.padLow),
        padHigh: dims.map((d) => d.padHigh),
        outputPadding: dims.map((d) => d.outputPadding),
        paddingMode: r.transposed ? 'zeros' : r.mode,
      };
      return { spec, shape: [r.batch, inChannels, ...dims.map((d) => d.size)], seed: r.seed };
    });
}

export interface ProblemNumbers {
  input: Float32Array;
  weight: Float32Array;
  bias: Float32Array;
}

/** Numbers of ordinary scale for a problem. */
export function numbersFor({ spec, shape, seed }: Problem): ProblemNumbers {
  const weights = weightShape(spec);
  const bound = 1 / Math.sqrt(product(weights.slice(1)));
  return {
    input: normal(3 * seed, product(shape)),
    weight: uniform(3 * seed + 1, product(weights), bound),
    bias: uniform(3 * seed + 2, spec.outChannels, bound),
  };
}
