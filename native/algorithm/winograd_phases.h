// A strided convolution as one with stride 1: the pixels of each phase of the stride are channels
// of their own, as in space-to-depth, under kernels of a stride-th of the taps.
//
// Channel c of the result is phase c % s_w along the row and c / s_w % s_h along the column of
// input channel c / (s_w s_h); its tap t lies on the kernel's tap t s + phase - lead, or on none.
#pragma once

#include "problem/conv_problem.h"

namespace nnconv {

struct WinogradPhases {
  ConvSpec spec;        // at stride 1 along height and width; its weights are not the layer's
  Dims count{1, 1, 1};  // phases along each dimension
  Dims lead{0, 0, 0};   // of the kernel's first tap, from the first one of phase 0

  bool any() const { return count[1] * count[2] > 1; }
  // The tap of the strided kernel along a dimension, or -1.
  int64_t kernel_tap(const ConvSpec& strided, int d, int64_t tap, int64_t phase) const {
    const int64_t t = tap * count[d] + phase - lead[d];
    return t >= 0 && t < strided.kernel[d] ? t : -1;
  }
};

// The spec itself where there is nothing to split: no stride, or one that is not supported.
WinogradPhases split_phases(const ConvSpec& spec);

}  // namespace nnconv
