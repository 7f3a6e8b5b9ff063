#include "algorithm/winograd_phases.h"

namespace nnconv {

WinogradPhases split_phases(const ConvSpec& spec) {
  WinogradPhases phases{spec};
  ConvSpec& split = phases.spec;
  for (int d = 1; d < kMaxDims; ++d) {
    const int64_t s = spec.stride[d];
    // Those whose neighbouring pixels a vector of channels holds whole.
    const bool splits = (s == 2 || s == 4) && spec.dilation[d] == 1 && !spec.transposed;
    if (!splits) continue;
    const auto up = [s](int64_t n) { return (n + s - 1) / s; };
    split.stride[d] = 1;
    split.pad_low[d] = up(spec.pad_low[d]);
    phases.count[d] = s;
    phases.lead[d] = split.pad_low[d] * s - spec.pad_low[d];
    split.kernel[d] = up(spec.kernel[d] + phases.lead[d]);
  }
  split.in_channels *= phases.count[1] * phases.count[2];
  return phases;
}

}  // namespace nnconv
