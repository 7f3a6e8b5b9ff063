// Depthwise micro-kernel: one output row of one channel, a vector of pixels at a time. Vectors that
// touch a border read the input masked; nothing is copied or padded. Needs simd.h.

namespace {

// The input pixels that meet outputs q .. q + W - 1 under a tap: row[start], row[start + stride],
// ... ; those outside [0, width) are zero.
NNCONV_INLINE vf load_row_masked(const float* row, int64_t start, int64_t stride, int64_t width) {
  if (stride == 1) return vload_mask(row + start, lane_mask(-start, width - start));
  if (stride == 2) {
    const vf a = vload_mask(row + start, lane_mask(-start, width - start));
    const vf b = vload_mask(row + start + W, lane_mask(-start - W, width - start - W));
    return veven(a, b);
  }
  union {
    float f[W];
    vf v;
  } lanes;
  for (int j = 0; j < W; ++j) {
    const int64_t i = start + j * stride;
    lanes.f[j] = i >= 0 && i < width ? row[i] : 0.0f;
  }
  return lanes.v;
}

template <int S>
NNCONV_INLINE vf load_row(const float* p, int64_t stride) {
  if constexpr (S == 1) return vload(p);
  if constexpr (S == 2) return veven(vload(p), vload(p + W));
  union {
    float f[W];
    vf v;
  } lanes;
  for (int j = 0; j < W; ++j) lanes.f[j] = p[j * stride];
  return lanes.v;
}

// TAPS 0: any kernel width.
template <int TAPS, int S>
NNCONV_INLINE void depthwise_row(const DepthwiseTile* t) {
  const int64_t taps = TAPS ? TAPS : t->taps;
  const int64_t stride = S ? S : t->stride;
  const vf bias = vset(t->bias);
  // Outputs [first, last) read whole vectors inside the row under every tap. A stride-2 load reads
  // one float past its last pixel.
  const int64_t reach = (taps - 1) * t->dilation - t->pad;  // of the last tap
  const int64_t first = (t->pad + stride - 1) / stride;
  int64_t last = (t->in_width - reach - (S == 2 ? 2 : 1)) / stride + 1;
  if (t->in_width - reach - (S == 2 ? 2 : 1) < 0) last = 0;
  for (int64_t q = 0; q < t->out_width; q += W) {
    vf acc = bias;
    if (q >= first && q + W <= last) {
      for (int64_t r = 0; r < t->row_count; ++r) {
        const float* p = t->rows[r].input + q * stride - t->pad;
        const float* w = t->rows[r].weight;
        NNCONV_UNROLL
        for (int64_t k = 0; k < taps; ++k)
          acc = vfma(load_row<S>(p + k * t->dilation, stride), vbroadcast(w + k), acc);
      }
    } else {
      for (int64_t r = 0; r < t->row_count; ++r) {
        const float* w = t->rows[r].weight;
        for (int64_t k = 0; k < taps; ++k) {
          const int64_t start = q * stride - t->pad + k * t->dilation;
          acc = vfma(load_row_masked(t->rows[r].input, start, stride, t->in_width),
                     vbroadcast(w + k), acc);
        }
      }
    }
    vstore_n(t->out + q, acc, t->out_width - q);
  }
}

void depthwise(const DepthwiseTile* t) {
  if (t->stride == 1) {
    if (t->taps == 3) return depthwise_row<3, 1>(t);
    if (t->taps == 5) return depthwise_row<5, 1>(t);
    return depthwise_row<0, 1>(t);
  }
  if (t->stride == 2) {
    if (t->taps == 3) return depthwise_row<3, 2>(t);
    if (t->taps == 5) return depthwise_row<5, 2>(t);
    return depthwise_row<0, 2>(t);
  }
  depthwise_row<0, 0>(t);
}

}  // namespace
