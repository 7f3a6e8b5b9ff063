#include "problem/pool_problem.h"

#include <algorithm>

#include "problem/error.h"

namespace nnconv {
namespace {

constexpr int64_t kMaxInt32 = (int64_t{1} << 31) - 1;

void require(const PoolSpec& spec, const char* name, const Dims& values, int64_t low) {
  for (int64_t v : values) {
    if (v < low || v > kMaxInt32)
      throw value_error(std::string(name) + " must be " + (low == 0 ? "non-negative" : "positive") +
                        " and below 2^31 in every dimension, got " + name + "=" +
                        format_dims(values, spec.dims));
  }
}

// Which of the sizes of an input may not be 0: PyTorch's rules, operator by operator.
void require_elements(const PoolSpec& spec, const PoolShape& shape,
                      const std::vector<int64_t>& input_shape) {
  bool channels = true;
  if (spec.adaptive) channels = shape.batched && (!spec.average || spec.dims == 3);
  if (shape.in_plane() != 0 && (shape.channels != 0 || !channels)) return;
  throw shape_error("input to " + spec.name() + " must have no empty dimension but the batch" +
                    (channels ? "" : " and channels") +
                    ", but got input of size: " + format_list(input_shape));
}

int64_t fixed_size(const PoolSpec& spec, int64_t in, int d) {
  const int64_t stride = spec.stride[d];
  int64_t span = in + 2 * spec.padding[d] - spec.dilation[d] * (spec.kernel[d] - 1) - 1;
  if (spec.ceil_mode) span += stride - 1;
  if (span < 0) return 0;
  const int64_t out = span / stride + 1;
  // The last window may not start in the padding at the end.
  return spec.ceil_mode && (out - 1) * stride >= in + spec.padding[d] ? out - 1 : out;
}

}  // namespace

std::string PoolSpec::name() const {
  return std::string(adaptive ? "adaptive_" : "") + (average ? "avg" : "max") + "_pool" +
         std::to_string(dims) + "d";
}

void validate(const PoolSpec& spec) {
  if (spec.adaptive) {
    for (int64_t n : spec.output_size) {
      if (n != kKeepSize && (n < 0 || n > kMaxInt32))
        throw value_error(
            "outputSize must be non-negative and below 2^31 in every dimension, got " +
            std::to_string(n));
    }
    return;
  }
  require(spec, "kernelSize", spec.kernel, 1);
  require(spec, "stride", spec.stride, 1);
  require(spec, "padding", spec.padding, 0);
  require(spec, "dilation", spec.dilation, 1);
  for (int d = 0; d < kMaxDims; ++d) {
    if (spec.padding[d] > spec.kernel[d] / 2)
      throw value_error(
          "padding must be at most half of kernelSize in every dimension, got padding=" +
          format_dims(spec.padding, spec.dims) +
          ", kernelSize=" + format_dims(spec.kernel, spec.dims));
  }
  if (spec.has_divisor && spec.divisor == 0)
    throw value_error("divisorOverride must not be zero, got 0");
}

PoolShape infer_shape(const PoolSpec& spec, const std::vector<int64_t>& input_shape) {
  const size_t nd = static_cast<size_t>(spec.dims);
  if (input_shape.size() != nd + 1 && input_shape.size() != nd + 2)
    throw shape_error("Expected " + std::to_string(nd + 1) + "D (unbatched) or " +
                      std::to_string(nd + 2) + "D (batched) input to " + spec.name() +
                      ", but got input of size: " + format_list(input_shape));
  require_sizes(input_shape);
  PoolShape shape;
  shape.batched = input_shape.size() == nd + 2;
  shape.batch = shape.batched ? input_shape[0] : 1;
  shape.channels = input_shape[shape.batched ? 1 : 0];
  std::copy(input_shape.end() - nd, input_shape.end(), shape.in.end() - nd);
  require_elements(spec, shape, input_shape);
  for (int d = 0; d < kMaxDims; ++d) {
    // PyTorch asks this of three dimensions only.
    if (!spec.adaptive && spec.average && spec.dims == 3 && shape.in[d] < spec.kernel[d])
      throw shape_error("input to " + spec.name() + " must not be smaller than kernelSize " +
                        format_dims(spec.kernel, spec.dims) +
                        ", but got input of size: " + format_list(input_shape));
  }

  for (int d = kMaxDims - spec.dims; d < kMaxDims; ++d) {
    if (!spec.adaptive)
      shape.out[d] = fixed_size(spec, shape.in[d], d);
    else
      shape.out[d] = spec.output_size[d] == kKeepSize ? shape.in[d] : spec.output_size[d];
    if (!spec.adaptive && shape.out[d] < 1) {
      Dims extent{1, 1, 1};
      for (int e = 0; e < kMaxDims; ++e) extent[e] = spec.dilation[e] * (spec.kernel[e] - 1) + 1;
      throw shape_error("Given input size per channel: " + format_dims(shape.in, spec.dims) +
                        ", padding: " + format_dims(spec.padding, spec.dims) +
                        ", window of size: " + format_dims(extent, spec.dims) +
                        ". Output size of " + spec.name() + " is too small");
    }
  }
  require_allocatable(spec.name(), output_shape(spec, shape));
  return shape;
}

std::vector<int64_t> output_shape(const PoolSpec& spec, const PoolShape& shape) {
  std::vector<int64_t> result;
  if (shape.batched) result.push_back(shape.batch);
  result.push_back(shape.channels);
  result.insert(result.end(), shape.out.end() - spec.dims, shape.out.end());
  return result;
}

PoolWindow pool_window(const PoolSpec& spec, const PoolShape& shape, int dim, int64_t output) {
  const int64_t in = shape.in[dim];
  if (spec.adaptive) {
    // floor(i * in / out) and ceil((i + 1) * in / out), where the products could overflow.
    const int64_t out = shape.out[dim], whole = in / out, rest = in % out;
    const int64_t first = output * whole + output * rest / out;
    const int64_t end = (output + 1) * whole + ((output + 1) * rest + out - 1) / out;
    return {first, end - first, end - first};
  }
  const int64_t step = spec.dilation[dim];
  const int64_t start = output * spec.stride[dim] - spec.padding[dim];
  // What hangs over the padding, in ceil mode, is no part of the window.
  const int64_t end = std::min(start + step * (spec.kernel[dim] - 1) + 1, in + spec.padding[dim]);
  const int64_t skipped = start < 0 ? (-start + step - 1) / step : 0;
  const int64_t first = start + skipped * step;
  const int64_t last = std::min(end, in);
  const int64_t count = first < last ? (last - first + step - 1) / step : 0;
  return {first, count, spec.count_include_pad ? end - start : count};
}

}  // namespace nnconv
