#include "problem/resample_problem.h"

#include <algorithm>
#include <cmath>

#include "problem/error.h"

namespace nnconv {
namespace {

constexpr double kMaxSafe = 9007199254740991.0;  // 2^53 - 1

struct Named {
  const char* name;
  ResampleMode mode;
  int dims;
};
constexpr Named kModes[] = {
    {"nearest", ResampleMode::kNearest, 0}, {"nearest-exact", ResampleMode::kNearestExact, 0},
    {"area", ResampleMode::kArea, 0},       {"linear", ResampleMode::kLinear, 1},
    {"bilinear", ResampleMode::kLinear, 2}, {"trilinear", ResampleMode::kLinear, 3},
    {"bicubic", ResampleMode::kCubic, 2},
};

bool weighs(ResampleMode mode) {
  return mode == ResampleMode::kLinear || mode == ResampleMode::kCubic;
}

// The step in the input, in PyTorch's words the scale, in float as PyTorch computes and in double.
// `factor` is the one to go by, 0 where there is none.
template <typename T>
T step_of(bool align_corners, int64_t in, int64_t out, double factor) {
  if (align_corners) return out > 1 ? static_cast<T>(in - 1) / static_cast<T>(out - 1) : T(0);
  if (factor > 0.0) return static_cast<T>(1.0 / factor);
  return static_cast<T>(in) / static_cast<T>(out);
}

// Position in the input: pixels are areas, unless the corners' centres are aligned. PyTorch's
// kernels are compiled to fuse the multiplication and the subtraction.
template <typename T>
T position_of(bool align_corners, T step, int64_t i) {
  if (align_corners) return step * static_cast<T>(i);
  return std::fma(step, static_cast<T>(i) + T(0.5), T(-0.5));
}

int64_t bounded_floor(float position, int64_t in) {
  return std::min(static_cast<int64_t>(std::floor(position)), in - 1);
}

// PyTorch's choice, which it makes in float: where a position should be a whole number, rounding
// decides.
int64_t nearest_index(const ResampleSpec& spec, const ResampleShape& shape, int64_t in, int64_t out,
                      double factor, int64_t i) {
  const float step = step_of<float>(false, in, out, factor);
  if (spec.mode == ResampleMode::kNearestExact)
    return bounded_floor(std::max(position_of(false, step, i), 0.0f) + 0.5f, in);
  // In two dimensions alone these sizes count, whatever the factor.
  if (shape.dims == 2 && out == in) return i;
  if (shape.dims == 2 && out == 2 * in) return i / 2;
  return bounded_floor(step * static_cast<float>(i), in);
}

// A position as an element and a distance from it, 0 to 1.
struct Place {
  int64_t index;
  double distance;
};

// How far the choice of an element in float may be off for us to follow it.
constexpr double kSlack = 1e-6;

Place place_of(const ResampleSpec& spec, int64_t in, int64_t out, double factor, int64_t i) {
  const bool align = spec.align_corners;
  float rough = position_of(align, step_of<float>(align, in, out, factor), i);
  double exact = position_of(align, step_of<double>(align, in, out, factor), i);
  if (spec.mode == ResampleMode::kLinear) {
    rough = std::max(rough, 0.0f);
    exact = std::max(exact, 0.0);
  }
  // The distance in double is what float32 inputs deserve. The element decides only which neighbour
  // counts nothing: as PyTorch has it, for NaN and infinities in there.
  int64_t index = bounded_floor(rough, in);
  double distance = exact - static_cast<double>(index);
  if (distance < -kSlack || (distance > 1.0 + kSlack && index < in - 1)) {
    index = std::min(static_cast<int64_t>(std::floor(exact)), in - 1);
    distance = exact - static_cast<double>(index);
  }
  return {index, std::clamp(distance, 0.0, 1.0)};
}

constexpr double kCubic = -0.75;

// The weight of an element at `x` from the position: below 1, and from 1 to 2.
double near_weight(double x) { return ((kCubic + 2) * x - (kCubic + 3)) * x * x + 1; }
double far_weight(double x) {
  return ((kCubic * x - 5 * kCubic) * x + 8 * kCubic) * x - 4 * kCubic;
}

double factor_of(const ResampleSpec& spec, const ResampleShape& shape, int dim) {
  if (spec.scale_factor.empty() || spec.recompute_scale_factor) return 0.0;
  return spec.scale_factor[dim - (kMaxDims - shape.dims)];
}

}  // namespace

ResampleSpec resample_spec(const std::string& name) {
  for (const Named& named : kModes) {
    if (name != named.name) continue;
    ResampleSpec spec;
    spec.name = name;
    spec.mode = named.mode;
    spec.dims = named.dims;
    return spec;
  }
  throw value_error(
      "mode must be 'nearest', 'nearest-exact', 'area', 'linear', 'bilinear', 'trilinear' or "
      "'bicubic', got '" +
      name + "'");
}

void validate(const ResampleSpec& spec) {
  if (spec.size.empty() == spec.scale_factor.empty())
    throw value_error("exactly one of size and scaleFactor must be given, got " +
                      std::string(spec.size.empty() ? "neither" : "both"));
  if (spec.recompute_scale_factor && spec.scale_factor.empty())
    throw value_error("recomputeScaleFactor must not be true where size is given");
  if (spec.has_align_corners && !weighs(spec.mode))
    throw value_error(
        "alignCorners is for the modes 'linear', 'bilinear', 'trilinear' and "
        "'bicubic' only, got mode '" +
        spec.name + "'");
}

ResampleShape infer_shape(const ResampleSpec& spec, const std::vector<int64_t>& input_shape) {
  const int dims = static_cast<int>(input_shape.size()) - 2;
  if (spec.dims == 0 ? dims < 1 || dims > kMaxDims : dims != spec.dims)
    throw shape_error("mode '" + spec.name + "' expects an input of " +
                      (spec.dims == 0 ? "3 to 5" : std::to_string(spec.dims + 2)) +
                      " dimensions, but got input of size: " + format_list(input_shape));
  require_sizes(input_shape);
  const bool sized = spec.scale_factor.empty();
  const size_t given = sized ? spec.size.size() : spec.scale_factor.size();
  if (given != static_cast<size_t>(dims))
    throw shape_error(std::string(sized ? "size" : "scaleFactor") + " must have " +
                      std::to_string(dims) + " values, as many as there are spatial dimensions, " +
                      "got " + std::to_string(given) +
                      " for input of size: " + format_list(input_shape));
  const bool area = spec.mode == ResampleMode::kArea;  // pooling has its own rules
  if (!area && std::find(input_shape.begin() + 1, input_shape.end(), 0) != input_shape.end())
    throw shape_error(
        "input to resampling must have no empty dimension but the batch, but got "
        "input of size: " +
        format_list(input_shape));
  ResampleShape shape;
  shape.dims = dims;
  shape.output = {input_shape[0], input_shape[1]};
  for (int i = 0; i < dims; ++i) {
    const int64_t in = input_shape[i + 2];
    int64_t out = 0;
    if (sized) {
      out = spec.size[i];
    } else {
      const double scaled = static_cast<double>(in) * spec.scale_factor[i];
      if (!(std::fabs(scaled) <= kMaxSafe))
        throw value_error("scaleFactor must give a size below 2^53, got " +
                          std::to_string(spec.scale_factor[i]));
      out = static_cast<int64_t>(scaled);
    }
    if (out < (area ? 0 : 1))
      throw shape_error(std::string("output sizes must be ") +
                        (area ? "non-negative" : "greater than 0") + ", got " +
                        std::to_string(out) + " by " + (sized ? "size" : "scaleFactor") +
                        " for input of size: " + format_list(input_shape));
    shape.in[kMaxDims - dims + i] = in;
    shape.out[kMaxDims - dims + i] = out;
    shape.output.push_back(out);
  }
  require_allocatable("resampling", shape.output);
  shape.planes = checked_product({input_shape[0], input_shape[1]});
  return shape;
}

ResampleAxis resample_axis(const ResampleSpec& spec, const ResampleShape& shape, int dim) {
  ResampleAxis axis;
  axis.in = shape.in[dim];
  axis.out = shape.out[dim];
  if (dim < kMaxDims - shape.dims) {
    axis.index = {0};
    return axis;
  }
  const double factor = factor_of(spec, shape, dim);
  const auto add = [&](int64_t index, double weight) {
    axis.index.push_back(std::clamp<int64_t>(index, 0, axis.in - 1));
    axis.weight.push_back(static_cast<float>(weight));
  };
  axis.taps = !weighs(spec.mode) ? 1 : spec.mode == ResampleMode::kLinear ? 2 : 4;
  axis.index.reserve(static_cast<size_t>(axis.out) * axis.taps);
  if (axis.taps > 1) axis.weight.reserve(static_cast<size_t>(axis.out) * axis.taps);
  for (int64_t i = 0; i < axis.out; ++i) {
    if (axis.taps == 1) {
      axis.index.push_back(nearest_index(spec, shape, axis.in, axis.out, factor, i));
    } else if (axis.taps == 2 && axis.in == axis.out) {
      // A copy, whatever the factor.
      add(i, 1.0);
      add(i, 0.0);
    } else if (axis.taps == 2) {
      const Place place = place_of(spec, axis.in, axis.out, factor, i);
      add(place.index, 1.0 - place.distance);
      add(place.index + 1, place.distance);
    } else {
      const Place place = place_of(spec, axis.in, axis.out, factor, i);
      const double t = place.distance;
      add(place.index - 1, far_weight(t + 1.0));
      add(place.index, near_weight(t));
      add(place.index + 1, near_weight(1.0 - t));
      add(place.index + 2, far_weight(2.0 - t));
    }
  }
  return axis;
}

}  // namespace nnconv
