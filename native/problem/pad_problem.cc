#include "problem/pad_problem.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "problem/conv_problem.h"
#include "problem/error.h"

namespace nnconv {
namespace {

std::string quoted(PaddingMode mode) { return std::string("'") + padding_name(mode) + "'"; }

// PyTorch knows the modes that copy for 1 to 3 dimensions of an input that is batched or not.
void require_rank(const PadSpec& spec, const std::vector<int64_t>& shape) {
  const size_t rank = shape.size(), dims = spec.dims();
  const bool constant = spec.mode == PaddingMode::kConstant;
  if (constant ? rank >= dims : rank == dims + 1 || rank == dims + 2) return;
  const std::string wanted =
      constant ? "at least " + std::to_string(dims) + " dimensions"
               : std::to_string(dims + 1) + " or " + std::to_string(dims + 2) + " dimensions";
  throw shape_error("padding of " + std::to_string(spec.padding.size()) + " values in mode " +
                    quoted(spec.mode) + " expects an input of " + wanted +
                    ", but got input of size: " + format_list(shape));
}

// Where an element has to come from some other, no size but the batch's may be 0.
void require_elements(const PadSpec& spec, const std::vector<int64_t>& shape) {
  if (spec.mode != PaddingMode::kReflect && spec.mode != PaddingMode::kReplicate) return;
  const size_t batch = shape.size() == spec.dims() + 2 ? 1 : 0;
  if (std::find(shape.begin() + batch, shape.end(), 0) == shape.end()) return;
  throw shape_error(
      "input to padding in mode " + quoted(spec.mode) +
      " must have no empty dimension but the batch, but got input of size: " + format_list(shape));
}

PadAxis axis_of(const PadSpec& spec, int64_t in, int64_t low, int64_t high,
                const std::vector<int64_t>& shape) {
  const auto reject = [&](const std::string& rule) {
    throw shape_error("padding " + rule + ", got padding " + format_list(spec.padding) +
                      " in mode " + quoted(spec.mode) +
                      " for input of size: " + format_list(shape));
  };
  PadAxis axis;
  axis.in = axis.size = in;
  axis.low = low;
  axis.out = in + low + high;
  const bool copies = spec.mode == PaddingMode::kReflect || spec.mode == PaddingMode::kReplicate;
  if (copies) {
    // What is cropped on one side may still be copied from on the other.
    if (axis.out < 1) reject("must leave an element in every dimension");
  } else {
    axis.size = in + std::min<int64_t>(low, 0) + std::min<int64_t>(high, 0);
    if (axis.size < 0) reject("must not crop more than there is");
    axis.low = std::max<int64_t>(low, 0);
    axis.offset = axis.low - low;
  }
  for (int64_t pad : {low, high}) {
    const char* limit = padding_limit(spec.mode, pad, axis.size);
    if (limit) reject(std::string("must be ") + limit + " in every dimension");
  }
  return axis;
}

}  // namespace

void validate(const PadSpec& spec) {
  if (spec.padding.size() % 2 != 0)
    throw value_error("padding must have an even number of values, got " +
                      format_list(spec.padding));
  if (spec.mode == PaddingMode::kConstant) {
    const bool pads =
        std::any_of(spec.padding.begin(), spec.padding.end(), [](int64_t pad) { return pad > 0; });
    if (pads && std::isfinite(spec.value) &&
        std::fabs(spec.value) > std::numeric_limits<float>::max())
      throw value_error("value must be a float32 number, got " + std::to_string(spec.value));
    return;
  }
  if (spec.dims() < 1 || spec.dims() > kMaxDims)
    throw value_error("padding must have 2, 4 or 6 values in mode " + quoted(spec.mode) + ", got " +
                      format_list(spec.padding));
  if (spec.value != 0.0)
    throw value_error("value is for mode 'constant' only, got one in mode " + quoted(spec.mode));
}

PadShape infer_shape(const PadSpec& spec, const std::vector<int64_t>& input_shape) {
  require_rank(spec, input_shape);
  require_sizes(input_shape);
  require_elements(spec, input_shape);
  PadShape shape;
  shape.in = shape.out = input_shape;
  const size_t dims = spec.dims(), first = input_shape.size() - dims;
  for (size_t d = first; d < input_shape.size(); ++d) {
    const size_t at = 2 * (input_shape.size() - 1 - d);
    shape.axes.push_back(
        axis_of(spec, input_shape[d], spec.padding[at], spec.padding[at + 1], input_shape));
    shape.out[d] = shape.axes.back().out;
  }
  require_allocatable("padding", shape.out);
  shape.planes = checked_product({input_shape.begin(), input_shape.begin() + first});
  return shape;
}

}  // namespace nnconv
