/** Runs parity fixtures through the library and through every algorithm of the addon. */
import { getNumThreads, nn, setNumThreads, tensor } from '../../lib';
import type { Tensor } from '../../lib';
import { binding } from '../../lib/binding';
import type { ConvRunOptions } from '../../lib/binding';
import { expectClose, expectSameBits, ATOL, RTOL } from './close';
import { expectedOf, numbersOf, outputPaddingOf, title } from './fixtures';
import type { Case, Numbers } from './fixtures';
import { specOf } from './spec';

// Jest looks globals up slowly.
const { abs } = Math;

interface Output {
  data: Float32Array;
  shape: readonly number[];
}

/** One test a case. */
export function testParity(cases: readonly Case[]): void {
  const threads = getNumThreads();
  afterAll(() => setNumThreads(threads));
  test.each(cases.map((c) => [title(c), c] as const))('%s', (_, c) => {
    const numbers = numbersOf(c);
    setNumThreads(1);
    const one = forward(c, numbers);
    expectFixture(c, one, 'forward, 1 thread');
    setNumThreads(2);
    expectSameBits(forward(c, numbers).data, one.data, 'forward, 2 threads against 1');
    runEveryAlgorithm(c, numbers);
  });
}

/** As a user runs it. */
function forward(c: Case, { input, weight, bias }: Numbers): Output {
  const layer = new nn[c.layer](...c.args, c.options as nn.ConvTransposeOptions);
  layer.weight.copy_(tensor(weight, layer.weight.shape));
  if (bias) layer.bias!.copy_(tensor(bias, [bias.length]));
  const x: Tensor = tensor(input, c.input);
  const extra = c.outputSize ? [c.outputSize] : [];
  const y = (layer.forward as (x: Tensor, size?: number[]) => Tensor)(x, ...extra);
  expect(y.shape).toEqual(c.result.shape);
  expect(layer.outputShape(c.input, ...extra)).toEqual(c.result.shape);
  return { data: y.data, shape: y.shape };
}

function runEveryAlgorithm(c: Case, { input, weight, bias }: Numbers): void {
  const addon = binding();
  const spec = specOf(c.layer, c.args, c.options);
  const handle = addon.convCreate(spec);
  const outputPadding = outputPaddingOf(c);
  const run = (options: ConvRunOptions): Output =>
    addon.convForward(handle, input, c.input, weight, 1, bias, { outputPadding, ...options });

  const names = addon.convAlgorithms(handle, c.input);
  expect(names).toContain('reference');
  // A large result is stored by samples; the reference algorithm, once these agree, fills the rest.
  const reference = run({ algorithm: 'reference' });
  expectFixture(c, reference, 'reference');
  for (const algorithm of names) {
    for (const threads of [1, 2]) {
      setNumThreads(threads);
      const what = `${algorithm}, ${threads} threads`;
      const output = run({ algorithm });
      expectFixture(c, output, what);
      // Twice the tolerance: both sides are rounded.
      expectClose(output.data, reference.data, `${what}, against reference`, {
        atol: 2 * ATOL,
        rtol: 2 * RTOL,
      });
    }
  }
  expectFixture(c, run({ strict: true }), 'strict');
}

function expectFixture(c: Case, output: Output, what: string): void {
  expect(output.shape).toEqual(c.result.shape);
  const { values, at } = expectedOf(c);
  if (at === null) return expectClose(output.data, values, what);
  expectClose(
    Float64Array.from(at, (i) => output.data[i]),
    values,
    `${what}, sampled`,
  );
  const { sum = NaN, sumAbs = NaN } = c.result;
  const tolerance = { rtol: 0, atol: ATOL * output.data.length + RTOL * sumAbs };
  let total = 0;
  let magnitude = 0;
  for (const value of output.data) {
    total += value;
    magnitude += abs(value);
  }
  expectClose([total, magnitude], [sum, sumAbs], `${what}, sum and sum of magnitudes`, tolerance);
}
