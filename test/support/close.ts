/** The defaults of `torch.testing.assert_close` for float32: |a - b| <= ATOL + RTOL * |b|. */
export const RTOL = 1.3e-6;
export const ATOL = 1e-5;

// Jest looks globals up slowly, and these run for every element.
const { abs } = Math;
const { is } = Object;

export interface Tolerance {
  rtol?: number;
  atol?: number;
}

/** Asserts closeness element by element; NaN equals NaN, an infinity equals itself only. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  what: string,
  { rtol = RTOL, atol = ATOL }: Tolerance = {},
): void {
  if (actual.length !== expected.length) {
    throw new Error(`${what}: ${actual.length} elements instead of ${expected.length}`);
  }
  let wrong = 0;
  let first = -1;
  let worst = 0;
  let worstAt = -1;
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i];
    const b = expected[i];
    if (a === b || is(a, b)) continue;
    const allowed = atol + rtol * abs(b);
    // Also wrong where the difference is NaN.
    const used = abs(a - b) / allowed;
    if (used <= 1) continue;
    wrong++;
    if (first < 0) first = i;
    if (!(used <= worst)) [worst, worstAt] = [used, i];
  }
  if (wrong === 0) return;
  const show = (i: number) => `[${i}] ${actual[i]} instead of ${expected[i]}`;
  throw new Error(
    `${what}: ${wrong} of ${expected.length} elements are wrong, first ${show(first)}, ` +
      `worst (${worst.toPrecision(3)} of the tolerance) ${show(worstAt)}`,
  );
}

/** Asserts that two results are the same bit for bit. */
export function expectSameBits(actual: ArrayBufferView, expected: ArrayBufferView, what: string) {
  if (Buffer.compare(bytes(actual), bytes(expected)) === 0) return;
  const [a, b] = [actual as Float32Array, expected as Float32Array];
  const first = b.findIndex((value, i) => !Object.is(value, a[i]));
  throw new Error(
    `${what}: bits differ, lengths ${a.length} and ${b.length}, ` +
      `first at [${first}]: ${a[first]} and ${b[first]}`,
  );
}

function bytes({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}
