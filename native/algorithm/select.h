// The only heuristics: which algorithm for which problem, and how many threads.
#pragma once

#include <string>
#include <vector>

#include "algorithm/plan.h"

namespace nnconv {

struct Selection {
  const char* algorithm;  // a name of algorithms_for()
  std::string reason;
};

// Depends on layer, spatial size and instruction set only, never on batch or threads: results are
// bit-identical across those. The spec has no padding mode (padding is done before). `strict` keeps
// to direct summation.
Selection select_algorithm(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels,
                           bool strict);

// All that can run the problem, the selected one first.
std::vector<std::string> algorithms_for(const ConvSpec& spec, const ConvShape& shape,
                                        const KernelTable& kernels);

// Null where the algorithm doesn't exist or can't run the problem.
std::unique_ptr<ConvPlan> make_plan(const std::string& algorithm, const ConvSpec& spec,
                                    const ConvShape& shape, const KernelTable& kernels,
                                    Use use = Use::kEager);

// What a layer could be in a network that keeps tensors in blocks of channels.
struct BlockedSelection {
  const char* algorithm = nullptr;  // one that takes and gives blocks, or null
  const char* giving = nullptr;  // one that takes what is not in blocks and gives blocks, or null
  // What blocks save over select_algorithm()'s, in multiply-accumulates at full speed of one image.
  double gain = 0;
};
BlockedSelection select_blocked(const ConvSpec& spec, const ConvShape& shape,
                                const KernelTable& kernels, bool strict);

// In the same measure: what it costs to change how a tensor lies, for each of its elements.
constexpr double kReorderCost = 8.0;

// A plan of a blocked algorithm, or of one that gives blocks only. Null where there is none.
std::unique_ptr<ConvPlan> make_blocked_plan(const std::string& algorithm, const ConvSpec& spec,
                                            const ConvShape& shape, const KernelTable& kernels,
                                            Format input);

// Threads worth waking for a layer.
int threads_for(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels);

}  // namespace nnconv
