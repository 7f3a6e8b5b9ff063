#include "problem/conv_problem.h"

#include "problem/error.h"

namespace nnconv {
namespace {

constexpr int64_t kMaxSafeInteger = (int64_t{1} << 53) - 1;
constexpr int64_t kMaxInt32 = (int64_t{1} << 31) - 1;

std::vector<int64_t> spatial(const Dims& dims, int count) {
  return std::vector<int64_t>(dims.end() - count, dims.end());
}

void require(const ConvSpec& spec, const char* name, const Dims& values, int64_t low) {
  for (int64_t v : values) {
    if (v < low || v > kMaxInt32)
      throw value_error(std::string(name) + " must be " + (low == 0 ? "non-negative" : "positive") +
                        " and below 2^31 in every dimension, got " + name + "=" +
                        format_dims(values, spec.dims));
  }
}

void require_count(const char* name, int64_t value, int64_t low) {
  if (value < low || value > kMaxInt32)
    throw value_error(std::string(name) + " must be a " + (low == 0 ? "non-negative" : "positive") +
                      " integer below 2^31, got " + std::to_string(value));
}

void require_output_padding(const ConvSpec& spec, const Dims& output_padding) {
  require(spec, "outputPadding", output_padding, 0);
  for (int d = 0; d < kMaxDims; ++d) {
    if (output_padding[d] >= spec.stride[d] && output_padding[d] >= spec.dilation[d])
      throw value_error(
          "outputPadding must be smaller than either stride or dilation in every dimension, got "
          "outputPadding=" +
          format_dims(output_padding, spec.dims) +
          ", stride=" + format_dims(spec.stride, spec.dims) +
          ", dilation=" + format_dims(spec.dilation, spec.dims));
  }
}

// PyTorch's limits of the padding modes, per side.
void require_paddable(const ConvSpec& spec, const ConvShape& shape) {
  for (int d = 0; d < kMaxDims; ++d) {
    for (int64_t pad : {spec.pad_low[d], spec.pad_high[d]}) {
      const char* limit = padding_limit(spec.padding_mode, pad, shape.in[d]);
      if (!limit) continue;
      throw shape_error(std::string("padding must be ") + limit + " for paddingMode '" +
                        padding_name(spec.padding_mode) + "' in every dimension, got padding " +
                        std::to_string(pad) + " for input size " +
                        format_dims(shape.in, spec.dims));
    }
  }
}

}  // namespace

std::string ConvSpec::name() const {
  return std::string(transposed ? "conv_transpose" : "conv") + std::to_string(dims) + "d";
}

std::string format_list(const std::vector<int64_t>& values) {
  std::string s = "[";
  for (size_t i = 0; i < values.size(); ++i) s += (i ? ", " : "") + std::to_string(values[i]);
  return s + "]";
}

std::string format_dims(const Dims& dims, int count) { return format_list(spatial(dims, count)); }

int64_t checked_product(const std::vector<int64_t>& factors) {
  int64_t product = 1;
  bool zero = false;
  for (int64_t f : factors) {
    if (f == 0) zero = true;
    if (f == 0 || product < 0) continue;
    if (__builtin_mul_overflow(product, f, &product) || product > kMaxSafeInteger) product = -1;
  }
  return zero ? 0 : product;
}

void require_sizes(const std::vector<int64_t>& shape) {
  for (int64_t n : shape) {
    if (n < 0 || n > kMaxSafeInteger)
      throw value_error("input shape must hold integers from 0 to 2^53 - 1, got " +
                        format_list(shape));
  }
  if (checked_product(shape) < 0)
    throw alloc_error("input of shape " + format_list(shape) + " is too large");
}

void require_allocatable(const std::string& owner, const std::vector<int64_t>& shape) {
  const int64_t elements = checked_product(shape);
  if (elements < 0 || elements > kMaxSafeInteger / 4)
    throw alloc_error("output of " + owner + " of shape " + format_list(shape) +
                      " is too large to be allocated");
}

void validate(const ConvSpec& spec) {
  if (spec.dims < 1 || spec.dims > kMaxDims)
    throw value_error("kernelSize must have 1 to 3 dimensions, got " + std::to_string(spec.dims));
  // PyTorch runs a convolution of no input channels; a transposed one needs at least one.
  require_count("inChannels", spec.in_channels, spec.transposed ? 1 : 0);
  require_count("outChannels", spec.out_channels, 1);
  require_count("groups", spec.groups, 1);
  if (spec.in_channels % spec.groups != 0)
    throw value_error("inChannels must be divisible by groups, got inChannels=" +
                      std::to_string(spec.in_channels) + ", groups=" + std::to_string(spec.groups));
  if (spec.out_channels % spec.groups != 0)
    throw value_error("outChannels must be divisible by groups, got outChannels=" +
                      std::to_string(spec.out_channels) +
                      ", groups=" + std::to_string(spec.groups));
  require(spec, "padding", spec.pad_low, 0);
  require(spec, "padding", spec.pad_high, 0);
  require(spec, "kernelSize", spec.kernel, 1);
  require(spec, "stride", spec.stride, 1);
  require(spec, "dilation", spec.dilation, 1);
  if (spec.transposed) {
    require_output_padding(spec, spec.output_padding);
    if (spec.padding_mode != PaddingMode::kConstant)
      throw value_error("paddingMode of a transposed convolution must be 'zeros'");
    if (spec.pad_low != spec.pad_high)
      throw value_error("padding of a transposed convolution must be the same on both sides, got " +
                        format_dims(spec.pad_low, spec.dims) + " and " +
                        format_dims(spec.pad_high, spec.dims));
  } else if (spec.output_padding != Dims{0, 0, 0}) {
    throw value_error("outputPadding is for transposed convolutions only, got outputPadding=" +
                      format_dims(spec.output_padding, spec.dims));
  }
  const int64_t rows = spec.transposed ? spec.in_channels : spec.out_channels;
  const int64_t columns = spec.transposed ? spec.out_per_group() : spec.in_per_group();
  const int64_t weights =
      checked_product({rows, columns, spec.kernel[0], spec.kernel[1], spec.kernel[2]});
  if (weights < 0 || weights > kMaxSafeInteger / 4)
    throw alloc_error("weight of shape [" + std::to_string(rows) + ", " + std::to_string(columns) +
                      ", " + format_dims(spec.kernel, spec.dims).substr(1) +
                      " is too large to be allocated");
}

ConvShape infer_shape(const ConvSpec& spec, const std::vector<int64_t>& input_shape,
                      const Dims* output_padding) {
  const size_t nd = static_cast<size_t>(spec.dims);
  if (input_shape.size() != nd + 1 && input_shape.size() != nd + 2)
    throw shape_error("Expected " + std::to_string(nd + 1) + "D (unbatched) or " +
                      std::to_string(nd + 2) + "D (batched) input to " + spec.name() +
                      ", but got input of size: " + format_list(input_shape));
  require_sizes(input_shape);
  if (output_padding) {
    if (!spec.transposed)
      throw value_error("outputPadding is for transposed convolutions only, got outputPadding=" +
                        format_dims(*output_padding, spec.dims));
    require_output_padding(spec, *output_padding);
  }
  ConvShape shape;
  shape.batched = input_shape.size() == nd + 2;
  shape.batch = shape.batched ? input_shape[0] : 1;
  const int64_t channels = input_shape[shape.batched ? 1 : 0];
  for (size_t d = 0; d < nd; ++d)
    shape.in[kMaxDims - nd + d] = input_shape[input_shape.size() - nd + d];

  if (channels != spec.in_channels) {
    const int64_t rows = spec.transposed ? spec.in_channels : spec.out_channels;
    const int64_t columns = spec.transposed ? spec.out_per_group() : spec.in_per_group();
    std::vector<int64_t> weight_shape = {rows, columns};
    for (int64_t k : spatial(spec.kernel, spec.dims)) weight_shape.push_back(k);
    throw shape_error("Given groups=" + std::to_string(spec.groups) + ", weight of size " +
                      format_list(weight_shape) + ", expected input" + format_list(input_shape) +
                      " to have " + std::to_string(spec.in_channels) + " channels, but got " +
                      std::to_string(channels) + " channels instead");
  }
  for (int d = kMaxDims - spec.dims; d < kMaxDims; ++d) {
    if (shape.in[d] == 0)
      throw shape_error("input to " + spec.name() +
                        " must have non-zero spatial dimensions, but got input of size: " +
                        format_list(input_shape));
  }
  if (spec.padding_mode != PaddingMode::kConstant) require_paddable(spec, shape);

  for (int d = 0; d < kMaxDims; ++d) {
    // Every factor is below 2^31 or 2^53, and checked where a product of two could overflow.
    const int64_t extent = spec.dilation[d] * (spec.kernel[d] - 1) + 1;
    if (spec.transposed) {
      const int64_t op = output_padding ? (*output_padding)[d] : spec.output_padding[d];
      int64_t span = 0;
      if (__builtin_mul_overflow(shape.in[d] - 1, spec.stride[d], &span) || span > kMaxSafeInteger)
        throw alloc_error("output of " + spec.name() + " for an input of size " +
                          format_list(input_shape) + " is too large to be allocated");
      shape.out[d] = span - spec.pad_low[d] - spec.pad_high[d] + extent + op;
    } else {
      const int64_t padded = shape.in[d] + spec.pad_low[d] + spec.pad_high[d];
      if (extent > padded) {
        Dims padded_size = shape.in;
        Dims extents{1, 1, 1};
        for (int e = 0; e < kMaxDims; ++e) {
          padded_size[e] += spec.pad_low[e] + spec.pad_high[e];
          extents[e] = spec.dilation[e] * (spec.kernel[e] - 1) + 1;
        }
        throw shape_error(
            "Calculated padded input size per channel: " + format_dims(padded_size, spec.dims) +
            ". Kernel size: " + format_dims(extents, spec.dims) +
            ". kernelSize can't be greater than actual input size");
      }
      shape.out[d] = (padded - extent) / spec.stride[d] + 1;
    }
  }
  for (int d = 0; d < kMaxDims; ++d) {
    if (shape.out[d] < 1)
      throw shape_error(
          "Given input size per channel: " + format_dims(shape.in, spec.dims) +
          ". Calculated output size per channel: " + format_dims(shape.out, spec.dims) +
          ". Output size is too small (padding crops it away)");
  }
  require_allocatable(spec.name(), output_shape(spec, shape));
  return shape;
}

std::vector<int64_t> output_shape(const ConvSpec& spec, const ConvShape& shape) {
  std::vector<int64_t> result;
  if (shape.batched) result.push_back(shape.batch);
  result.push_back(spec.out_channels);
  for (int64_t n : spatial(shape.out, spec.dims)) result.push_back(n);
  return result;
}

double multiply_accumulates(const ConvSpec& spec, const ConvShape& shape) {
  const int64_t positions = spec.transposed ? shape.in_plane() : shape.out_plane();
  return static_cast<double>(shape.batch) * static_cast<double>(positions) *
         static_cast<double>(spec.weight_size());
}

}  // namespace nnconv
