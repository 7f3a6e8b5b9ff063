/** Calls that PyTorch rejects are rejected, and odd-looking ones that it accepts are accepted. */
import { nn, zeros } from '../lib';
import type { Tensor } from '../lib';

import { expectRejected } from './support/errors';
import { readFixture } from './support/fixtures';

/** As scripts/fixtures/calls.py writes it: a module's call, or with `weight` a functional one. */
interface Call {
  call: string;
  args?: unknown[];
  options: Record<string, unknown>;
  input: number[];
  outputSize?: number[];
  weight?: number[];
  bias?: number[] | null;
}

interface Rejected extends Call {
  /** What the message must name. */
  argument: string;
  /** Where PyTorch raised what, in its own words. */
  torch: { step: string; type: string; message: string };
}

interface Accepted extends Call {
  why: string;
  shape: number[];
}

/** JSON has no NaN or Infinity: `{ number: 'NaN' }`. */
function decode(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value !== 'object' || value === null) return value;
  if ('number' in value) return Number(value.number);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decode(item)]));
}

function make({ call, args, options, input, outputSize, weight, bias }: Call): Tensor {
  const x = zeros(input);
  const decoded = decode(options);
  if (weight !== undefined) {
    const convolve = (nn.functional as Record<string, any>)[call];
    return convolve(x, zeros(weight), bias ? zeros(bias) : null, decoded);
  }
  const layer = new (nn as Record<string, any>)[call](...(decode(args) as unknown[]), decoded);
  return outputSize === undefined ? layer.forward(x) : layer.forward(x, outputSize);
}

function title({ call, args, options, input, outputSize, weight, bias }: Call): string {
  const given = weight === undefined ? args : [weight, bias];
  const size = outputSize === undefined ? '' : ` to ${JSON.stringify(outputSize)}`;
  return `${call} ${JSON.stringify(given)} ${JSON.stringify(options)} of ${JSON.stringify(input)}${size}`;
}

const rejected = readFixture<{ calls: Rejected[] }>('rejected.json').calls;
const accepted = readFixture<{ calls: Accepted[] }>('accepted.json').calls;

test('there are enough of both', () => {
  expect(rejected.length).toBeGreaterThanOrEqual(110);
  expect(accepted.length).toBeGreaterThanOrEqual(40);
});

describe('rejected', () => {
  test.each(rejected.map((c) => [title(c), c] as const))('%s', (_, c) => {
    expectRejected(() => make(c), new RegExp(c.argument));
  });
});

describe('accepted', () => {
  test.each(accepted.map((c) => [`${c.why}: ${title(c)}`, c] as const))('%s', (_, c) => {
    expect(make(c).shape).toEqual(c.shape);
  });
});
