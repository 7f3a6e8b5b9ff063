// Winograd micro-kernels: gather, input transform, product, output transform. The transforms are
// those of Toom-Cook with the points 0, 1, -1, infinity for F(2, 3) and 0, +-sqrt(1/2), +-sqrt(2),
// infinity for F(4, 3): the textbook's 0, +-1, +-2 amplify rounding errors ten times as much.
// Needs simd.h and oc_tile.inl.

#include "kernel/winograd.h"

namespace {

void winograd_gather(const WinogradGather* g) {
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
      NNCONV_UNROLL
      for (int c = 0; c < W; c += 4) {
        vf r[4];
        NNCONV_UNROLL
        for (int i = 0; i < 4; ++i) {
          const float* q = p + (c + i) * g->input_channel;
          r[i] = c + i >= g->channels ? (vf){} : inside ? vload(q) : vload_mask(q, mask);
        }
        const vf t0 = interleave_lo(r[0], r[1]), t1 = interleave_hi(r[0], r[1]);
        const vf t2 = interleave_lo(r[2], r[3]), t3 = interleave_hi(r[2], r[3]);
        store_blocks4<0>(pairs_lo(t0, t2), pairs_hi(t0, t2), pairs_lo(t1, t3), pairs_hi(t1, t3),
                         row + x * W + c, W, Plain{});
      }
    }
  }
}

constexpr float kHalfRoot = 0.70710678118654752f;  // sqrt(1/2)
constexpr float kRoot = 1.41421356237309505f;      // sqrt(2)

// t = B^T d along one dimension; M outputs, M + 2 inputs (M 1: no taps, d as it is).
template <int M>
NNCONV_INLINE void input_transform(const vf (&d)[6], vf (&t)[6]) {
  if constexpr (M == 1) {
    t[0] = d[0];
  } else if constexpr (M == 2) {
    t[0] = d[2] - d[0];
    t[1] = d[1] + d[2];
    t[2] = d[2] - d[1];
    t[3] = d[3] - d[1];
  } else {
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
}

// y = A^T m along one dimension.
template <int M>
NNCONV_INLINE void output_transform(const vf (&m)[6], vf (&y)[4]) {
  if constexpr (M == 1) {
    y[0] = m[0];
  } else if constexpr (M == 2) {
    y[0] = m[0] + (m[1] + m[2]);
    y[1] = (m[1] - m[2]) + m[3];
  } else {
    const vf s1 = m[1] + m[2], d1 = m[1] - m[2], s2 = m[3] + m[4], d2 = m[3] - m[4];
    y[0] = m[0] + (s1 + s2);
    y[1] = vfma(vset(kHalfRoot), d1, vset(kRoot) * d2);
    y[2] = vfma(vset(0.5f), s1, vset(2.0f) * s2);
    y[3] = vfma(vset(0.5f * kHalfRoot), d1, vfma(vset(2.0f * kRoot), d2, m[5]));
  }
}

template <int M>
constexpr int points() {
  return M == 1 ? 1 : M + 2;
}

template <int MH, int MW>
void winograd_input(const WinogradInput* t) {
  constexpr int PH = points<MH>(), PW = points<MW>();
  for (int64_t i = 0; i < t->tiles; ++i) {
    const float* p = t->strip + i * MW * W;
    vf half[PH][PW];
    NNCONV_UNROLL
    for (int x = 0; x < PW; ++x) {
      vf d[6], out[6];
      NNCONV_UNROLL
      for (int y = 0; y < PH; ++y) d[y] = vload(p + y * t->strip_row + x * W);
      input_transform<MH>(d, out);
      NNCONV_UNROLL
      for (int y = 0; y < PH; ++y) half[y][x] = out[y];
    }
    float* v = t->v + i * t->v_tile;
    NNCONV_UNROLL
    for (int y = 0; y < PH; ++y) {
      vf d[6], out[6];
      NNCONV_UNROLL
      for (int x = 0; x < PW; ++x) d[x] = half[y][x];
      input_transform<MW>(d, out);
      NNCONV_UNROLL
      for (int x = 0; x < PW; ++x) vstore(v + (y * PW + x) * t->v_xi, out[x]);
    }
  }
}

// One row of a tile, for a vector of output channels.
template <int MW, typename F>
NNCONV_INLINE void store_row(const WinogradOutput* t, const vf (&y)[4], float* out,
                             const F& finish) {
  if (t->channels == W && t->columns == MW) {
    if constexpr (MW == 4) {
      const vf t0 = interleave_lo(y[0], y[1]), t1 = interleave_hi(y[0], y[1]);
      const vf t2 = interleave_lo(y[2], y[3]), t3 = interleave_hi(y[2], y[3]);
      store_blocks4<0>(pairs_lo(t0, t2), pairs_hi(t0, t2), pairs_lo(t1, t3), pairs_hi(t1, t3), out,
                       t->out_channel, finish);
    } else {
      store_blocks2<0>(interleave_lo(y[0], y[1]), interleave_hi(y[0], y[1]), out, t->out_channel,
                       finish);
    }
    return;
  }
  float lanes[MW][W];
  NNCONV_UNROLL
  for (int x = 0; x < MW; ++x) vstore(lanes[x], y[x]);
  for (int64_t c = 0; c < t->channels; ++c)
    for (int64_t x = 0; x < t->columns; ++x)
      store_finished(out + c * t->out_channel + x, lanes[x][c], finish);
}

template <int MH, int MW>
bool winograd_output(const WinogradOutput* t) {
  constexpr int PH = points<MH>(), PW = points<MW>();
  vf half[MH][PW];
  NNCONV_UNROLL
  for (int x = 0; x < PW; ++x) {
    vf m[6], y[4];
    NNCONV_UNROLL
    for (int i = 0; i < PH; ++i) m[i] = vload(t->m + (i * PW + x) * t->m_xi);
    output_transform<MH>(m, y);
    NNCONV_UNROLL
    for (int i = 0; i < MH; ++i) half[i][x] = y[i];
  }
  const vf bias = t->bias ? vload_n(t->bias, t->channels) : (vf){};
  vf zero = {};
  NNCONV_UNROLL
  for (int i = 0; i < MH; ++i) {
    vf m[6], y[4];
    NNCONV_UNROLL
    for (int x = 0; x < PW; ++x) m[x] = half[i][x];
    output_transform<MW>(m, y);
    NNCONV_UNROLL
    for (int x = 0; x < MW; ++x) {
      y[x] = y[x] + bias;
      zero = vfma(y[x], (vf){}, zero);  // NaN from here on where y is not finite
    }
    if (i >= t->rows) continue;
    float* out = t->out + i * t->out_row;
    if (t->finish)
      store_row<MW>(t, y, out, Finishing{*t->finish});
    else
      store_row<MW>(t, y, out, Plain{});
  }
  float lanes[W];
  vstore(lanes, zero);
  float sum = 0.0f;
  for (int j = 0; j < W; ++j) sum += lanes[j];
  return sum != sum;
}

template <int M, int V>
void winograd_product(const WinogradProduct* t) {
  bool add = t->add;
  for (int64_t c = 0; c < t->channels; c += t->chunk) {
    const int64_t k = t->channels - c < t->chunk ? t->channels - c : t->chunk;
    vf acc[M][V];
    oc_zero<M, V>(acc);
    const float* v = t->v + c;
    const float* u = t->u + c * V * W;
    for (int64_t i = 0; i < k; ++i) oc_step<M, V>(acc, v + i, u + i * V * W, t->v_tile);
    NNCONV_UNROLL
    for (int m = 0; m < M; ++m) {
      NNCONV_UNROLL
      for (int v = 0; v < V; ++v) {
        float* p = t->m + (m * V + v) * W;
        vstore(p, add ? vload(p) + acc[m][v] : acc[m][v]);
      }
    }
    add = true;
  }
}

template <int V, int M>
void fill_product(WinogradTable* table) {
  table->product[V][M] = winograd_product<M, V>;
  if constexpr (M > 1) fill_product<V, M - 1>(table);
}

template <int V1, int V2>
WinogradTable make_winograd() {
  WinogradTable t = {};
  t.gather = winograd_gather;
  fill_product<1, V1>(&t);
  fill_product<2, V2>(&t);
  t.product_tiles = V2 < V1 ? V2 : V1;
  t.kinds[0] = {2, 2, winograd_input<2, 2>, winograd_output<2, 2>};
  t.kinds[1] = {4, 4, winograd_input<4, 4>, winograd_output<4, 4>};
  t.kinds[2] = {1, 4, winograd_input<1, 4>, winograd_output<1, 4>};
  return t;
}

}  // namespace
