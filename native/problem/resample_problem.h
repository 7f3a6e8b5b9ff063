// What is to be resampled: the spatial dimensions of a tensor, to a size or by a factor. The only
// place that knows which arguments are legal, how large the output is, and which elements of the
// input each of its elements is made of. No SIMD, no N-API.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "problem/conv_problem.h"

namespace nnconv {

// kArea is adaptive average pooling: only its output's size is known here.
enum class ResampleMode { kNearest, kNearestExact, kArea, kLinear, kCubic };

struct ResampleSpec {
  std::string name;  // PyTorch's name of the mode: "bilinear"
  ResampleMode mode = ResampleMode::kNearest;
  int dims = 0;  // that the mode is for; 0: any from 1 to 3
  // Neither true nor false but where pixels are weighed by their distance.
  bool has_align_corners = false;
  bool align_corners = false;
  // One of these has an element for each spatial dimension.
  std::vector<int64_t> size;
  std::vector<double> scale_factor;
  // Whether coordinates follow the sizes where a factor is given.
  bool recompute_scale_factor = false;
};

// One dimension: each output is a sum over `taps` elements of the input.
struct ResampleAxis {
  int64_t in = 1;
  int64_t out = 1;
  int taps = 1;
  std::vector<int64_t> index;  // [out][taps]
  std::vector<float> weight;   // [out][taps]; none for the nearest element
};

// Sizes of one call. Fewer than three dimensions use the last ones.
struct ResampleShape {
  int dims = 2;
  int64_t planes = 1;
  Dims in{1, 1, 1};
  Dims out{1, 1, 1};
  std::vector<int64_t> output;

  int64_t in_plane() const { return in[0] * in[1] * in[2]; }
  int64_t out_plane() const { return out[0] * out[1] * out[2]; }
};

// The mode that PyTorch calls `name`, and for how many dimensions. Throws Error.
ResampleSpec resample_spec(const std::string& name);

// Throws Error on what PyTorch rejects whatever the input.
void validate(const ResampleSpec& spec);

// Checks an input shape and computes the output's. Throws Error.
ResampleShape infer_shape(const ResampleSpec& spec, const std::vector<int64_t>& input_shape);

// Where the outputs along dimension `dim` of the three come from.
ResampleAxis resample_axis(const ResampleSpec& spec, const ResampleShape& shape, int dim);

}  // namespace nnconv
