/**
 * Pseudo-random numbers that Python and TypeScript make bit for bit alike: fixtures store expected
 * results only. The twin is scripts/fixtures/hashfill.py: change both or neither.
 */

// Jest looks globals up slowly; these functions run many million times.
const { floor, imul } = Math;

const GOLDEN = 0x9e3779b1;
const STREAM = 0x6c8e9cf5;
const MIX_A = 0x2c1b3c6d;
const MIX_B = 0x297a2d39;

/** The uint32 hash of `(seed, index)`. */
function hash(seed: number, index: number): number {
  let x = (imul(index + 1, GOLDEN) + imul(seed, STREAM)) >>> 0;
  x ^= x >>> 16;
  x = imul(x, MIX_A);
  x ^= x >>> 15;
  x = imul(x, MIX_B);
  x ^= x >>> 16;
  return x >>> 0;
}

/** A multiple of 2^-23 in [-1, 1). */
function unit(seed: number, index: number): number {
  return (hash(seed, index) >>> 8) * 2 ** -23 - 1;
}

/** Uniform in [-bound, bound): PyTorch's default initialisation. */
export function uniform(seed: number, count: number, bound: number): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = unit(seed, i) * bound;
  return values;
}

/** Mean 0 and variance 1, near enough to randn: four uniform numbers summed. */
export function normal(seed: number, count: number): Float32Array {
  const values = new Float32Array(count);
  const scale = Math.sqrt(0.75);
  for (let i = 0; i < count; i++) {
    const j = 4 * i;
    const total = unit(seed, j) + unit(seed, j + 1) + unit(seed, j + 2) + unit(seed, j + 3);
    values[i] = total * scale;
  }
  return values;
}

/** `count` rising indices below `size`: one from each of `count` equal strata, ends included. */
export function sample(seed: number, size: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const start = floor((i * size) / count);
    const end = floor(((i + 1) * size) / count);
    if (i === 0) return 0;
    return i === count - 1 ? size - 1 : start + (hash(seed, i) % (end - start));
  });
}
