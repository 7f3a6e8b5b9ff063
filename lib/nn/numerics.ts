/** The little numerical mathematics that initialisation needs. */

/** The error function, to about 1e-15: erf(x) = 2 / sqrt(pi) * exp(-x^2) * sum (2x^2)^n x / (2n+1)!!. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** A vector that keeps this much of its length has nearly lost what it was to lose. */
const KEPT = 0.5;

/**
 * Q of the QR decomposition of a tall matrix, given and returned by columns, with a positive diagonal
 * of R; by Gram-Schmidt, repeated for columns that lose much of their length, which makes it as
 * accurate as Householder's way.
 */
export function orthonormalColumns(columns: readonly Float64Array[]): Float64Array[] {
  const q: Float64Array[] = [];
  for (const column of columns) {
    const v = column.slice();
    let length = Math.sqrt(dot(v, v));
    let before: number;
    do {
      before = length;
      for (const unit of q) {
        const projection = dot(unit, v);
        for (let i = 0; i < v.length; i++) v[i] -= projection * unit[i];
      }
      length = Math.sqrt(dot(v, v));
    } while (length < KEPT * before);
    q.push(v.map((value) => value / length));
  }
  return q;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
