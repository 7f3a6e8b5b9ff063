/**
 * PyTorch's CPU generator, number for number: the Mersenne Twister (MT19937), and the ways PyTorch
 * turns its words into uniform and normal numbers and permutations.
 */
import { binding } from './binding';
import { argTypeError, argValueError, show } from './errors';

// Looking up a global is slow in a VM context, and these run for every number.
const { cos, fround, imul, log1p, PI, sin, sqrt } = Math;

const WORDS = 624;
const SHIFT = 397;

/** At this many elements PyTorch changes to {@link Generator.fillNormal}'s block-wise form. */
const BLOCK = 16;

export class Generator {
  /** The words, then how many of them are used up. The addon reads and writes it too. */
  #words: Uint32Array<ArrayBuffer> | undefined;
  /** The second number of the last pair of normal numbers, NaN when used up. */
  #spareNormal = NaN;

  /** @param seed where undefined, the first number that is drawn takes one from the system */
  constructor(seed?: bigint) {
    if (seed !== undefined) this.seed(seed);
  }

  get #state(): Uint32Array<ArrayBuffer> {
    if (this.#words === undefined) this.seed(systemSeed());
    return this.#words!;
  }

  /** Starts over. Only the low 32 bits of the seed count, as in PyTorch. */
  seed(seed: bigint): void {
    const state = (this.#words ??= new Uint32Array(WORDS + 1));
    state[0] = Number(BigInt.asUintN(32, seed));
    for (let i = 1; i < WORDS; i++) {
      const previous = state[i - 1];
      state[i] = imul(1812433253, previous ^ (previous >>> 30)) + i;
    }
    state[WORDS] = WORDS;
    this.#spareNormal = NaN;
  }

  /** 32 random bits. */
  word(): number {
    const state = this.#state;
    if (state[WORDS] === WORDS) this.#twist();
    let y = state[state[WORDS]++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    // No remainder of i + 1 and i + SHIFT: it would take half of the time.
    const step = (i: number, next: number, other: number): void => {
      const mixed = (state[i] & 0x80000000) | (state[next] & 0x7fffffff);
      state[i] = state[other] ^ (mixed >>> 1) ^ (-(mixed & 1) & 0x9908b0df);
    };
    for (let i = 0; i < WORDS - SHIFT; i++) step(i, i + 1, i + SHIFT);
    for (let i = WORDS - SHIFT; i < WORDS - 1; i++) step(i, i + 1, i + SHIFT - WORDS);
    step(WORDS - 1, 0, SHIFT - 1);
    state[WORDS] = 0;
  }

  /** A double in [0, 1): the low 53 bits of two words, the high one drawn first. */
  #uniformDouble(): number {
    const high = this.word() & 0x1fffff;
    return (high * 2 ** 32 + this.word()) * 2 ** -53;
  }

  /** Fills with numbers from [from, to), in float32 arithmetic. */
  fillUniform(data: Float32Array, from: number, to: number): void {
    const low = fround(from);
    const range = fround(fround(to) - low);
    binding().randomFill('uniform', this.#state, data, low, range);
  }

  /** Fills with `value` in places of probability `p`, with 0 in the others. */
  fillBernoulli(data: Float32Array, p: number, value: number): void {
    binding().randomFill('bernoulli', this.#state, data, p, value);
  }

  /** Fills with normal numbers: pair by pair if there are few, in blocks of 16 otherwise. */
  fillNormal(data: Float32Array, mean: number, std: number): void {
    if (data.length < BLOCK) {
      for (let i = 0; i < data.length; i++) data[i] = this.#normal() * std + mean;
      return;
    }
    binding().randomFill('normal', this.#state, data, mean, std);
  }

  #normal(): number {
    const spare = this.#spareNormal;
    if (!Number.isNaN(spare)) {
      this.#spareNormal = NaN;
      return spare;
    }
    const angle = 2 * PI * this.#uniformDouble();
    const radius = sqrt(-2 * log1p(-this.#uniformDouble()));
    this.#spareNormal = radius * sin(angle);
    return radius * cos(angle);
  }

  /** A random order of 0 ... n-1. */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = 0; i < n - 1; i++) {
      const other = i + (this.word() % (n - i));
      [order[i], order[other]] = [order[other], order[i]];
    }
    return order;
  }
}

// As a global, which Node loads at its first use: an import of node:crypto takes milliseconds.
const systemSeed = (): bigint => BigInt(crypto.getRandomValues(new Uint32Array(1))[0]);

/** The generator that everything random draws from; one per JavaScript environment. */
export const generator = new Generator();

let skipping = false;

/** Whether weights are to be left as they are rather than drawn. */
export function skipped(): boolean {
  return skipping;
}

/** Calls `body` while they are. */
export function skipDrawing<T>(body: () => T): T {
  const before = skipping;
  skipping = true;
  try {
    return body();
  } finally {
    skipping = before;
  }
}

const LOWEST_SEED = -(2n ** 63n);
const HIGHEST_SEED = 2n ** 64n - 1n;

/**
 * Seeds the generator of `rand`, `randn` and `nn.init`: what follows repeats, with the numbers that
 * PyTorch draws on a CPU after the same seed (normal numbers to about 1e-6 of their size). Without a
 * call the seed is a different one in every run.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.manual_seed.html
 *
 * @param seed an integer from -2^63 to 2^64 - 1; one beyond 2^53 - 1 must be a bigint
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE
 */
export function manualSeed(seed: number | bigint): void {
  if (typeof seed !== 'number' && typeof seed !== 'bigint') {
    throw argTypeError(`seed must be an integer, got ${show(seed)}`);
  }
  const exact = typeof seed === 'bigint' || Number.isSafeInteger(seed);
  if (!exact || seed < LOWEST_SEED || seed > HIGHEST_SEED) {
    throw argValueError(
      `seed must be an integer from -2^63 to 2^64 - 1 (a bigint beyond 2^53 - 1), got ${show(seed)}`,
    );
  }
  generator.seed(BigInt(seed));
}
