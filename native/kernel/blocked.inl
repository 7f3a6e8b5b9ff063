// Micro-kernels over blocks of channels. Needs simd.h and oc_tile.inl.

#include "kernel/blocked.h"

namespace {

template <int M, int V>
NNCONV_INLINE void blocked_sum(const nnconv::BlockedTile* t, vf (&acc)[M][V]) {
  constexpr int kSteps = 4;  // unrolled
  vf total[M][V];
  oc_zero<M, V>(acc);
  const float *input = t->input, *weight = t->weight, *next = t->next;
  const int64_t next_floats = t->next_floats;
  bool first = true;
  for (int64_t left = t->blocks;;) {
    const int64_t n = left < kSumSteps / W ? left : kSumSteps / W;
    for (int64_t i = n; i > 0; --i) {
      const float* p = input;
      input += t->input_block;
      // The next tile's, which begin a new line of every block.
      constexpr int kNext = M * W;
      NNCONV_UNROLL
      for (int j = 0; j < kNext; j += kLine) __builtin_prefetch(p + kNext + j);
      for (const float* end = next + next_floats; next < end; next += kLine)
        __builtin_prefetch(next, 0, 2);
      for (int j = 0; j < W; j += kSteps) {
        NNCONV_UNROLL
        for (int k = 0; k < kSteps; ++k) {
          oc_step<M, V>(acc, p + k, weight + k * V * W, W);
          NNCONV_UNROLL
          for (int l = 0; l < V * W; l += kLine)
            __builtin_prefetch(weight + (kAhead + k) * V * W + l);
        }
        p += kSteps;
        weight += kSteps * V * W;
      }
    }
    left -= n;
    if (left == 0) break;
    flush_sum<M, V>(acc, total, first);
    first = false;
  }
  if (!first) finish_sum<M, V>(acc, total);
}

template <int M, int V, typename F>
NNCONV_INLINE void blocked_store(const nnconv::BlockedTile* t, const vf (&acc)[M][V],
                                 const F& finish) {
  NNCONV_UNROLL
  for (int v = 0; v < V; ++v) {
    const vf bias = t->bias ? vload(t->bias + v * W) : (vf){};
    float* out = t->out + v * t->out_block;
    NNCONV_UNROLL
    for (int m = 0; m < M; ++m) store_finished(out + m * W, acc[m][v] + bias, finish);
  }
}

template <int M, int V>
void blocked_tile(const nnconv::BlockedTile* t) {
  prefetch_outputs(t->finish, t->out, t->out_block, V, M * W);
  vf acc[M][V];
  blocked_sum<M, V>(t, acc);
  if (t->finish)
    blocked_store<M, V>(t, acc, Finishing{*t->finish});
  else
    blocked_store<M, V>(t, acc, Plain{});
}

// The taps of one dimension that lie inside for an output.
struct TapRange {
  int64_t first, end;
};

NNCONV_INLINE TapRange taps_inside(const nnconv::BlockedDepthwise* t, int d, int64_t output) {
  const int64_t at = output * t->stride[d] - t->pad[d];
  TapRange r = {0, t->kernel[d]};
  while (r.first < r.end && at + r.first * t->dilation[d] < 0) ++r.first;
  while (r.end > r.first && at + (r.end - 1) * t->dilation[d] >= t->in[d]) --r.end;
  return r;
}

// The taps of one column of the kernel.
template <int M>
NNCONV_INLINE void blocked_column(vf (&acc)[M], const float* p, const float* w, int64_t count,
                                  int64_t step, int64_t next_row, int64_t next_tap) {
  for (; count > 0; --count, p += next_row, w += next_tap) {
    const vf tap = vload(w);
    NNCONV_UNROLL
    for (int m = 0; m < M; ++m) acc[m] = vfma(vload(p + m * step), tap, acc[m]);
  }
}

// M pixels of a row from x on; all meet the same taps, which are summed column by column as
// depthwise.inl does. K: the kernel's width without dilation where
// every column is inside, 0: any. S: the stride along the row, 0: any.
template <int M, int K, int S>
NNCONV_INLINE void blocked_pixels(const nnconv::BlockedDepthwise* t, int64_t row, int64_t x,
                                  TapRange rows, TapRange columns) {
  const int64_t step = (S ? S : t->stride[1]) * W;
  const int64_t column0 = x * t->stride[1] - t->pad[1] + (K ? 0 : columns.first * t->dilation[1]);
  const int64_t row0 = row * t->stride[0] - t->pad[0];
  const vf bias = t->bias ? vload(t->bias) : (vf){};
  vf acc[M];
  NNCONV_UNROLL
  for (int m = 0; m < M; ++m) acc[m] = bias;
  const int64_t next_row = t->dilation[0] * t->in[1] * W;
  const float* const top =
      t->input + ((row0 + rows.first * t->dilation[0]) * t->in[1] + column0) * W;
  const float* const weight = t->weight + rows.first * t->kernel[1] * W;
  const int64_t next_tap = t->kernel[1] * W, count = rows.end - rows.first;
  if constexpr (K > 0) {
    NNCONV_UNROLL
    for (int j = 0; j < K; ++j)
      blocked_column<M>(acc, top + j * W, weight + j * W, count, step, next_row, next_tap);
  } else {
    for (int64_t j = columns.first; j < columns.end; ++j)
      blocked_column<M>(acc, top + (j - columns.first) * t->dilation[1] * W, weight + j * W, count,
                        step, next_row, next_tap);
  }
  float* out = t->out + (row * t->out_columns + x) * W;
  if (t->finish) {
    const Finishing finish{*t->finish};
    NNCONV_UNROLL
    for (int m = 0; m < M; ++m) store_finished(out + m * W, acc[m], finish);
  } else {
    NNCONV_UNROLL
    for (int m = 0; m < M; ++m) vstore(out + m * W, acc[m]);
  }
}

// `count` of them, at most M.
template <int M, int K, int S>
NNCONV_INLINE void blocked_tile_of(const nnconv::BlockedDepthwise* t, int64_t row, int64_t x,
                                   int64_t count, TapRange rows, TapRange columns) {
  if constexpr (M > 1) {
    if (count < M) return blocked_tile_of<M - 1, K, S>(t, row, x, count, rows, columns);
  }
  blocked_pixels<M, K, S>(t, row, x, rows, columns);
}

template <int K, int S>
NNCONV_INLINE void blocked_rows(const nnconv::BlockedDepthwise* t) {
  constexpr int M = 8;
  const TapRange all = {0, t->kernel[1]};
  // Outputs [lo, hi) meet every column of the kernel.
  int64_t lo = (t->pad[1] + t->stride[1] - 1) / t->stride[1];
  const int64_t last = t->in[1] - 1 + t->pad[1] - (t->kernel[1] - 1) * t->dilation[1];
  int64_t hi = last < 0 ? 0 : last / t->stride[1] + 1;
  if (hi > t->out_columns) hi = t->out_columns;
  if (hi < lo) lo = hi = lo < t->out_columns ? lo : t->out_columns;
  for (int64_t row = t->row_begin; row < t->row_end; ++row) {
    const TapRange rows = taps_inside(t, 0, row);
    int64_t x = 0;
    for (; x < lo; ++x) blocked_pixels<1, 0, 0>(t, row, x, rows, taps_inside(t, 1, x));
    while (x < hi) {
      // No short tile at the end, whose taps would wait for each other.
      const int64_t left = hi - x;
      const int64_t count = left >= 2 * M ? M : left > M ? (left + 1) / 2 : left;
      blocked_tile_of<M, K, S>(t, row, x, count, rows, all);
      x += count;
    }
    for (; x < t->out_columns; ++x) blocked_pixels<1, 0, 0>(t, row, x, rows, taps_inside(t, 1, x));
  }
}

void blocked_depthwise(const nnconv::BlockedDepthwise* t) {
  if (t->kernel[1] == 3 && t->dilation[1] == 1) {
    if (t->stride[1] == 1) return blocked_rows<3, 1>(t);
    if (t->stride[1] == 2) return blocked_rows<3, 2>(t);
  }
  blocked_rows<0, 0>(t);
}

void blocked_gather(const nnconv::BlockedReorder* t) {
  // The last pixels with some before them again, where there are enough.
  const int64_t last = t->pixels - W;
  for (int64_t x = 0; last >= 0; x = x + W < last ? x + W : last) {
    NNCONV_UNROLL
    for (int c = 0; c < W; c += 4) {
      vf r[4];
      NNCONV_UNROLL
      for (int i = 0; i < 4; ++i) r[i] = vload(t->from + (c + i) * t->plane + x);
      store_four(r[0], r[1], r[2], r[3], t->to + x * W + c, W, Plain{});
    }
    if (x == last) return;
  }
  for (int64_t x = 0; x < t->pixels; ++x) {
    for (int c = 0; c < W; ++c) t->to[x * W + c] = t->from[c * t->plane + x];
  }
}

void blocked_scatter(const nnconv::BlockedReorder* t) {
  int64_t x = 0;
  for (; x + 4 <= t->pixels; x += 4) {
    vf pixels[4][1];
    NNCONV_UNROLL
    for (int i = 0; i < 4; ++i) pixels[i][0] = vload(t->from + (x + i) * W);
    store_transposed<4, 1, 0, 0>(pixels, t->to + x, t->plane, Plain{});
  }
  for (; x < t->pixels; ++x) {
    for (int c = 0; c < W; ++c) t->to[c * t->plane + x] = t->from[x * W + c];
  }
}

void blocked_pick(const nnconv::BlockedPick* t) {
  const float* from = t->from;
  for (int64_t x = 0; x < t->pixels; ++x, from += t->step) vstore(t->to + x * W, vload(from));
}

void blocked_max_pool(const nnconv::BlockedPool* t) {
  const int64_t next_row = t->row_step * t->in_columns * W, next_column = t->column_step * W;
  float* out = t->out + t->row_begin * t->out_columns * W;
  for (int64_t row = t->row_begin; row < t->row_end; ++row) {
    const float* top = t->input + t->first_row[row] * t->in_columns * W;
    const int64_t rows = t->row_count[row];
    for (int64_t x = 0; x < t->out_columns; ++x, out += W) {
      const float* column = top + t->first_column[x] * W;
      vf acc = vset(-__builtin_inff());
      for (int64_t j = t->column_count[x]; j > 0; --j, column += next_column) {
        const float* p = column;
        for (int64_t i = rows; i > 0; --i, p += next_row) acc = vmax(acc, vload(p));
      }
      vstore(out, acc);
    }
  }
}

template <int V, int M>
void fill_blocked(nnconv::BlockedTable* table) {
  if constexpr (M > 0) {
    table->tile[V][M] = blocked_tile<M, V>;
    fill_blocked<V, M - 1>(table);
  }
}

template <int M1, int M2, int M3>
nnconv::BlockedTable make_blocked() {
  nnconv::BlockedTable t = {};
  t.m[1] = M1;
  t.m[2] = M2;
  t.m[3] = M3;
  fill_blocked<1, M1>(&t);
  fill_blocked<2, M2>(&t);
  fill_blocked<3, M3>(&t);
  t.depthwise = blocked_depthwise;
  t.max_pool = blocked_max_pool;
  t.pick = blocked_pick;
  t.gather = blocked_gather;
  t.scatter = blocked_scatter;
  return t;
}

}  // namespace
