// Depthwise micro-kernel: one output plane of one channel, by blocks of R rows and a vector of
// pixels. A loaded input row serves every output row of the block that it meets. Vectors that touch
// the left or right border read masked, rows above and below are left out: nothing is copied or
// padded. Needs simd.h and finish.inl.
//
// Every output sums depth taps, then columns of the kernel, then rows, in that order.

namespace {

// Which of the W input pixels x, x + S, x + 2S, ... that a tap meets lie in a row of `width`.
struct RowMask {
  vmask first, second;  // of the W pixels from x on, and of the W after them (S 2)
};

template <int S>
NNCONV_INLINE RowMask row_mask(int64_t x, int64_t width) {
  RowMask mask = {lane_mask(-x, width - x), lane_mask(0, 0)};
  if (S == 2) mask.second = lane_mask(-x - W, width - x - W);
  return mask;
}

// Those pixels, p being at x; the ones outside are zero and not read. In veven's order for S 2.
template <int S, bool MASKED>
NNCONV_INLINE vf load_pixels(const float* p, const RowMask& mask) {
  if constexpr (S == 1) return MASKED ? vload_mask(p, mask.first) : vload(p);
  return MASKED ? veven(vload_mask(p, mask.first), vload_mask(p + W, mask.second))
                : veven(vload(p), vload(p + W));
}

// Any stride, one by one.
NNCONV_INLINE vf gather_pixels(const float* row, int64_t x, int64_t stride, int64_t width) {
  union {
    float f[W];
    vf v;
  } lanes;
  for (int j = 0; j < W; ++j) {
    const int64_t i = x + j * stride;
    lanes.f[j] = i >= 0 && i < width ? row[i] : 0.0f;
  }
  return lanes.v;
}

NNCONV_INLINE void depthwise_store(const DepthwiseTile* t, float* out, vf y, int64_t pixels) {
  vstore_n(out, t->finish ? Finishing{*t->finish}.part(y, out, pixels) : y, pixels);
}

// R output rows from row h on, at output columns q .. q + W - 1, K x K taps without dilation,
// stride S in both dimensions. MASKED: some pixels are outside the row. CHECKED: some input rows
// are outside or output rows beyond the last, and are left out. `ahead`: floats from an
// output to the one that is written a column of vectors later, or two.
template <int R, int K, int S, bool MASKED, bool CHECKED>
NNCONV_INLINE void depthwise_block(const DepthwiseTile* t, int64_t h, int64_t q, int64_t ahead,
                                   const RowMask (&mask)[K]) {
  const int64_t width = t->in[1];
  const int64_t top = h * S - t->pad[0];
  // The lines that the next column of vectors writes: a CPU doesn't see a sequence by itself here.
  float* const out = t->out + h * t->out_size[1] + q;
  NNCONV_UNROLL
  for (int r = 0; r < R; ++r) ask<Ask::kWrite>(out + r * t->out_size[1] + ahead);
  vf acc[R];
  NNCONV_UNROLL
  for (int r = 0; r < R; ++r) acc[r] = vset(t->bias);
  for (int64_t n = 0; n < t->plane_count; ++n) {
    const float* p = t->planes[n].input + top * width + q * S - t->pad[1];
    const float* w = t->planes[n].weight;
    NNCONV_UNROLL
    for (int j = 0; j < K; ++j) {
      vf taps[K];
      NNCONV_UNROLL
      for (int k = 0; k < K; ++k) taps[k] = vbroadcast(w + k * K + j);
      NNCONV_UNROLL
      for (int y = 0; y < (R - 1) * S + K; ++y) {
        if (CHECKED && (top + y < 0 || top + y >= t->in[0])) continue;
        const vf v = load_pixels<S, MASKED>(p + y * width + j, mask[j]);
        NNCONV_UNROLL
        for (int r = 0; r < R; ++r) {
          if (y - r * S >= 0 && y - r * S < K) acc[r] = vfma(v, taps[y - r * S], acc[r]);
        }
      }
    }
  }
  const int64_t pixels = t->out_size[1] - q;
  NNCONV_UNROLL
  for (int r = 0; r < R; ++r) {
    if (CHECKED && h + r >= t->out_size[0]) continue;
    depthwise_store(t, out + r * t->out_size[1], S == 2 ? veven_sort(acc[r]) : acc[r], pixels);
  }
}

template <int K, int S>
NNCONV_INLINE void depthwise_square(const DepthwiseTile* t) {
  constexpr int R = 4;
  // Columns of vectors pass over a strip of rows that stays in the L1 cache; their masks serve the
  // whole strip.
  constexpr int64_t kStripFloats = 4096;
  const int64_t rows = t->out_size[0], fit = kStripFloats / (t->in[1] * S) / R * R;
  const int64_t strip = fit < R ? R : fit;
  const int64_t columns = (t->out_size[1] + W - 1) / W * W;
  const int64_t next = columns > 2 * kLine ? 2 * kLine : kLine;
  for (int64_t top = 0; top < rows; top += strip) {
    const int64_t bottom = top + strip < rows ? top + strip : rows;
    for (int64_t q = 0; q < t->out_size[1]; q += W) {
      const int64_t x = q * S - t->pad[1];
      RowMask mask[K];
      NNCONV_UNROLL
      for (int j = 0; j < K; ++j) mask[j] = row_mask<S>(x + j, t->in[1]);
      // In the same row, or where the next strip begins, or the next plane.
      const int64_t ahead =
          columns - q > next ? next : (bottom - top) * t->out_size[1] + next - columns;
      // A vector of stride 2 reads one pixel past its last.
      const bool inside = x >= 0 && x + (W - 1) * S + K - 1 + (S - 1) < t->in[1];
      for (int64_t h = top; h < bottom; h += R) {
        const int64_t y = h * S - t->pad[0];
        const bool checked = y < 0 || y + (R - 1) * S + K > t->in[0] || h + R > rows;
        if (inside && !checked)
          depthwise_block<R, K, S, false, false>(t, h, q, ahead, mask);
        else if (!checked)
          depthwise_block<R, K, S, true, false>(t, h, q, ahead, mask);
        else
          depthwise_block<R, K, S, true, true>(t, h, q, ahead, mask);
      }
    }
  }
}

// V vectors of row h from column q on; returns how many columns that are. STRIDE 0: any, pixels are
// gathered one by one. MASKED: some pixels are outside the row.
template <int V, int STRIDE, bool MASKED>
NNCONV_INLINE int64_t depthwise_row(const DepthwiseTile* t, int64_t h, int64_t q) {
  const int64_t width = t->in[1], stride = t->stride[1];
  vf acc[V];
  NNCONV_UNROLL
  for (int v = 0; v < V; ++v) acc[v] = vset(t->bias);
  for (int64_t n = 0; n < t->plane_count; ++n) {
    for (int64_t j = 0; j < t->kernel[1]; ++j) {
      const int64_t x = q * stride - t->pad[1] + j * t->dilation[1];
      RowMask mask[V];
      NNCONV_UNROLL
      for (int v = 0; MASKED && v < V; ++v) mask[v] = row_mask<STRIDE>(x + v * W * STRIDE, width);
      const float* weight = t->planes[n].weight + j;
      for (int64_t k = 0; k < t->kernel[0]; ++k, weight += t->kernel[1]) {
        const int64_t y = h * t->stride[0] - t->pad[0] + k * t->dilation[0];
        if (y < 0 || y >= t->in[0]) continue;
        const float* row = t->planes[n].input + y * width;
        const vf w = vbroadcast(weight);
        NNCONV_UNROLL
        for (int v = 0; v < V; ++v) {
          const vf pixels = STRIDE == 0
                                ? gather_pixels(row, x + v * W * stride, stride, width)
                                : load_pixels<STRIDE, MASKED>(row + x + v * W * STRIDE, mask[v]);
          acc[v] = vfma(pixels, w, acc[v]);
        }
      }
    }
  }
  NNCONV_UNROLL
  for (int v = 0; v < V; ++v) {
    const int64_t pixels = t->out_size[1] - q - v * W;
    if (pixels > 0)
      depthwise_store(t, t->out + h * t->out_size[1] + q + v * W,
                      STRIDE == 2 ? veven_sort(acc[v]) : acc[v], pixels);
  }
  return V * W;
}

// Any kernel and dilation: a row at a time, enough vectors of it to hide the latency of the FMA
// units.
template <int STRIDE>
NNCONV_INLINE void depthwise_any(const DepthwiseTile* t) {
  const int64_t count = t->out_size[1], stride = t->stride[1];
  const int64_t reach = (t->kernel[1] - 1) * t->dilation[1] - t->pad[1];
  // Outputs before `end` read no pixel behind the row; stride 2 reads one past the last.
  const int64_t end = (t->in[1] - 1 - reach - (stride - 1)) / stride + 1;
  for (int64_t h = 0; h < t->out_size[0]; ++h) {
    for (int64_t q = 0; q < count;) {
      const int64_t inside = q * stride < t->pad[1] ? 0 : (end - q) / W;  // vectors
      const int64_t left = (count - q + W - 1) / W;
      if (STRIDE == 0)
        q += depthwise_row<1, STRIDE, true>(t, h, q);
      else if (inside >= 8)
        q += depthwise_row<8, STRIDE, false>(t, h, q);
      else if (inside >= 4)
        q += depthwise_row<4, STRIDE, false>(t, h, q);
      else if (left >= 3)
        q += depthwise_row<4, STRIDE, true>(t, h, q);
      else if (left == 2)
        q += depthwise_row<2, STRIDE, true>(t, h, q);
      else
        q += depthwise_row<1, STRIDE, true>(t, h, q);
    }
  }
}

void depthwise(const DepthwiseTile* t) {
  const int64_t k = t->kernel[0], s = t->stride[0];
  const bool square =
      k == t->kernel[1] && s == t->stride[1] && t->dilation[0] == 1 && t->dilation[1] == 1;
  if (square && s == 1) {
    if (k == 3) return depthwise_square<3, 1>(t);
    if (k == 5) return depthwise_square<5, 1>(t);
    if (k == 7) return depthwise_square<7, 1>(t);
  }
  if (square && s == 2) {
    if (k == 3) return depthwise_square<3, 2>(t);
    if (k == 5) return depthwise_square<5, 2>(t);
    if (k == 7) return depthwise_square<7, 2>(t);
  }
  if (t->stride[1] == 1) return depthwise_any<1>(t);
  if (t->stride[1] == 2) return depthwise_any<2>(t);
  depthwise_any<0>(t);
}

}  // namespace
