// What is to be computed: an N-d convolution or transposed convolution. The only place that knows
// which arguments are legal and how large the output is. No SIMD, no N-API.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "problem/padding.h"

namespace nnconv {

constexpr int kMaxDims = 3;
// Depth, height, width. A convolution of fewer dimensions uses the last ones and leaves kernel 1,
// stride 1, size 1 in front.
using Dims = std::array<int64_t, kMaxDims>;

struct ConvSpec {
  int dims = 2;
  bool transposed = false;
  int64_t in_channels = 1;
  int64_t out_channels = 1;
  int64_t groups = 1;
  Dims kernel{1, 1, 1};
  Dims stride{1, 1, 1};
  Dims dilation{1, 1, 1};
  Dims pad_low{0, 0, 0};
  Dims pad_high{0, 0, 0};
  Dims output_padding{0, 0, 0};
  PaddingMode padding_mode = PaddingMode::kConstant;

  int64_t in_per_group() const { return in_channels / groups; }
  int64_t out_per_group() const { return out_channels / groups; }
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t weight_size() const {
    return (transposed ? in_channels * out_per_group() : out_channels * in_per_group()) * taps();
  }
  // "conv2d", "conv_transpose3d": PyTorch's name of the operator.
  std::string name() const;
};

// Sizes of one call.
struct ConvShape {
  bool batched = true;
  int64_t batch = 1;
  Dims in{1, 1, 1};
  Dims out{1, 1, 1};

  int64_t in_plane() const { return in[0] * in[1] * in[2]; }
  int64_t out_plane() const { return out[0] * out[1] * out[2]; }
};

// Throws Error on what PyTorch rejects whatever the input: by its constructor or later.
void validate(const ConvSpec& spec);

// Checks an input shape and computes the output's. `output_padding` replaces the spec's where it is
// not null. Throws Error.
ConvShape infer_shape(const ConvSpec& spec, const std::vector<int64_t>& input_shape,
                      const Dims* output_padding);

std::vector<int64_t> output_shape(const ConvSpec& spec, const ConvShape& shape);

// Multiply-accumulates of a call, padded taps included.
double multiply_accumulates(const ConvSpec& spec, const ConvShape& shape);

// "[1, 2, 3]"
std::string format_list(const std::vector<int64_t>& values);
std::string format_dims(const Dims& dims, int count);

// Throws Error where `shape` holds something other than a size, or names too many elements.
void require_sizes(const std::vector<int64_t>& shape);
// Throws Error where a result of this shape can't be allocated.
void require_allocatable(const std::string& owner, const std::vector<int64_t>& shape);

// Product of non-negative factors, or -1 where it exceeds 2^53 - 1 (what a JS length can name).
int64_t checked_product(const std::vector<int64_t>& factors);

}  // namespace nnconv
