// Dense layers and matrix products.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/kernel.h"
#include "runtime/workspace.h"

namespace nnconv {

// Shape of x W^T for x of shape (*, in) and W of shape (out, in), or (in) for a result without that
// dimension. Throws Error.
std::vector<int64_t> linear_shape(const std::vector<int64_t>& input,
                                  const std::vector<int64_t>& weight);

// out = x w^T + bias: `rows` rows of `in` values, weights (outputs, in), `bias` (outputs) or null.
void run_linear(const KernelTable& kernels, const float* x, int64_t rows, const float* w,
                int64_t outputs, int64_t in, const float* bias, float* out);

// A matrix product as torch.matmul understands it: vectors, matrices, and batches of them that
// broadcast.
struct MatmulProblem {
  std::vector<int64_t> shape;  // of the result
  int64_t rows, inner, columns;
  std::vector<int64_t> x_batch, y_batch, batch;
};

// Throws Error.
MatmulProblem matmul_problem(const std::vector<int64_t>& x, const std::vector<int64_t>& y);
void run_matmul(const KernelTable& kernels, const MatmulProblem& problem, const float* x,
                const float* y, float* out, Workspace* workspace);

}  // namespace nnconv
