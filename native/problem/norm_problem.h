// What is to be normalised: which shapes are legal, and how an input divides into channels and the
// elements of each. No SIMD, no N-API.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nnconv {

// An input (batch, channels, ...) with `plane` elements a channel.
struct ChannelShape {
  int64_t batch = 1;
  int64_t channels = 1;
  int64_t plane = 1;
};

// An input seen as (outer, length, inner).
struct AxisShape {
  int64_t outer = 1;
  int64_t length = 1;
  int64_t inner = 1;
};

// Each throws Error on what PyTorch rejects. `training`: statistics come from the input.
ChannelShape batch_norm_shape(const std::vector<int64_t>& input_shape, bool training, double eps);
ChannelShape instance_norm_shape(const std::vector<int64_t>& input_shape, bool training);
ChannelShape group_norm_shape(const std::vector<int64_t>& input_shape, int64_t groups);
// Rows of `length` elements, `inner` 1.
AxisShape layer_norm_shape(const std::vector<int64_t>& input_shape,
                           const std::vector<int64_t>& normalized_shape);
ChannelShape response_norm_shape(const std::vector<int64_t>& input_shape, int64_t size);
AxisShape softmax_shape(const std::vector<int64_t>& input_shape, int64_t dim);

}  // namespace nnconv
