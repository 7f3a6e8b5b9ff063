// Activations, and arithmetic on two tensors with broadcasting.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/kernel.h"

namespace nnconv {

// y = f(x) for `count` elements; y may be x.
void run_activation(const KernelTable& kernels, Activation kind, const float* x, float* y,
                    int64_t count, float a, float b);

// The shape that two shapes broadcast to. Throws Error where they don't.
std::vector<int64_t> broadcast_shape(const std::vector<int64_t>& a, const std::vector<int64_t>& b);

// out = x op y, of the shape that both broadcast to.
void run_binary(const KernelTable& kernels, Binary kind, const float* x,
                const std::vector<int64_t>& x_shape, const float* y,
                const std::vector<int64_t>& y_shape, float* out);

}  // namespace nnconv
