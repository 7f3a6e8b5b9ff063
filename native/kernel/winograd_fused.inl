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
      store_four(r[0], r[1], r[2], r[3], t->panel + c * channel + x * kFusedTiles, channel,
                 Plain{});
    }
  }
}

// The values of a polynomial of T taps at p and at -p, whose square is p2, go to add(x, value) and
// add(x + 1, value).
template <int T, typename F>
NNCONV_INLINE void at_points(const vf (&g)[T], float p, float p2, int x, const F& add) {
  vf even = g[(T - 1) / 2 * 2], odd = g[(T - 2) / 2 * 2 + 1];
  NNCONV_UNROLL
  for (int t = T - 3; t >= 0; --t) {
    vf& sum = t % 2 == 0 ? even : odd;
    sum = vfma(vset(p2), sum, g[t]);
  }
  add(x, vfma(vset(p), odd, even));
  add(x + 1, vfma(vset(p), -odd, even));
}

// u = G g: calls add(x, u[x]) for each point as soon as it is known, which takes the fewest
// registers. Part P of the taps along one dimension, and those after it; AT points lie before.
template <int AXIS, int P, int AT, int TAPS, typename F>
NNCONV_INLINE void weights_transform(const vf (&taps)[TAPS], const F& add) {
  constexpr WinogradPart part = kWinogradAxis[AXIS].parts[P];
  constexpr int N = part_points(part), T = part.taps;
  vf g[T];
  NNCONV_UNROLL
  for (int t = 0; t < T; ++t) g[t] = taps[part.tap + t * part.tap_step];
  if constexpr (T == 1) {
    NNCONV_UNROLL
    for (int i = 0; i < N; ++i) add(AT + i, g[0]);
  } else {
    add(AT + N - 1, g[T - 1]);
    if constexpr (N != 5) add(AT, g[0]);
    if constexpr (N == 3) add(AT + 1, g[0] + g[1]);
    if constexpr (N == 4) at_points(g, 1.0f, 1.0f, AT + 1, add);
    if constexpr (N == 5) at_points(g, 0.5f, 0.25f, AT, add);
    if constexpr (N == 5) at_points(g, 1.25f, 1.5625f, AT + 2, add);
    if constexpr (N == 6) at_points(g, kHalfRoot, 0.5f, AT + 1, add);
    if constexpr (N == 6) at_points(g, kRoot, 2.0f, AT + 3, add);
  }
  if constexpr (P + 1 < kWinogradAxis[AXIS].part_count)
    weights_transform<AXIS, P + 1, AT + N>(taps, add);
}

template <int HEIGHT, int WIDTH, int ROW, int M>
void winograd_fused(const WinogradFused* t) {
  constexpr WinogradAxis H = kWinogradAxis[HEIGHT], X = kWinogradAxis[WIDTH];
  constexpr int TAPS = H.kernel * X.kernel, FETCH = fused_fetch(H, X);
  vf acc[X.points][M];
  oc_zero<X.points, M>(acc);
  const float *panel = t->panel, *w = t->weights, *next = t->next;
  for (const float* end = w + t->channels * TAPS * W; w != end; w += TAPS * W) {
    vf row[X.kernel];
    NNCONV_UNROLL
    for (int x = 0; x < X.kernel; ++x) {
      vf column[H.kernel];
      NNCONV_UNROLL
      for (int y = 0; y < H.kernel; ++y) column[y] = vload(w + (y * X.kernel + x) * W);
      weights_transform<HEIGHT, 0, 0>(column, [&](int y, vf u) __attribute__((always_inline)) {
        if (y == ROW) row[x] = u;
      });
    }
    weights_transform<WIDTH, 0, 0>(row, [&](int x, vf u) __attribute__((always_inline)) {
      NNCONV_UNROLL
      for (int m = 0; m < M; ++m)
        acc[x][m] = vfma(vbroadcast(panel + x * kFusedTiles + m), u, acc[x][m]);
    });
    panel += X.points * kFusedTiles;
    NNCONV_UNROLL
    for (int i = 0; i < FETCH * W; i += kLine) __builtin_prefetch(next + i, 0, 2);
    next += FETCH * W;
  }
  float* sums = t->m;
  const int64_t m_xi = t->m_xi;
  const bool add = t->add;
  NNCONV_UNROLL
  for (int x = 0; x < X.points; ++x) {
    NNCONV_UNROLL
    for (int m = 0; m < M; ++m) {
      float* p = sums + x * m_xi + m * W;
      vstore(p, add ? vload(p) + acc[x][m] : acc[x][m]);
    }
  }
}

template <int HEIGHT, int WIDTH, int ROW, int M>
void fill_fused(WinogradKernels* kernels) {
  kernels->fused[ROW][M] = winograd_fused<HEIGHT, WIDTH, ROW, M>;
  if constexpr (M > 1) {
    fill_fused<HEIGHT, WIDTH, ROW, M - 1>(kernels);
  } else if constexpr (ROW + 1 < kWinogradAxis[HEIGHT].points) {
    fill_fused<HEIGHT, WIDTH, ROW + 1, kFusedTiles>(kernels);
  }
}

}  // namespace
