// Winograd micro-kernels: gather, input transform, product, output transform. The transforms are
// those of Toom-Cook: three points 0, 1, infinity; four 0, +-1, infinity; five +-1/2, +-5/4,
// infinity; six 0, +-sqrt(1/2), +-sqrt(2), infinity. The textbook's integers amplify rounding
// errors up to ten times as much. The weights' transform G takes the values of a polynomial at the
// points; its denominators are left to the outputs' A. Needs simd.h and oc_tile.inl.

#include "kernel/winograd.h"

namespace {

// The same from a block of channels: a copy, but for the borders.
void winograd_gather_blocked(const WinogradGather* g) {
  const int64_t stored = (g->columns + W - 1) / W * W;
  const int64_t most =
      g->in_columns - g->column0 < g->columns ? g->in_columns - g->column0 : g->columns;
  const int64_t lo = g->column0 < 0 ? -g->column0 : 0;
  for (int64_t y = 0; y < g->rows; ++y) {
    float* row = g->strip + y * stored * W;
    const int64_t in_y = g->row0 + y;
    const bool inside = in_y >= 0 && in_y < g->in_rows;
    const float* p = g->input + in_y * g->input_row + g->column0 * W;
    int64_t x = 0;
    for (; x < g->columns && (!inside || x < lo); ++x) vstore(row + x * W, (vf){});
    for (; x < most; ++x) vstore(row + x * W, vload(p + x * W));
    for (; x < g->columns; ++x) vstore(row + x * W, (vf){});
  }
}

// The same with phases: runs of phase_columns neighbouring pixels to neighbouring lanes.
template <int RUN>
void winograd_gather_phases(const WinogradGather* g) {
  const int64_t stored = (g->columns + W - 1) / W * W;
  const int64_t most = g->in_columns / RUN - g->column0;  // positions with all their pixels
  const int64_t whole = most < g->columns ? most : g->columns;
  const int64_t lo = g->column0 < 0 ? -g->column0 : 0;
  const int64_t partial = whole < g->columns && whole >= 0 ? g->in_columns % RUN : 0;
  for (int64_t y = 0; y < g->rows; ++y) {
    float* row = g->strip + y * stored * W;
    for (int64_t i = 0; i < stored; ++i) vstore(row + i * W, (vf){});
    for (int64_t lane = 0; lane < g->channels; lane += RUN) {
      const int64_t plane_row = (g->first + lane) / RUN;
      const int64_t in_y = (g->row0 + y) * g->phase_rows + plane_row % g->phase_rows;
      if (in_y < 0 || in_y >= g->in_rows) continue;
      const float* p = g->input + plane_row / g->phase_rows * g->input_channel +
                       in_y * g->input_row + g->column0 * RUN;
      for (int64_t x = lo; x < whole; ++x)
        __builtin_memcpy(row + x * W + lane, p + x * RUN, RUN * sizeof(float));
      for (int64_t i = 0; i < partial; ++i) row[whole * W + lane + i] = p[whole * RUN + i];
    }
  }
}

void winograd_gather(const WinogradGather* g) {
  if (g->phase_columns == 4) return winograd_gather_phases<4>(g);
  if (g->phase_columns == 2) return winograd_gather_phases<2>(g);
  if (g->phase_rows > 1) return winograd_gather_phases<1>(g);
  if (g->input_channel == 0) return winograd_gather_blocked(g);
  const int64_t stored = (g->columns + W - 1) / W * W;
  for (int64_t y = 0; y < g->rows; ++y) {
    float* row = g->strip + y * stored * W;
    const int64_t in_y = g->row0 + y;
    if (in_y < 0 || in_y >= g->in_rows) {
      for (int64_t i = 0; i < stored; ++i) vstore(row + i * W, (vf){});
      continue;
    }
    for (int64_t x = 0; x < stored; x += W) {
      const int64_t in_x = g->column0 + x;
      const float* p = g->input + in_y * g->input_row + in_x;
      const bool inside = in_x >= 0 && in_x + W <= g->in_columns;
      const vmask mask = lane_mask(-in_x, g->in_columns - in_x);
      vf r[W][1];
      NNCONV_UNROLL
      for (int c = 0; c < W; ++c) {
        const float* q = p + c * g->input_channel;
        r[c][0] = c >= g->channels ? (vf){} : inside ? vload(q) : vload_mask(q, mask);
      }
      store_transposed<W, 1, 0, 0>(r, row + x * W, W, Plain{});
    }
  }
}

constexpr float kHalfRoot = 0.70710678118654752f;  // sqrt(1/2)
constexpr float kRoot = 1.41421356237309505f;      // sqrt(2)

// t = B^T d: depends on the points alone.
NNCONV_INLINE void points_transform(const vf (&d)[3], vf (&t)[3]) {
  t[0] = d[0] - d[1];
  t[1] = d[1];
  t[2] = d[2] - d[1];
}

NNCONV_INLINE void points_transform(const vf (&d)[4], vf (&t)[4]) {
  t[0] = d[0] - d[2];
  t[1] = d[1] + d[2];
  t[2] = d[2] - d[1];
  t[3] = d[3] - d[1];
}

NNCONV_INLINE void points_transform(const vf (&d)[5], vf (&t)[5]) {
  const vf odd1 = vfma(vset(-1.5625f), d[1], d[3]);
  const vf even1 = vset(0.5f) * vfma(vset(-1.5625f), d[0], d[2]);
  t[0] = odd1 + even1;
  t[1] = odd1 - even1;
  const vf odd2 = vfma(vset(-0.25f), d[1], d[3]);
  const vf even2 = vset(1.25f) * vfma(vset(-0.25f), d[0], d[2]);
  t[2] = odd2 + even2;
  t[3] = odd2 - even2;
  t[4] = vfma(vset(0.390625f), d[0], vfma(vset(-1.8125f), d[2], d[4]));
}

NNCONV_INLINE void points_transform(const vf (&d)[6], vf (&t)[6]) {
  t[0] = vfma(vset(-2.5f), d[2], d[0] + d[4]);
  const vf even1 = vfma(vset(-2.0f), d[2], d[4]);
  const vf odd1 = vfma(vset(kHalfRoot), d[3], vset(-kRoot) * d[1]);
  t[1] = even1 + odd1;
  t[2] = even1 - odd1;
  const vf even2 = vfma(vset(-0.5f), d[2], d[4]);
  const vf odd2 = vfma(vset(kRoot), d[3], vset(-kHalfRoot) * d[1]);
  t[3] = even2 + odd2;
  t[4] = even2 - odd2;
  t[5] = vfma(vset(-2.5f), d[3], d[1] + d[5]);
}

// y = A^T m for M outputs of N points.
template <int M, int N>
NNCONV_INLINE void outputs_transform(const vf (&m)[N], vf (&y)[M]) {
  if constexpr (N == 3) {
    y[0] = m[0] + m[1];
    y[1] = m[1] + m[2];
  } else if constexpr (N == 4) {
    y[0] = vfma(vset(0.5f), m[1] + m[2], m[0]);
    y[1] = vfma(vset(0.5f), m[1] - m[2], m[3]);
  } else if constexpr (N == 5) {
    constexpr float c1 = -16.0f / 21, c2 = 32.0f / 105;  // 1 / (2 p (p^2 - q^2))
    const vf s1 = m[0] + m[1], d1 = m[0] - m[1], s2 = m[2] + m[3], d2 = m[2] - m[3];
    y[0] = vfma(vset(c1), d1, vset(c2) * d2);
    y[1] = vfma(vset(0.5f * c1), s1, vset(1.25f * c2) * s2);
    y[2] = vfma(vset(0.25f * c1), d1, vset(1.5625f * c2) * d2);
    y[3] = vfma(vset(0.125f * c1), s1, vfma(vset(1.953125f * c2), s2, m[4]));
  } else {
    constexpr float c1 = -2.0f / 3, c2 = 1.0f / 6;  // 1 / (2 p^2 (p^2 - q^2))
    const vf s1 = m[1] + m[2], d1 = m[1] - m[2], s2 = m[3] + m[4], d2 = m[3] - m[4];
    y[0] = m[0] + vfma(vset(c1), s1, vset(c2) * s2);
    if constexpr (M == 2) {
      y[1] = vfma(vset(c1 * kHalfRoot), d1, vfma(vset(c2 * kRoot), d2, m[5]));
    } else if constexpr (M == 3) {
      y[1] = vfma(vset(c1 * kHalfRoot), d1, vset(c2 * kRoot) * d2);
      y[2] = vfma(vset(0.5f * c1), s1, vfma(vset(2.0f * c2), s2, m[5]));
    } else {
      y[1] = vfma(vset(c1 * kHalfRoot), d1, vset(c2 * kRoot) * d2);
      y[2] = vfma(vset(0.5f * c1), s1, vset(2.0f * c2) * s2);
      y[3] = vfma(vset(0.5f * c1 * kHalfRoot), d1, vfma(vset(2.0f * c2 * kRoot), d2, m[5]));
    }
  }
}

constexpr int part_points(const WinogradPart& part) { return part.outputs + part.taps - 1; }

// Part P of a tile along one dimension, and those after it; AT points lie before.
template <int AXIS, int P, int AT, int SPAN, int POINTS>
NNCONV_INLINE void input_transform(const vf (&d)[SPAN], vf (&t)[POINTS]) {
  constexpr WinogradPart part = kWinogradAxis[AXIS].parts[P];
  constexpr int N = part_points(part);
  vf in[N], out[N];
  NNCONV_UNROLL
  for (int i = 0; i < N; ++i) in[i] = d[part.in + i * part.in_step];
  if constexpr (part.taps == 1) {
    NNCONV_UNROLL
    for (int i = 0; i < N; ++i) out[i] = in[i];
  } else {
    points_transform(in, out);
  }
  NNCONV_UNROLL
  for (int i = 0; i < N; ++i) t[AT + i] = out[i];
  if constexpr (P + 1 < kWinogradAxis[AXIS].part_count) input_transform<AXIS, P + 1, AT + N>(d, t);
}

// Adds to y, which begins as zero: parts may share outputs.
template <int AXIS, int P, int AT, int POINTS, int OUTPUTS>
NNCONV_INLINE void output_transform(const vf (&m)[POINTS], vf (&y)[OUTPUTS]) {
  constexpr WinogradPart part = kWinogradAxis[AXIS].parts[P];
  constexpr int N = part_points(part);
  vf in[N], out[part.outputs];
  NNCONV_UNROLL
  for (int i = 0; i < N; ++i) in[i] = m[AT + i];
  if constexpr (part.taps == 1) {
    NNCONV_UNROLL
    for (int i = 0; i < N; ++i) out[i] = in[i];
  } else {
    outputs_transform(in, out);
  }
  NNCONV_UNROLL
  for (int i = 0; i < part.outputs; ++i) {
    vf& to = y[part.out + i * part.out_step];
    to = P == 0 || part.out_step > 1 ? out[i] : to + out[i];
  }
  if constexpr (P + 1 < kWinogradAxis[AXIS].part_count) output_transform<AXIS, P + 1, AT + N>(m, y);
}

// COLUMN: the distance of a tile's columns as a constant; 0: any.
template <int HEIGHT, int WIDTH, int COLUMN>
NNCONV_INLINE void winograd_input_tiles(const WinogradInput* t) {
  constexpr WinogradAxis H = kWinogradAxis[HEIGHT], X = kWinogradAxis[WIDTH];
  const int64_t column = (COLUMN ? COLUMN : t->column) * W, strip_row = t->strip_row;
  const int64_t v_xi = t->v_xi;
  for (int64_t i = 0; i < t->tiles; ++i) {
    const float* p = t->strip + i * t->tile * W;
    vf half[H.points][X.span];
    NNCONV_UNROLL
    for (int x = 0; x < X.span; ++x) {
      vf d[H.span], out[H.points];
      NNCONV_UNROLL
      for (int y = 0; y < H.span; ++y) d[y] = vload(p + y * strip_row + x * column);
      input_transform<HEIGHT, 0, 0>(d, out);
      NNCONV_UNROLL
      for (int y = 0; y < H.points; ++y) half[y][x] = out[y];
    }
    float* v = t->v + i * t->v_tile;
    NNCONV_UNROLL
    for (int y = 0; y < H.points; ++y) {
      vf out[X.points];
      input_transform<WIDTH, 0, 0>(half[y], out);
      NNCONV_UNROLL
      for (int x = 0; x < X.points; ++x) vstore(v + (y * X.points + x) * v_xi, out[x]);
    }
  }
}

template <int HEIGHT, int WIDTH>
void winograd_input(const WinogradInput* t) {
  constexpr WinogradAxis X = kWinogradAxis[WIDTH];
  if constexpr (X.stride == 1) {
    if (t->column != 1) return winograd_input_tiles<HEIGHT, WIDTH, 0>(t);
  }
  winograd_input_tiles<HEIGHT, WIDTH, 1>(t);
}

// Lane j of three vectors to out + j * out_c.
template <int B, typename F>
NNCONV_INLINE void store_blocks3(vf c0, vf c1, vf c2, vf c3, float* out, int64_t out_c,
                                 const F& finish) {
  const f4 rows[4] = {block<B>(c0), block<B>(c1), block<B>(c2), block<B>(c3)};
  NNCONV_UNROLL
  for (int j = 0; j < 4; ++j) {
    float* row = out + (B * 4 + j) * out_c;
    store_finished(row, (f2)__builtin_shufflevector(rows[j], rows[j], 0, 1), finish);
    store_finished(row + 2, (float)rows[j][2], finish);
  }
  if constexpr ((B + 1) * 4 < W) store_blocks3<B + 1>(c0, c1, c2, c3, out, out_c, finish);
}

template <typename F>
NNCONV_INLINE void store_three(vf r0, vf r1, vf r2, float* out, int64_t out_c, const F& finish) {
  vf c[4];
  transpose4(r0, r1, r2, r2, c);
  store_blocks3<0>(c[0], c[1], c[2], c[3], out, out_c, finish);
}

// One row of a tile, for a vector of output channels.
template <int N, typename F>
NNCONV_INLINE void store_row(const WinogradOutput* t, const vf (&y)[N], float* out,
                             const F& finish) {
  if (t->out_channel == 0) {
    NNCONV_UNROLL
    for (int x = 0; x < N; ++x) {
      if (x < t->columns) store_finished(out + x * t->out_column * W, y[x], finish);
    }
    return;
  }
  if (t->channels == W && t->columns == N && t->out_column == 1) {
    if constexpr (N == 4) {
      store_four(y[0], y[1], y[2], y[3], out, t->out_channel, finish);
    } else if constexpr (N == 3) {
      store_three(y[0], y[1], y[2], out, t->out_channel, finish);
    } else {
      store_blocks2<0>(interleave_lo(y[0], y[1]), interleave_hi(y[0], y[1]), out, t->out_channel,
                       finish);
    }
    return;
  }
  float lanes[N][W];
  NNCONV_UNROLL
  for (int x = 0; x < N; ++x) vstore(lanes[x], y[x]);
  for (int64_t c = 0; c < t->channels; ++c)
    for (int64_t x = 0; x < t->columns; ++x)
      store_finished(out + c * t->out_channel + x * t->out_column, lanes[x][c], finish);
}

// Calls row(i, outputs) for each row of a tile; returns whether any value is not finite.
template <int HEIGHT, int WIDTH, typename F>
NNCONV_INLINE bool tile_outputs(const float* tile, int64_t m_xi, vf bias, const F& row) {
  constexpr WinogradAxis H = kWinogradAxis[HEIGHT], X = kWinogradAxis[WIDTH];
  vf half[H.outputs][X.points];
  NNCONV_UNROLL
  for (int x = 0; x < X.points; ++x) {
    vf m[H.points], y[H.outputs];
    NNCONV_UNROLL
    for (int i = 0; i < H.points; ++i) m[i] = vload(tile + (i * X.points + x) * m_xi);
    output_transform<HEIGHT, 0, 0>(m, y);
    NNCONV_UNROLL
    for (int i = 0; i < H.outputs; ++i) half[i][x] = y[i];
  }
  vf zero = {};
  NNCONV_UNROLL
  for (int i = 0; i < H.outputs; ++i) {
    vf y[X.outputs];
    output_transform<WIDTH, 0, 0>(half[i], y);
    NNCONV_UNROLL
    for (int x = 0; x < X.outputs; ++x) {
      y[x] = y[x] + bias;
      zero = vfma(y[x], (vf){}, zero);  // NaN from here on where y is not finite
    }
    row(i, y);
  }
  return vany_nan(zero);
}

// Neighbouring tiles: whole vectors of each channel's row at once.
template <int HEIGHT, int WIDTH, typename F>
NNCONV_INLINE uint32_t winograd_output_row(const WinogradOutput* t, vf bias, const F& finish) {
  constexpr int ROWS = kWinogradAxis[HEIGHT].outputs, N = kWinogradAxis[WIDTH].outputs;
  float pixels[ROWS][winograd_row_tiles(W, N) * N][W];
  uint32_t bad = 0;
  // More lines than a core with tiles as wide as AVX-512's can wait for at once.
  constexpr Ask kAsk = W < 16 ? Ask::kWrite : Ask::kFar;
  for (int64_t i = 0; i < t->rows; ++i)
    prefetch_rows<kAsk>((const char*)(t->out + i * t->out_row), t->out_channel, t->channels,
                        t->columns, 1);
  for (int64_t tile = 0; tile < t->tiles; ++tile) {
    const auto keep = [&](int i, const vf(&y)[N]) __attribute__((always_inline)) {
      NNCONV_UNROLL
      for (int x = 0; x < N; ++x) vstore(pixels[i][tile * N + x], y[x]);
    };
    const float* m = t->m + tile * t->m_tile;
    bad |= (uint32_t)tile_outputs<HEIGHT, WIDTH>(m, t->m_xi, bias, keep) << tile;
  }
  for (int64_t i = 0; i < t->rows; ++i) {
    for (int64_t at = 0; at < t->columns; at += W) {
      vf row[W][1];
      NNCONV_UNROLL
      for (int x = 0; x < W; ++x) row[x][0] = vload(pixels[i][at + x]);
      float* out = t->out + i * t->out_row + at;
      if (t->channels == W && t->columns - at >= W)
        store_transposed<W, 1, 0, 0>(row, out, t->out_channel, finish);
      else
        store_some_transposed<W, 1>(row, out, t->out_channel, t->channels, finish, t->columns - at);
    }
  }
  return bad;
}

template <int HEIGHT, int WIDTH>
uint32_t winograd_output(const WinogradOutput* t) {
  constexpr int N = kWinogradAxis[WIDTH].outputs;
  const vf bias = t->bias ? vload_n(t->bias, t->channels) : (vf){};
  if constexpr (winograd_row_tiles(W, N) > 1) {
    if (t->tiles > 1) {
      return t->finish ? winograd_output_row<HEIGHT, WIDTH>(t, bias, Finishing{*t->finish})
                       : winograd_output_row<HEIGHT, WIDTH>(t, bias, Plain{});
    }
  }
  const auto store = [&](int i, const vf(&y)[N]) __attribute__((always_inline)) {
    if (i >= t->rows) return;
    float* out = t->out + i * t->out_row;
    if (t->finish)
      store_row(t, y, out, Finishing{*t->finish});
    else
      store_row(t, y, out, Plain{});
  };
  return tile_outputs<HEIGHT, WIDTH>(t->m, t->m_xi, bias, store);
}

template <int M, int V>
void winograd_product(const WinogradProduct* t) {
  vf acc[M][V];
  oc_zero<M, V>(acc);
  NNCONV_UNROLL
  for (int m = 0; m < M; ++m) {
    const float* next = t->next_v + m * t->v_tile;
    for (int64_t i = 0; i < t->channels; i += kLine) __builtin_prefetch(next + i);
  }
  const float *v = t->v, *u = t->u;
  // What follows these weights is needed next.
  const int64_t ahead = t->channels * V * W;
  for (const float* end = u + ahead; u != end; u += V * W, ++v) {
    oc_step<M, V>(acc, v, u, t->v_tile);
    NNCONV_UNROLL
    for (int i = 0; i < V * W; i += kLine) __builtin_prefetch(u + ahead + i);
  }
  NNCONV_UNROLL
  for (int m = 0; m < M; ++m) {
    NNCONV_UNROLL
    for (int v = 0; v < V; ++v) {
      float* p = t->m + (m * V + v) * W;
      vstore(p, t->add ? vload(p) + acc[m][v] : acc[m][v]);
    }
  }
}

}  // namespace

#include "kernel/winograd_fused.inl"

namespace {

template <int V, int M>
void fill_product(WinogradTable* table) {
  table->product[V][M] = winograd_product<M, V>;
  if constexpr (M > 1) fill_product<V, M - 1>(table);
}

// FUSED: there are registers for the sums of kFusedTiles tiles, their points and weights.
template <int KIND, bool FUSED>
void fill_kinds(WinogradTable* table) {
  constexpr int HEIGHT = kWinogradPair[KIND][0], WIDTH = kWinogradPair[KIND][1];
  table->kinds[KIND].input = winograd_input<HEIGHT, WIDTH>;
  table->kinds[KIND].output = winograd_output<HEIGHT, WIDTH>;
  constexpr WinogradAxis X = kWinogradAxis[WIDTH];
  if constexpr (FUSED && HEIGHT == WIDTH && X.outputs == 4 && X.points <= kFusedPoints)
    fill_fused<HEIGHT, WIDTH, 0, kFusedTiles>(&table->kinds[KIND]);
  if constexpr (KIND + 1 < kWinogradKinds) fill_kinds<KIND + 1, FUSED>(table);
}

// MOST: tiles whose sums of two vectors fit in registers.
template <int MOST>
WinogradTable make_winograd() {
  WinogradTable t = {};
  t.gather = winograd_gather;
  t.panel = winograd_panel;
  constexpr int M = MOST < kMaxWinogradM ? MOST : kMaxWinogradM;
  t.product_tiles = M;
  fill_product<1, M>(&t);
  fill_product<2, M>(&t);
  fill_kinds<0, MOST >= kFusedTiles * kFusedPoints / 2>(&t);
  return t;
}

}  // namespace
