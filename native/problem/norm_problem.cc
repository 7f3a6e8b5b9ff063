#include "problem/norm_problem.h"

#include <algorithm>

#include "problem/conv_problem.h"
#include "problem/error.h"

namespace nnconv {
namespace {

int64_t product(std::vector<int64_t>::const_iterator begin,
                std::vector<int64_t>::const_iterator end) {
  return checked_product(std::vector<int64_t>(begin, end));
}

ChannelShape channel_shape(const char* owner, const std::vector<int64_t>& input_shape,
                           size_t least) {
  require_sizes(input_shape);
  if (input_shape.size() < least)
    throw shape_error(std::string(owner) + " expects an input of at least " +
                      std::to_string(least) +
                      " dimensions, but got input of size: " + format_list(input_shape));
  return {input_shape[0], input_shape[1], product(input_shape.begin() + 2, input_shape.end())};
}

}  // namespace

ChannelShape batch_norm_shape(const std::vector<int64_t>& input_shape, bool training, double eps) {
  const ChannelShape shape = channel_shape("batchNorm", input_shape, 2);
  if (eps < 0.0 || (training && eps == 0.0))
    throw value_error(std::string("eps of batchNorm must be ") +
                      (training ? "positive while training" : "non-negative") + ", got " +
                      std::to_string(eps));
  if (!training) return shape;
  if (checked_product({shape.batch, shape.plane}) == 1)
    throw shape_error("Expected more than 1 value per channel when training, got input of size: " +
                      format_list(input_shape));
  return shape;
}

ChannelShape instance_norm_shape(const std::vector<int64_t>& input_shape, bool training) {
  const ChannelShape shape = channel_shape("instanceNorm", input_shape, training ? 3 : 2);
  if (training && shape.plane == 1)
    throw shape_error("Expected more than 1 spatial element when training, got input of size: " +
                      format_list(input_shape));
  return shape;
}

ChannelShape group_norm_shape(const std::vector<int64_t>& input_shape, int64_t groups) {
  if (groups < 1)
    throw value_error("numGroups must be a positive integer, got " + std::to_string(groups));
  const ChannelShape shape = channel_shape("groupNorm", input_shape, 2);
  if (shape.channels % groups != 0)
    throw shape_error(
        "Expected number of channels in input to be divisible by numGroups, but got input of "
        "size: " +
        format_list(input_shape) + " and numGroups=" + std::to_string(groups));
  if (shape.plane == 0)
    throw shape_error("groupNorm expects channels that hold elements, but got input of size: " +
                      format_list(input_shape));
  if (checked_product({shape.batch, shape.channels / groups, shape.plane}) == 1)
    throw shape_error("Expected more than 1 value per channel when training, got input of size: " +
                      format_list(input_shape));
  return shape;
}

AxisShape layer_norm_shape(const std::vector<int64_t>& input_shape,
                           const std::vector<int64_t>& normalized_shape) {
  require_sizes(input_shape);
  const size_t n = normalized_shape.size();
  if (n == 0) throw shape_error("normalizedShape must have at least one dimension, got []");
  if (n > input_shape.size() ||
      !std::equal(normalized_shape.begin(), normalized_shape.end(), input_shape.end() - n))
    throw shape_error("Given normalizedShape=" + format_list(normalized_shape) +
                      ", expected input with shape [*, " + format_list(normalized_shape).substr(1) +
                      ", but got input of size: " + format_list(input_shape));
  return {product(input_shape.begin(), input_shape.end() - n),
          product(input_shape.end() - n, input_shape.end()), 1};
}

ChannelShape response_norm_shape(const std::vector<int64_t>& input_shape, int64_t size) {
  if (size < 1 || size >= int64_t{1} << 31)
    throw value_error("size must be a positive integer below 2^31, got " + std::to_string(size));
  return channel_shape("localResponseNorm", input_shape, 3);
}

AxisShape softmax_shape(const std::vector<int64_t>& input_shape, int64_t dim) {
  require_sizes(input_shape);
  // A scalar has the dimension of a vector of one.
  const int64_t dims = std::max<int64_t>(1, static_cast<int64_t>(input_shape.size()));
  if (dim < -dims || dim >= dims)
    throw value_error(
        "dim must be from " + std::to_string(-dims) + " to " + std::to_string(dims - 1) +
        " for an input of size: " + format_list(input_shape) + ", got " + std::to_string(dim));
  if (input_shape.empty()) return {};
  const auto axis = input_shape.begin() + (dim < 0 ? dim + dims : dim);
  return {product(input_shape.begin(), axis), *axis, product(axis + 1, input_shape.end())};
}

}  // namespace nnconv
