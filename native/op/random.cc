#include "op/random.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "op/work.h"
#include "runtime/subnormals.h"

namespace nnconv {
namespace {

constexpr int64_t kShift = 397;
constexpr int64_t kHalf = kNormalBlock / 2;

void twist(Twister* twister) {
  uint32_t* s = twister->words;
  const auto step = [s](int64_t i, int64_t next, int64_t other) {
    const uint32_t mixed = (s[i] & 0x80000000u) | (s[next] & 0x7fffffffu);
    s[i] = s[other] ^ (mixed >> 1) ^ ((0u - (mixed & 1u)) & 0x9908b0dfu);
  };
  constexpr int64_t kTurn = kTwisterWords - kShift;
  for (int64_t i = 0; i < kTurn; ++i) step(i, i + 1, i + kShift);
  for (int64_t i = kTurn; i < kTwisterWords - 1; ++i) step(i, i + 1, i - kTurn);
  step(kTwisterWords - 1, 0, kShift - 1);
  twister->next = 0;
}

uint32_t tempered(uint32_t y) {
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

uint32_t word(Twister* twister) {
  if (twister->next == kTwisterWords) twist(twister);
  return tempered(twister->words[twister->next++]);
}

// What follows is written so that compilers make vectors of it: no branches, no calls. Polynomials
// of our own, as libraries differ in the last bits from one machine to another. They are those of
// fdlibm (Copyright (C) 1993 by Sun Microsystems, Inc.; freely granted), good to about 1e-16.

// The logarithm of x, 2^-24 <= x <= 1.
double logarithm(double x) {
  uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  const uint64_t mantissa = (bits & 0x000fffffffffffffull) | 0x3ff0000000000000ull;
  const uint64_t exponent = (bits >> 52) | 0x4330000000000000ull;  // on 2^52
  double m, k;
  std::memcpy(&m, &mantissa, sizeof m);
  std::memcpy(&k, &exponent, sizeof k);
  k -= 4503599627370496.0 + 1023.0;
  const bool upper = m > 1.4142135623730951;
  m = upper ? m * 0.5 : m;
  k = upper ? k + 1.0 : k;
  const double f = m - 1.0;
  const double s = f / (2.0 + f);
  const double z = s * s;
  const double w = z * z;
  const double t1 = w * (3.999999999940941908e-01 +
                         w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  const double t2 = z * (6.666666666666735130e-01 +
                         w * (2.857142874366239149e-01 +
                              w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
  const double square = 0.5 * f * f;
  return k * 6.93147180369123816490e-01 -
         ((square - (s * (square + (t1 + t2)) + k * 1.90821492927058770002e-10)) - f);
}

// Sine and cosine of x, 0 <= x < 7.
void sine_cosine(double x, double* sine, double* cosine) {
  const double n = static_cast<double>(static_cast<int32_t>(x * 6.36619772367581382433e-01 + 0.5));
  const double r = x - n * 1.57079632673412561417e+00;  // exact
  const double w = n * 6.07710050650619224932e-11;
  const double y = r - w;
  const double tail = (r - y) - w;
  const double z = y * y;
  const double v = z * y;
  const double a = 8.33333333332248946124e-03 +
                   z * (-1.98412698298579493134e-04 +
                        z * (2.75573137070700676789e-06 +
                             z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)));
  const double s = y - ((z * (0.5 * tail - v * a) - tail) - v * -1.66666666666666324348e-01);
  const double b =
      z * (4.16666666666666019037e-02 +
           z * (-1.38888888888741095749e-03 +
                z * (2.48015872894767294178e-05 +
                     z * (-2.75573143513906633035e-07 +
                          z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)))));
  const double half = 0.5 * z;
  const double rest = 1.0 - half;
  const double c = rest + (((1.0 - rest) - half) + (z * b - y * tail));
  // Quarters of a turn: 0 to 4.
  *sine = n == 1.0 ? c : n == 2.0 ? -s : n == 3.0 ? -c : s;
  *cosine = n == 1.0 ? -s : n == 2.0 ? -c : n == 3.0 ? s : c;
}

// Turns 16 uniform numbers into normal ones, 8 radii with 8 angles.
void box_muller(float* data, double mean, double std) {
  constexpr double kTurn = 6.2831854820251465;  // 2 pi in float32
  double radius[kHalf], sine[kHalf], cosine[kHalf];
  for (int64_t i = 0; i < kHalf; ++i)
    radius[i] = std::sqrt(-2.0 * logarithm(1.0 - static_cast<double>(data[i])));
  for (int64_t i = 0; i < kHalf; ++i)
    // Rounded once, to float32: the product of two of them is exact.
    sine_cosine(
        static_cast<double>(static_cast<float>(kTurn * static_cast<double>(data[i + kHalf]))),
        &sine[i], &cosine[i]);
  for (int64_t i = 0; i < kHalf; ++i) {
    data[i] = static_cast<float>(radius[i] * cosine[i] * std + mean);
    data[i + kHalf] = static_cast<float>(radius[i] * sine[i] * std + mean);
  }
}

}  // namespace

void fill_uniform(Twister* twister, float* out, int64_t count, double low, double range) {
  const SubnormalMode keep(false);
  for (int64_t i = 0; i < count;) {
    if (twister->next == kTwisterWords) twist(twister);
    const int64_t some = std::min<int64_t>(count - i, kTwisterWords - twister->next);
    const uint32_t* words = twister->words + twister->next;
    for (int64_t j = 0; j < some; ++j) {
      const double u = static_cast<double>(static_cast<int32_t>(tempered(words[j]) & 0xffffffu));
      out[i + j] = static_cast<float>(u * 0x1p-24 * range + low);
    }
    twister->next += static_cast<uint32_t>(some);
    i += some;
  }
}

void fill_normal(Twister* twister, float* out, int64_t count, double mean, double std) {
  fill_uniform(twister, out, count, 0.0, 1.0);
  parallel_pieces(count / kNormalBlock * kNormalBlock, [&](int64_t begin, int64_t end) {
    const SubnormalMode keep(false);
    for (int64_t i = begin; i < end; i += kNormalBlock) box_muller(out + i, mean, std);
  });
  if (count % kNormalBlock == 0) return;
  // The last 16 are drawn anew, those among them that were done already included.
  const SubnormalMode keep(false);
  float* last = out + count - kNormalBlock;
  fill_uniform(twister, last, kNormalBlock, 0.0, 1.0);
  box_muller(last, mean, std);
}

void fill_bernoulli(Twister* twister, float* out, int64_t count, double p, double value) {
  const float one = static_cast<float>(value);
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t high = word(twister) & 0x1fffffu;
    const double u = static_cast<double>((high << 32) | word(twister)) * 0x1p-53;
    out[i] = u < p ? one : 0.0f;
  }
}

}  // namespace nnconv
