// Max and average pooling, fixed and adaptive.
#pragma once

#include "kernel/kernel.h"
#include "problem/pool_problem.h"
#include "runtime/workspace.h"

namespace nnconv {

// input (batch, channels, D, H, W) -> output (batch, channels, D', H', W').
void pool(const PoolSpec& spec, const PoolShape& shape, const float* input, float* output,
          const KernelTable& kernels, Workspace* workspace);

// The same on tensors in blocks of channels (kernel/blocked.h), for specs that can be.
void pool_blocked(const PoolSpec& spec, const PoolShape& shape, const float* input, float* output,
                  const KernelTable& kernels);
bool supports_pool_blocked(const PoolSpec& spec);

}  // namespace nnconv
