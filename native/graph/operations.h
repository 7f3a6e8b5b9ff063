// The other operations as nodes of a network.
#pragma once

#include <limits>
#include <memory>
#include <vector>

#include "graph/operation.h"
#include "problem/pad_problem.h"
#include "problem/pool_problem.h"
#include "problem/resample_problem.h"

namespace nnconv {

std::unique_ptr<Operation> make_pool_operation(const PoolSpec& spec, const KernelTable& kernels);

// Weight, bias and statistics; each may be empty where PyTorch's may be None.
struct NormNode {
  enum class Kind { kBatch, kInstance, kGroup, kLayer };
  Kind kind = Kind::kBatch;
  std::vector<float> weight, bias, mean, var;
  int64_t groups = 1;      // kGroup
  Shape normalized_shape;  // kLayer
  double eps = 1e-5;
};
std::unique_ptr<Operation> make_norm_operation(NormNode node, const KernelTable& kernels);
std::unique_ptr<Operation> make_response_norm_operation(int64_t size, double alpha, double beta,
                                                        double k, const KernelTable& kernels);
std::unique_ptr<Operation> make_softmax_operation(int64_t dim, bool log,
                                                  const KernelTable& kernels);

std::unique_ptr<Operation> make_activation_operation(Activation kind, float a, float b,
                                                     const KernelTable& kernels);

// A tensor that is part of the network.
struct Constant {
  Shape shape;
  std::vector<float> values;
};
std::unique_ptr<Operation> make_constant_operation(Constant constant);

// Two inputs, broadcast.
std::unique_ptr<Operation> make_binary_operation(Binary kind, const KernelTable& kernels);
std::unique_ptr<Operation> make_matmul_operation(const KernelTable& kernels);

struct LinearNode {
  int64_t in = 0, out = 0;
  WeightSource weight;      // (out, in)
  std::vector<float> bias;  // or empty
  bool cuts = false;
  float lo = 0, hi = 0;
};
std::unique_ptr<Operation> make_linear_operation(LinearNode node, const KernelTable& kernels);

std::unique_ptr<Operation> make_cat_operation(size_t inputs, int64_t dim);
std::unique_ptr<Operation> make_permute_operation(std::vector<int64_t> dims);
std::unique_ptr<Operation> make_shuffle_operation(int64_t factor, bool inverse);
std::unique_ptr<Operation> make_mean_operation(std::vector<int64_t> dims, bool keepdim,
                                               const KernelTable& kernels);
// At most one size of `shape` is -1.
std::unique_ptr<Operation> make_reshape_operation(Shape shape);
std::unique_ptr<Operation> make_pad_operation(const PadSpec& spec);
std::unique_ptr<Operation> make_resample_operation(const ResampleSpec& spec);
// The slice at `index` of dimension `dim`, which goes.
std::unique_ptr<Operation> make_select_operation(int64_t dim, int64_t index);

}  // namespace nnconv
