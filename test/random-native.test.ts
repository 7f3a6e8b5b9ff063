/** The addon's numbers against the same in JavaScript. */
import { binding } from '../lib/binding';
import { Generator } from '../lib/random';
import { expectRejected } from './support/errors';

const { fround } = Math;

/** What fills by single words. */
class Slow {
  readonly #generator: Generator;
  constructor(seed: number) {
    this.#generator = new Generator(BigInt(seed));
  }
  uniform = (): number => (this.#generator.word() & 0xffffff) * 2 ** -24;
  bernoulli(p: number, value: number): number {
    const high = this.#generator.word() & 0x1fffff;
    return (high * 2 ** 32 + this.#generator.word()) * 2 ** -53 < p ? value : 0;
  }
  normal(count: number, mean: number, std: number): Float32Array {
    const data = Float32Array.from({ length: count }, this.uniform);
    const block = (start: number) => {
      for (let i = start; i < start + 8; i++) {
        const radius = Math.sqrt(-2 * Math.log(1 - data[i]));
        const angle = fround(fround(2 * Math.PI) * data[i + 8]);
        data[i] = radius * Math.cos(angle) * std + mean;
        data[i + 8] = radius * Math.sin(angle) * std + mean;
      }
    };
    for (let i = 0; i + 16 <= count; i += 16) block(i);
    if (count % 16 !== 0) {
      for (let i = count - 16; i < count; i++) data[i] = this.uniform();
      block(count - 16);
    }
    return data;
  }
  word = (): number => this.#generator.word();
}

const COUNTS = [16, 17, 31, 32, 623, 624, 625, 1248, 5000, 100_003];

test.each(COUNTS)('%i numbers of each kind, bit for bit', (count) => {
  const fast = new Generator(BigInt(count));
  const slow = new Slow(count);
  const data = new Float32Array(count);
  fast.fillUniform(data, -0.3, 0.7);
  const low = fround(-0.3);
  const range = fround(fround(0.7) - low);
  expect(data).toEqual(data.map(() => slow.uniform() * range + low));
  fast.fillNormal(data, 0.25, 0.01);
  expect(Buffer.from(data.buffer).equals(Buffer.from(slow.normal(count, 0.25, 0.01).buffer))).toBe(
    true,
  );
  fast.fillBernoulli(data, 0.3, 1 / 0.7);
  expect(data).toEqual(data.map(() => slow.bernoulli(0.3, fround(1 / 0.7))));
  // Both have come to the same place.
  expect(fast.word()).toBe(slow.word());
});

test('millions of normal numbers are those that Math gives', () => {
  const count = 3_000_000;
  const fast = new Generator(1n);
  const data = new Float32Array(count);
  fast.fillNormal(data, 0, 1);
  const expected = new Slow(1).normal(count, 0, 1);
  // The last bits of Math.log, cos and sin differ from one engine to another; a float32 shows it
  // once in 2^29 numbers or so.
  let different = 0;
  for (let i = 0; i < count; i++) if (data[i] !== expected[i]) different++;
  expect(different).toBeLessThanOrEqual(1);
});

test('the same whatever the number of threads', () => {
  const addon = binding();
  const before = addon.getNumThreads();
  try {
    const [one, two] = [1, 2].map((threads) => {
      addon.setNumThreads(threads);
      const data = new Float32Array(200_001);
      new Generator(5n).fillNormal(data, 0, 1e-39);
      return data;
    });
    expect(two).toEqual(one);
    // Numbers too small for a full mantissa are not lost.
    expect(one.some((value) => value !== 0 && Math.abs(value) < 1e-39)).toBe(true);
  } finally {
    addon.setNumThreads(before);
  }
});

test('what the addon refuses', () => {
  const addon = binding() as unknown as { randomFill: (...args: unknown[]) => void };
  const fill = (...args: unknown[]) => addon.randomFill(...args);
  const state = new Uint32Array(625);
  const out = new Float32Array(32);
  const refuse = (code: string, ...args: unknown[]) =>
    expectRejected(() => fill(...args), /\w/, code);
  refuse('ERR_NNCONV_ARG_VALUE', 'gamma', state, out, 0, 1);
  refuse('ERR_NNCONV_SHAPE', 'normal', state, out.subarray(17), 0, 1);
  refuse('ERR_NNCONV_SHAPE', 'uniform', new Uint32Array(624), out, 0, 1);
  refuse('ERR_NNCONV_ARG_TYPE', 'uniform', new Int32Array(625), out, 0, 1);
  refuse('ERR_NNCONV_ARG_TYPE', 'uniform', null, out, 0, 1);
  refuse('ERR_NNCONV_ARG_TYPE', 'uniform', state, [1], 0, 1);
  refuse('ERR_NNCONV_ARG_TYPE', 'uniform', state, out, '0', 1);
  refuse('ERR_NNCONV_BUFFER', 'uniform', new Uint32Array(new SharedArrayBuffer(2500)), out, 0, 1);
  for (const next of [625, 2 ** 32 - 1]) {
    refuse('ERR_NNCONV_ARG_VALUE', 'uniform', broken(next), out, 0, 1);
  }
  // One buffer for both.
  const buffer = new ArrayBuffer(4 * 2000);
  fill('uniform', new Uint32Array(buffer, 0, 625), new Float32Array(buffer), 0, 1);
  fill('normal', state, out, NaN, Infinity);
  expect(out.every(Number.isNaN)).toBe(true);
});

function broken(next: number): Uint32Array {
  const state = new Uint32Array(625);
  state[624] = next;
  return state;
}
