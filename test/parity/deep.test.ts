/**
 * Long reductions: layers whose every output sums thousands of products, with weights as large as
 * kaiming_normal_ makes them, stay within the tolerance under every algorithm. A single float32 sum
 * over so many steps would not.
 */
import { binding, type ConvSpec } from '../../lib/binding';
import { expectClose } from '../support/close';
import { normal } from '../support/hashfill';
import { product, weightShape } from '../support/spec';

const plain = { transposed: false, groups: 1, paddingMode: 'zeros' as const };

function conv2d(inChannels: number, outChannels: number, k: number, pad: number): ConvSpec {
  const both = (value: number) => [value, value];
  return {
    ...plain,
    inChannels,
    outChannels,
    kernel: both(k),
    stride: both(1),
    dilation: both(1),
    padLow: both(pad),
    padHigh: both(pad),
    outputPadding: both(0),
  };
}

const CASES: [string, ConvSpec, number[]][] = [
  ['3x3 of 512 channels', conv2d(512, 24, 3, 1), [1, 512, 7, 9]],
  ['3x3 of 512 channels, few tiles', conv2d(512, 64, 3, 1), [2, 512, 7, 5]],
  ['pointwise of 4096 channels', conv2d(4096, 17, 1, 0), [1, 4096, 5, 5]],
  ['5x5 of 200 channels', conv2d(200, 9, 5, 2), [1, 200, 6, 11]],
];

test.each(CASES)('%s', (what, spec, shape) => {
  const addon = binding();
  const handle = addon.convCreate(spec);
  const weights = weightShape(spec);
  const scale = Math.sqrt(2 / product(weights.slice(1)));
  const weight = normal(2, product(weights)).map((value) => value * scale);
  const input = normal(1, product(shape));
  const run = (algorithm: string) =>
    addon.convForward(handle, input, shape, weight, 1, null, { algorithm }).data;
  const expected = run('reference');
  const algorithms = addon.convAlgorithms(handle, shape);
  expect(algorithms.length).toBeGreaterThan(2);
  for (const algorithm of algorithms)
    expectClose(run(algorithm), expected, `${what}, ${algorithm}`);
});
