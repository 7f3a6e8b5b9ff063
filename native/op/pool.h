// Max and average pooling, fixed and adaptive.
#pragma once

#include <functional>

#include "kernel/kernel.h"
#include "problem/pool_problem.h"
#include "runtime/workspace.h"

namespace nnconv {

// input (batch, channels, D, H, W) -> output (batch, channels, D', H', W').
void pool(const PoolSpec& spec, const PoolShape& shape, const float* input, float* output,
          const KernelTable& kernels, Workspace* workspace);

// The same on tensors in blocks of channels (kernel/blocked.h), for specs that can be: to be called
// with input and output, again and again.
std::function<void(const float*, float*)> make_pool_blocked(const PoolSpec& spec,
                                                            const PoolShape& shape,
                                                            const KernelTable& kernels);
bool supports_pool_blocked(const PoolSpec& spec);

}  // namespace nnconv
