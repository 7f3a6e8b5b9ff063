// Resampling of the spatial dimensions: nearest elements, linear and cubic interpolation.
#pragma once

#include "problem/resample_problem.h"
#include "runtime/workspace.h"

namespace nnconv {

// input (planes, D, H, W) -> output (planes, D', H', W').
void resample(const ResampleSpec& spec, const ResampleShape& shape, const float* input,
              float* output, Workspace* workspace);

}  // namespace nnconv
