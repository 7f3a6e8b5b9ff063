// Convolution as a node of a network, with what was fused into it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "algorithm/plan.h"
#include "graph/operation.h"
#include "problem/conv_problem.h"

namespace nnconv {

struct ConvNode {
  ConvSpec spec;        // padding mode zeros
  WeightSource weight;  // as PyTorch has them
  // Gives the memory of the weights back, or says that it can't; may be empty. Called once they are
  // packed so that they can be found again.
  std::function<bool()> give_up;
  // Folded into the weights, one for each output channel, or empty.
  std::vector<double> scale;
  std::vector<float> bias;  // or empty
  bool strict = false;
  bool adds = false;  // a second input, of the output's shape
  // What the result is cut to.
  bool cuts = false;
  float lo = 0, hi = 0;
};

// Throws Error for an illegal spec.
std::unique_ptr<Operation> make_conv_operation(ConvNode node, const KernelTable& kernels);

}  // namespace nnconv
