/** The generator draws what PyTorch's draws. */
import { createHash } from 'node:crypto';

import type * as Nnconv from '../lib';
import { manualSeed, rand, randn } from '../lib';
import { generator } from '../lib/random';
import { expectRejected } from './support/errors';
import { readFixture } from './support/json';

interface Draw {
  draw: 'rand' | 'randn' | 'uniform' | 'normal' | 'permutation';
  args: number[];
  values?: number[];
  first?: number[];
  last?: number[];
  sha256?: string;
}

function draw({ draw: name, args: [count, a, b] }: Draw): Float32Array | Uint32Array {
  if (name === 'rand') return rand([count]).data;
  if (name === 'randn') return randn([count]).data;
  if (name === 'permutation') return generator.permutation(count);
  const data = new Float32Array(count);
  if (name === 'uniform') generator.fillUniform(data, a, b);
  else generator.fillNormal(data, a, b);
  return data;
}

const isExact = (name: Draw['draw']) => name !== 'randn' && name !== 'normal';

function compare(row: Draw, data: Float32Array | Uint32Array): void {
  const what = `${row.draw} ${row.args.join(', ')}`;
  const check = (actual: ArrayLike<number>, expected: number[]) => {
    expect(actual.length).toBe(expected.length);
    expected.forEach((value, i) => {
      // PyTorch's own instruction sets differ by as much.
      const allowed = isExact(row.draw) ? 0 : 2e-6 * Math.max(1, Math.abs(value));
      if (!(Math.abs(actual[i] - value) <= allowed)) {
        throw new Error(`${what}: [${i}] is ${actual[i]} instead of ${value}`);
      }
    });
  };
  if (row.values) check(data, row.values);
  if (row.first) check(data.subarray(0, row.first.length), row.first);
  if (row.last) check(data.subarray(data.length - row.last.length), row.last);
  if (row.sha256) {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(row.sha256);
  }
}

const rows = readFixture<{ seed: string; draws: Draw[] }>('random.json');

test.each(rows.map((row) => [row.seed, row.draws] as const))(
  'as PyTorch after manual_seed(%s)',
  (seed, draws) => {
    manualSeed(BigInt(seed));
    for (const row of draws) compare(row, draw(row));
  },
);

test('a number and a bigint are the same seed', () => {
  manualSeed(42);
  const { data } = randn([20]);
  manualSeed(42n);
  expect([...randn([20]).data]).toEqual([...data]);
  manualSeed(-1);
  expect(rand([1]).item()).toBe((manualSeed(2n ** 64n - 1n), rand([1]).item()));
});

test('a new seed forgets the second number of a pair', () => {
  manualSeed(1);
  const first = randn([1]).item();
  manualSeed(1);
  expect(randn([1]).item()).toBe(first);
});

test('without a seed every environment draws something else', () => {
  const draws = Array.from({ length: 3 }, () => {
    let value = 0;
    jest.isolateModules(() => {
      const fresh = jest.requireActual<typeof Nnconv>('../lib');
      value = fresh.rand([1]).item();
    });
    return value;
  });
  expect(new Set(draws).size).toBe(3);
});

test('statistics', () => {
  manualSeed(0);
  const n = 200_000;
  const moments = (data: Float32Array) => {
    const mean = data.reduce((sum, x) => sum + x, 0) / n;
    return [mean, Math.sqrt(data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n)];
  };
  const uniform = rand([n]).data;
  expect(Math.min(...uniform.subarray(0, 1e5))).toBeGreaterThanOrEqual(0);
  expect(Math.max(...uniform.subarray(0, 1e5))).toBeLessThan(1);
  const [mean, std] = moments(uniform);
  expect(mean).toBeCloseTo(0.5, 2);
  expect(std).toBeCloseTo(Math.sqrt(1 / 12), 2);
  const [normalMean, normalStd] = moments(randn([n]).data);
  expect(normalMean).toBeCloseTo(0, 2);
  expect(normalStd).toBeCloseTo(1, 2);
});

test('empty tensors draw nothing', () => {
  manualSeed(3);
  void randn([0]);
  void rand([0, 4]);
  const value = rand([1]).item();
  manualSeed(3);
  expect(rand([1]).item()).toBe(value);
});

test('wrong seeds', () => {
  for (const seed of [undefined, null, '1', true, {}, [1]]) {
    expectRejected(() => manualSeed(seed as number), /seed/, 'ERR_NNCONV_ARG_TYPE');
  }
  for (const seed of [NaN, 1.5, Infinity, 2 ** 53, 2n ** 64n, -(2n ** 63n) - 1n]) {
    expectRejected(() => manualSeed(seed), /seed.*(\d|NaN|Infinity)/, 'ERR_NNCONV_ARG_VALUE');
  }
});
