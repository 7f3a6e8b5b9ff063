#include "algorithm/pad.h"

#include <algorithm>

#include "runtime/parallel.h"

namespace nnconv {
Dims padded_size(const ConvSpec& spec, const Dims& in) {
  Dims size = in;
  for (int d = 0; d < kMaxDims; ++d) size[d] += spec.pad_low[d] + spec.pad_high[d];
  return size;
}

void pad_planes(const ConvSpec& spec, const Dims& in, int64_t planes, const float* input,
                float* padded, int threads) {
  const Dims out = padded_size(spec, in);
  const PaddingMode mode = spec.padding_mode;
  const int64_t left = spec.pad_low[2], width = in[2];
  parallel_for(planes, threads, [&](int64_t plane, int) {
    const float* src = input + plane * in[0] * in[1] * in[2];
    float* dst = padded + plane * out[0] * out[1] * out[2];
    for (int64_t d = 0; d < out[0]; ++d) {
      const int64_t sd = padding_source(mode, d - spec.pad_low[0], in[0]);
      for (int64_t h = 0; h < out[1]; ++h, dst += out[2]) {
        const int64_t sh = padding_source(mode, h - spec.pad_low[1], in[1]);
        if (sd < 0 || sh < 0) {
          std::fill_n(dst, out[2], 0.0f);
          continue;
        }
        const float* row = src + (sd * in[1] + sh) * width;
        const auto copy_one = [&](int64_t w) {
          const int64_t sw = padding_source(mode, w - left, width);
          dst[w] = sw < 0 ? 0.0f : row[sw];
        };
        for (int64_t w = 0; w < left; ++w) copy_one(w);
        std::copy_n(row, width, dst + left);
        for (int64_t w = left + width; w < out[2]; ++w) copy_one(w);
      }
    }
  });
}

}  // namespace nnconv
