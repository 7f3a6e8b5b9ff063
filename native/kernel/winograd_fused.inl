// Winograd products that transform their weights on the way, for a few tiles. Needs winograd.inl.

namespace {

// V has vectors of channels, a panel the tiles of each.
void winograd_panel(const WinogradPanel* t) {
  const int64_t channel = t->points * kFusedTiles;
  for (int64_t c = 0; c < t->channels; c += W) {
    for (int64_t x = 0; x < t->points; ++x) {
      const float* v = t->v + x * t->v_xi + c;
      vf r[kFusedTiles];
      NNCONV_UNROLL
      for (int m = 0; m < kFusedTiles; ++m) r[m] = m < t->tiles ? vload(v + m * t->v_tile) : (vf){};
      const vf t0 = interleave_lo(r[0], r[1]), t1 = interleave_hi(r[0], r[1]);
      const vf t2 = interleave_lo(r[2], r[3]), t3 = interleave_hi(r[2], r[3]);
      store_blocks4<0>(pairs_lo(t0, t2), pairs_hi(t0, t2), pairs_lo(t1, t3), pairs_hi(t1, t3),
                       t->panel + c * channel + x * kFusedTiles, channel, Plain{});
    }
  }
}

// The three taps' values at p and at -p, whose square is p2, go to add(x, value) and add(x + 1,
// value).
template <typename F>
NNCONV_INLINE void at_points(const vf (&g)[3], float p, float p2, int x, const F& add) {
  const vf even = vfma(vset(p2), g[2], g[0]);
  add(x, vfma(vset(p), g[1], even));
  add(x + 1, vfma(vset(p), -g[1], even));
}

// u = G g of F(4, 3): calls add(x, u[x]).
template <typename F>
NNCONV_INLINE void at_points(const vf (&g)[3], const F& add) {
  add(0, g[0]);
  add(5, g[2]);
  at_points(g, kHalfRoot, 0.5f, 1, add);
  at_points(g, kRoot, 2.0f, 3, add);
}

// One row of points of the weights' columns.
template <int ROW>
NNCONV_INLINE void weights_row(const float* w, vf (&row)[3]) {
  constexpr float p = ROW < 3 ? kHalfRoot : kRoot, p2 = ROW < 3 ? 0.5f : 2.0f;
  NNCONV_UNROLL
  for (int x = 0; x < 3; ++x) {
    const float* column = w + x * W;
    if constexpr (ROW == 0)
      row[x] = vload(column);
    else if constexpr (ROW == 5)
      row[x] = vload(column + 6 * W);
    else {
      const vf even = vfma(vset(p2), vload(column + 6 * W), vload(column));
      const vf middle = vload(column + 3 * W);
      row[x] = vfma(vset(p), ROW % 2 == 1 ? middle : -middle, even);
    }
  }
}

template <int ROW, int M>
void winograd_fused(const WinogradFused* t) {
  constexpr int N = 6, TAPS = 9;
  vf acc[N][M];
  oc_zero<N, M>(acc);
  const float *panel = t->panel, *w = t->weights, *next = t->next;
  for (const float* end = w + t->channels * TAPS * W; w != end; w += TAPS * W) {
    vf row[3];
    weights_row<ROW>(w, row);
    at_points(row, [&](int x, vf u) __attribute__((always_inline)) {
      NNCONV_UNROLL
      for (int m = 0; m < M; ++m)
        acc[x][m] = vfma(vbroadcast(panel + x * kFusedTiles + m), u, acc[x][m]);
    });
    panel += N * kFusedTiles;
    NNCONV_UNROLL
    for (int i = 0; i < 2 * W; i += kLine) __builtin_prefetch(next + i, 0, 2);
    next += 2 * W;
  }
  float* sums = t->m;
  const int64_t m_xi = t->m_xi;
  const bool add = t->add;
  NNCONV_UNROLL
  for (int x = 0; x < N; ++x) {
    NNCONV_UNROLL
    for (int m = 0; m < M; ++m) {
      float* p = sums + x * m_xi + m * W;
      vstore(p, add ? vload(p) + acc[x][m] : acc[x][m]);
    }
  }
}

template <int ROW, int M>
void fill_fused_tiles(WinogradKernels* kernels) {
  kernels->fused[ROW][M] = winograd_fused<ROW, M>;
  if constexpr (M > 1) fill_fused_tiles<ROW, M - 1>(kernels);
}

template <int ROW>
void fill_fused(WinogradKernels* kernels) {
  fill_fused_tiles<ROW, kFusedTiles>(kernels);
  if constexpr (ROW + 1 < kFusedRows) fill_fused<ROW + 1>(kernels);
}

}  // namespace
