// Micro-kernel of dense layers: M x N accumulators, vectors along k. Needs oc_tile.inl.

#include "kernel/dot.h"

namespace {

template <int M, int N, bool Tail>
NNCONV_INLINE void dot_step(vf (&acc)[M][N], const DotTile* t, int64_t k, vmask mask) {
  const auto load = [&](const float* p) { return Tail ? vload_mask(p, mask) : vload(p); };
  vf w[N];
  NNCONV_UNROLL
  for (int n = 0; n < N; ++n) w[n] = load(t->w + n * t->w_row + k);
  NNCONV_UNROLL
  for (int m = 0; m < M; ++m) {
    const vf x = load(t->x + m * t->x_row + k);
    NNCONV_UNROLL
    for (int n = 0; n < N; ++n) acc[m][n] = vfma(x, w[n], acc[m][n]);
  }
}

// The lane sums of four vectors.
NNCONV_INLINE f4 lane_sums(vf a, vf b, vf c, vf d) {
  const vf ab = interleave_lo(a, b) + interleave_hi(a, b);
  const vf cd = interleave_lo(c, d) + interleave_hi(c, d);
  const vf sums = pairs_lo(ab, cd) + pairs_hi(ab, cd);
#if NNCONV_WIDTH == 4
  return sums;
#elif NNCONV_WIDTH == 8
  return block<0>(sums) + block<1>(sums);
#else
  return (block<0>(sums) + block<2>(sums)) + (block<1>(sums) + block<3>(sums));
#endif
}

template <int M, int N>
void dot_tile(const DotTile* t) {
  vf acc[M][N], total[M][N];
  oc_zero<M, N>(acc);
  const vmask none = lane_mask(0, 0);
  const int64_t whole = t->k / W * W;
  bool first = true;
  for (int64_t k = 0; k < whole;) {
    if (k > 0) {
      flush_sum<M, N>(acc, total, first);
      first = false;
    }
    const int64_t end = whole - k < kSumSteps * W ? whole : k + kSumSteps * W;
    for (; k < end; k += W) dot_step<M, N, false>(acc, t, k, none);
  }
  if (whole < t->k) dot_step<M, N, true>(acc, t, whole, lane_mask(0, t->k - whole));
  if (!first) finish_sum<M, N>(acc, total);

  float bias[4] = {};
  if (t->bias) {
    NNCONV_UNROLL
    for (int n = 0; n < N; ++n) bias[n] = t->bias[n];
  }
  NNCONV_UNROLL
  for (int m = 0; m < M; ++m) {
    vf row[4] = {};
    NNCONV_UNROLL
    for (int n = 0; n < N; ++n) row[n] = acc[m][n];
    const f4 sums = lane_sums(row[0], row[1], row[2], row[3]) + *(const f4_u*)bias;
    float* out = t->out + m * t->out_row;
    if constexpr (N == 4) {
      *(f4_u*)out = sums;
    } else {
      NNCONV_UNROLL
      for (int n = 0; n < N; ++n) out[n] = sums[n];
    }
  }
}

template <int M, int N>
void fill_dot(DotTable* table) {
  table->tile[M][N] = dot_tile<M, N>;
  if constexpr (N > 1) {
    fill_dot<M, N - 1>(table);
  } else if constexpr (M > 1) {
    fill_dot<M - 1, kDotN>(table);
  }
}

template <int M>
DotTable make_dot() {
  DotTable t = {};
  t.most_rows = M;
  fill_dot<M, kDotN>(&t);
  return t;
}

}  // namespace
