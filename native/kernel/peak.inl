// Multiply-accumulates and nothing else: what the fastest convolution could do. Needs simd.h.

#include "kernel/peak.h"

namespace {

// An FMA takes 4 cycles and there are up to 4 units (on some Arm cores; 2 on x86-64), so 16 sums
// keep all of them busy; with 16 registers, 12 leave room for the factors.
#if defined(NNCONV_SIMD_AVX512) || defined(NNCONV_SIMD_NEON)
constexpr int kPeakSums = 24;
#else
constexpr int kPeakSums = 12;
#endif

void peak_run(int64_t rounds, float* sum) {
  // The sums tend to 1, from different sides: neither denormal nor infinite, nor the same.
  const float factors[2] = {0.5f, 0.5f};
  const vf a = vbroadcast(factors), b = vbroadcast(factors + 1);
  vf acc[kPeakSums];
  NNCONV_UNROLL
  for (int i = 0; i < kPeakSums; ++i) acc[i] = vset((float)i);
  for (int64_t r = 0; r < rounds; ++r) {
    NNCONV_UNROLL
    for (int i = 0; i < kPeakSums; ++i) acc[i] = vfma(acc[i], a, b);
  }
  vf total = acc[0];
  NNCONV_UNROLL
  for (int i = 1; i < kPeakSums; ++i) total = total + acc[i];
  float lanes[W];
  vstore(lanes, total);
  *sum = 0;
  for (int j = 0; j < W; ++j) *sum += lanes[j];
}

nnconv::PeakTable make_peak() {
  nnconv::PeakTable t = {};
  t.run = peak_run;
  t.flops = (int64_t)2 * kPeakSums * W;
  return t;
}

}  // namespace
