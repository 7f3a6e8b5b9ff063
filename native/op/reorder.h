// Between PyTorch's order of elements and blocks of channels (kernel/blocked.h).
#pragma once

#include <cstdint>

#include "kernel/kernel.h"

namespace nnconv {

// (images, channels, pixels); channels are whole vectors.
void to_blocked(const KernelTable& kernels, int64_t images, int64_t channels, int64_t pixels,
                const float* from, float* to);
void from_blocked(const KernelTable& kernels, int64_t images, int64_t channels, int64_t pixels,
                  const float* from, float* to);

}  // namespace nnconv
