// What is to be padded or cropped: the last dimensions of a tensor, in one of the padding modes.
// The only place that knows which arguments are legal, how large the output is, and which element
// of the input each of its elements is. No SIMD, no N-API.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "problem/padding.h"

namespace nnconv {

struct PadSpec {
  PaddingMode mode = PaddingMode::kConstant;
  // Before and behind the last dimension, before and behind the last but one, ...; negative ones
  // crop.
  std::vector<int64_t> padding;
  double value = 0.0;  // of the constant

  size_t dims() const { return padding.size() / 2; }
};

// One dimension: position `low` of the output is element `offset` of the input, the first of the
// `size` that the mode sees.
struct PadAxis {
  int64_t in = 1;
  int64_t out = 1;
  int64_t low = 0;
  int64_t offset = 0;
  int64_t size = 1;

  // Element of the input at position `i` of the output; -1 for the constant.
  int64_t source(PaddingMode mode, int64_t i) const {
    const int64_t at = padding_source(mode, i - low, size);
    return at < 0 ? at : at + offset;
  }
};

// Sizes of one call.
struct PadShape {
  int64_t planes = 1;  // product of the dimensions in front
  std::vector<PadAxis> axes;
  std::vector<int64_t> in, out;
};

// Throws Error on what PyTorch rejects whatever the input.
void validate(const PadSpec& spec);

// Checks an input shape and computes the output's. Throws Error.
PadShape infer_shape(const PadSpec& spec, const std::vector<int64_t>& input_shape);

}  // namespace nnconv
