// The exponential function over vectors, correct to an ulp or so. A lane's result depends on its
// value alone. Comparisons are written so that NaN goes through. Needs simd.h.

namespace {

// Powers of two from -126 to 127.
NNCONV_INLINE vf power_of_two(vi n) { return (vf)((n + 127) << 23); }

NNCONV_INLINE vf at_most(vf x, float most) { return x > vset(most) ? vset(most) : x; }
NNCONV_INLINE vf at_least(vf x, float least) { return x < vset(least) ? vset(least) : x; }

// x = n * ln 2 + r with |r| <= ln(2) / 2.
struct ExpParts {
  vi n;
  vf r;
};
NNCONV_INLINE ExpParts split_exp(vf x) {
  const vf magic = vset(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const vf shifted = vfma(x, vset(1.44269504f), magic);
  const vf n = shifted - magic;
  // ln 2 in two parts; products with the first, of 9 bits, are exact.
  vf r = vfma(n, vset(-0.693359375f), x);
  r = vfma(n, vset(2.12194440e-4f), r);
  return {(vi)shifted - (vi)magic, r};
}

// exp(r) - 1 for |r| <= ln(2) / 2. The coefficients are a minimax fit; error 3e-9.
NNCONV_INLINE vf expm1_part(vf r) {
  vf p = vset(0.0013950726f);
  p = vfma(p, r, vset(0.008369025f));
  p = vfma(p, r, vset(0.041666202f));
  p = vfma(p, r, vset(0.16666518f));
  p = vfma(p, r, vset(0.5f));
  return vfma(p, r * r, r);
}

// Infinity from 88.73 on, subnormal numbers below -87.4, zero below -103.97.
NNCONV_INLINE vf vexp(vf x) {
  const ExpParts e = split_exp(at_least(at_most(x, 89.0f), -104.5f));
  const vi half = e.n >> 1;  // 2^n alone may be out of range
  return (expm1_part(e.r) + 1.0f) * power_of_two(half) * power_of_two(e.n - half);
}

}  // namespace
