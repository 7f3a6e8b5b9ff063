// Elementary functions over vectors, correct to an ulp or two. A lane's result depends on its value
// alone. NaN goes through. Needs simd.h.

namespace {

NNCONV_INLINE vf vabs(vf x) { return (vf)((vi)x & 0x7fffffff); }
NNCONV_INLINE vf with_sign_of(vf magnitude, vf sign) {
  return (vf)((vi)magnitude | ((vi)sign & (int32_t)0x80000000));
}

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

// exp(x) - 1 for x up to 88, exact to the last digits near 0 too.
NNCONV_INLINE vf vexpm1(vf x) {
  const ExpParts e = split_exp(at_least(x, -30.0f));
  const vf scale = power_of_two(e.n);
  return vfma(expm1_part(e.r), scale, scale - 1.0f);
}

NNCONV_INLINE vf vtanh(vf x) {
  const vf e = vexpm1(at_most(vabs(x), 10.0f) * 2.0f);  // tanh 10 is 1
  return with_sign_of(e / (e + 2.0f), x);
}

// erfc(x) for x >= 0: exp(-x^2) * t * P(t) with t = 1 / (1 + x / 2). The coefficients are a minimax
// fit of the relative error up to x = 10.5, where erfc is zero; error 4e-9.
NNCONV_INLINE vf verfc_positive(vf x) {
  const vf a = at_most(x, 15.0f);
  const vf t = 1.0f / vfma(a, vset(0.5f), vset(1.0f));
  vf p = vset(0.03631763916331236f);
  p = vfma(p, t, vset(-0.19429637722657447f));
  p = vfma(p, t, vset(0.3898948560226907f));
  p = vfma(p, t, vset(-0.30226697907705763f));
  p = vfma(p, t, vset(-0.009902543215768115f));
  p = vfma(p, t, vset(0.027801716839866816f));
  p = vfma(p, t, vset(0.05808896056458249f));
  p = vfma(p, t, vset(0.18470085707115025f));
  p = vfma(p, t, vset(0.24533586604426091f));
  p = vfma(p, t, vset(0.2822368208533713f));
  p = vfma(p, t, vset(0.28208918660128873f));
  // What rounding takes from the square would show in its exponential.
  const vf square = a * a;
  const vf lost = vfma(a, a, -square);
  return vexp(-square) * (1.0f - lost) * (p * t);
}

}  // namespace
