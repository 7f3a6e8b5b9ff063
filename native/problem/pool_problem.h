// What is to be pooled: windows, fixed or adaptive, over 1 to 3 spatial dimensions. The only place
// that knows which arguments are legal, how large the output is, and what each window covers. No
// SIMD, no N-API.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "problem/conv_problem.h"

namespace nnconv {

// As an adaptive output size: that of the input.
constexpr int64_t kKeepSize = -1;

// Fewer than three dimensions use the last ones; those in front have size 1 and window 1.
struct PoolSpec {
  int dims = 2;
  bool average = false;
  bool adaptive = false;
  // Fixed windows.
  Dims kernel{1, 1, 1};
  Dims stride{1, 1, 1};
  Dims padding{0, 0, 0};
  Dims dilation{1, 1, 1};  // max only
  bool ceil_mode = false;
  // Average only: what the sum of a window is divided by.
  bool count_include_pad = true;
  bool has_divisor = false;
  int64_t divisor = 1;
  // Adaptive: windows of about equal size, as many as this.
  Dims output_size{kKeepSize, kKeepSize, kKeepSize};

  // "max_pool2d", "adaptive_avg_pool1d": PyTorch's name of the operator.
  std::string name() const;
};

// Sizes of one call.
struct PoolShape {
  bool batched = true;
  int64_t batch = 1;
  int64_t channels = 1;
  Dims in{1, 1, 1};
  Dims out{1, 1, 1};

  int64_t planes() const { return batch * channels; }
  int64_t in_plane() const { return in[0] * in[1] * in[2]; }
  int64_t out_plane() const { return out[0] * out[1] * out[2]; }
};

// Throws Error on what PyTorch rejects whatever the input: by its constructor or later.
void validate(const PoolSpec& spec);

// Checks an input shape and computes the output's. Throws Error.
PoolShape infer_shape(const PoolSpec& spec, const std::vector<int64_t>& input_shape);

std::vector<int64_t> output_shape(const PoolSpec& spec, const PoolShape& shape);

// One dimension of an output's window: its taps that lie inside the input are `count`, from `first`
// on, dilation apart. An average divides by the product of `divisor` over the dimensions (or by
// the spec's divisor).
struct PoolWindow {
  int64_t first;
  int64_t count;
  int64_t divisor;
};
PoolWindow pool_window(const PoolSpec& spec, const PoolShape& shape, int dim, int64_t output);

}  // namespace nnconv
