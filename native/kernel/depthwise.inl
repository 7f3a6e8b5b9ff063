// Depthwise micro-kernel: one output plane of one channel, by blocks of R rows and a vector of
// pixels. A loaded input row serves every output row of the block that it meets. Vectors that touch
// the left or right border read masked, rows above and below are left out: nothing is copied or
// padded. Needs simd.h.
//
// Every output sums depth taps, then columns of the kernel, then rows, in that order.

namespace {

// W input pixels p[0], p[S], p[2S], ...; S 0: any stride. Where MASKED, pixel offsets outside
// [lo, hi) are zero and not read. For S 2 in veven's order.
template <int S, bool MASKED>
NNCONV_INLINE vf load_pixels(const float* p, int64_t stride, int64_t lo, int64_t hi) {
  if constexpr (S == 1) return MASKED ? vload_mask(p, lane_mask(lo, hi)) : vload(p);
  if constexpr (S == 2) {
    return MASKED ? veven(vload_mask(p, lane_mask(lo, hi)),
                          vload_mask(p + W, lane_mask(lo - W, hi - W)))
                  : veven(vload(p), vload(p + W));
  }
  union {
    float f[W];
    vf v;
  } lanes;
  for (int j = 0; j < W; ++j) {
    const int64_t i = j * stride;
    lanes.f[j] = i >= lo && i < hi ? p[i] : 0.0f;
  }
  return lanes.v;
}

// R output rows from row h on, at output column q: W pixels. Kernel rows [k0, k1) are inside the
// input for all of them. K: kernel size in both dimensions, without dilation, or 0 for any (and
// then R is 1). S: stride along the row (in both dimensions where K is given), or 0 for any.
template <int R, int K, int S, bool MASKED>
NNCONV_INLINE void depthwise_block(const DepthwiseTile* t, int64_t h, int64_t q, int64_t k0,
                                   int64_t k1) {
  const int64_t width = t->in[1];
  const int64_t columns = K ? K : t->kernel[1];
  const int64_t stride = S ? S : t->stride[1];
  vf acc[R];
  NNCONV_UNROLL
  for (int r = 0; r < R; ++r) acc[r] = vset(t->bias);
  for (int64_t n = 0; n < t->plane_count; ++n) {
    const int64_t top = h * (K ? S : t->stride[0]) - t->pad[0];
    for (int64_t j = 0; j < columns; ++j) {
      const int64_t x = q * stride - t->pad[1] + j * (K ? 1 : t->dilation[1]);
      const float* p = t->planes[n].input + top * width + x;
      const float* w = t->planes[n].weight + j;
      if constexpr (R > 1) {
        vf taps[K];
        NNCONV_UNROLL
        for (int k = 0; k < K; ++k) taps[k] = vbroadcast(w + k * K);
        NNCONV_UNROLL
        for (int y = 0; y < (R - 1) * S + K; ++y) {
          const vf v = load_pixels<S, MASKED>(p + y * width, S, -x, width - x);
          NNCONV_UNROLL
          for (int r = 0; r < R; ++r) {
            if (y - r * S >= 0 && y - r * S < K) acc[r] = vfma(v, taps[y - r * S], acc[r]);
          }
        }
      } else {
        const int64_t step = K ? 1 : t->dilation[0];
        for (int64_t k = k0; k < k1; ++k)
          acc[0] = vfma(load_pixels<S, MASKED>(p + k * step * width, stride, -x, width - x),
                        vbroadcast(w + k * columns), acc[0]);
      }
    }
  }
  const int64_t pixels = t->out_size[1] - q;
  NNCONV_UNROLL
  for (int r = 0; r < R; ++r)
    vstore_n(t->out + (h + r) * t->out_size[1] + q, S == 2 ? veven_sort(acc[r]) : acc[r], pixels);
}

template <int R, int K, int S>
NNCONV_INLINE void depthwise_rows(const DepthwiseTile* t, int64_t h, int64_t k0, int64_t k1) {
  const int64_t stride = S ? S : t->stride[1];
  const int64_t reach = (K ? K - 1 : (t->kernel[1] - 1) * t->dilation[1]) - t->pad[1];
  for (int64_t q = 0; q < t->out_size[1]; q += W) {
    // A vector of stride 2 reads one pixel past its last.
    const int64_t first = q * stride - t->pad[1];
    const int64_t last = (q + W - 1) * stride + reach + (S == 2 ? 1 : 0);
    if (first >= 0 && last < t->in[1])
      depthwise_block<R, K, S, false>(t, h, q, k0, k1);
    else
      depthwise_block<R, K, S, true>(t, h, q, k0, k1);
  }
}

template <int K, int S>
NNCONV_INLINE void depthwise_plane(const DepthwiseTile* t) {
  const int64_t kernel = t->kernel[0], step = t->dilation[0], stride = t->stride[0];
  for (int64_t h = 0; h < t->out_size[0];) {
    const int64_t top = h * stride - t->pad[0];
    int64_t k0 = 0, k1 = kernel;
    while (k0 < kernel && top + k0 * step < 0) ++k0;
    while (k1 > k0 && top + (k1 - 1) * step >= t->in[0]) --k1;
    if constexpr (K > 0) {
      const int64_t below = (t->in[0] - top - K) / S;  // further rows that are inside
      if (k0 == 0 && k1 == K && below >= 3 && h + 4 <= t->out_size[0]) {
        depthwise_rows<4, K, S>(t, h, 0, K);
        h += 4;
        continue;
      }
      if (k0 == 0 && k1 == K && below >= 1 && h + 2 <= t->out_size[0]) {
        depthwise_rows<2, K, S>(t, h, 0, K);
        h += 2;
        continue;
      }
    }
    depthwise_rows<1, K, S>(t, h, k0, k1);
    ++h;
  }
}

void depthwise(const DepthwiseTile* t) {
  const int64_t k = t->kernel[0], s = t->stride[0];
  const bool square =
      k == t->kernel[1] && s == t->stride[1] && t->dilation[0] == 1 && t->dilation[1] == 1;
  if (square && s == 1) {
    if (k == 3) return depthwise_plane<3, 1>(t);
    if (k == 5) return depthwise_plane<5, 1>(t);
    if (k == 7) return depthwise_plane<7, 1>(t);
  }
  if (square && s == 2) {
    if (k == 3) return depthwise_plane<3, 2>(t);
    if (k == 5) return depthwise_plane<5, 2>(t);
    if (k == 7) return depthwise_plane<7, 2>(t);
  }
  if (t->stride[1] == 1) return depthwise_plane<0, 1>(t);
  depthwise_plane<0, 0>(t);
}

}  // namespace
