// Padding and cropping of the last dimensions of a tensor.
#pragma once

#include "problem/pad_problem.h"

namespace nnconv {

void pad(const PadSpec& spec, const PadShape& shape, const float* input, float* output);

}  // namespace nnconv
