// Operations that move elements and don't compute: concatenation, permutation, pixel shuffling; and
// the mean, which is a permutation and a reduction.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/kernel.h"
#include "runtime/workspace.h"

namespace nnconv {

// A dimension counted from the end where negative. Throws Error outside [-rank, rank); `name` is
// the argument's.
int64_t resolve_dim(const char* name, int64_t dim, size_t rank);

// Where the dimensions of a permuted tensor come from, all of them, each once. Throws Error.
std::vector<size_t> resolve_permutation(const std::vector<int64_t>& dims, size_t rank);
// `shape` with its dimensions reordered.
std::vector<int64_t> permuted_shape(const std::vector<int64_t>& shape,
                                    const std::vector<size_t>& order);
void run_permute(const float* input, const std::vector<int64_t>& shape,
                 const std::vector<size_t>& order, float* out);

// Concatenation along one dimension. Tensors of shape [0] count for nothing, as in PyTorch.
struct CatProblem {
  std::vector<int64_t> shape;  // of the result
  int64_t outer;
  std::vector<int64_t> chunks;  // elements that each tensor adds to one outer step
};
// Throws Error.
CatProblem cat_problem(const std::vector<std::vector<int64_t>>& shapes, int64_t dim);
void run_cat(const CatProblem& problem, const std::vector<const float*>& inputs, float* out);

// Pixel shuffling is a permutation of a split shape.
struct ShuffleProblem {
  std::vector<int64_t> shape;  // of the result
  std::vector<int64_t> split;
  std::vector<size_t> order;
};
// (*, C r^2, H, W) to (*, C, H r, W r), or back where `inverse`. Throws Error.
ShuffleProblem shuffle_problem(const std::vector<int64_t>& shape, int64_t factor, bool inverse);

// The mean over some dimensions, all where there are none.
struct MeanProblem {
  std::vector<int64_t> shape;  // of the result
  std::vector<size_t> order;   // kept dimensions first
  bool in_order;
  int64_t rows, length;
};
// Throws Error.
MeanProblem mean_problem(const std::vector<int64_t>& shape, const std::vector<int64_t>& dims,
                         bool keepdim);
void run_mean(const KernelTable& kernels, const MeanProblem& problem, const float* input,
              const std::vector<int64_t>& shape, float* out, Workspace* workspace);

}  // namespace nnconv
