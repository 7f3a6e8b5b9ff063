// The speed of this CPU's multiply-accumulate units: what percentages of peak refer to.
#pragma once

#include "kernel/kernel.h"

namespace nnconv {

// GFLOP/s of one thread, an FMA counted as two, over the fastest of the short runs that fit into
// `seconds`: other load and a slow start make a run slower, nothing makes one too fast.
double fma_peak(const KernelTable& kernels, double seconds);

}  // namespace nnconv
