// Explicit padding for the padding modes: PyTorch pads with the mode, then convolves without
// padding.
#pragma once

#include <cstdint>

#include "problem/conv_problem.h"

namespace nnconv {

Dims padded_size(const ConvSpec& spec, const Dims& in);

// Writes `planes` planes of size `in`, padded by spec.pad_low/pad_high in spec.padding_mode.
void pad_planes(const ConvSpec& spec, const Dims& in, int64_t planes, const float* input,
                float* padded, int threads);

}  // namespace nnconv
