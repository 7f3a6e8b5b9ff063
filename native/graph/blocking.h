// Which nodes of a network work on tensors in blocks of channels (kernel/blocked.h).
#pragma once

#include <vector>

#include "graph/graph.h"

namespace nnconv {

// What of a node is in blocks.
struct BlockedNode {
  bool inputs = false, output = false;
};

// `shapes` are those of all values. Depends on layers and sizes of one image only, not on the
// batch, nor on which values are outputs.
std::vector<BlockedNode> choose_blocked(const std::vector<Node>& nodes,
                                        const std::vector<Shape>& shapes, int64_t width);

// Between the two ways to lie; what needs no change is done by a view.
std::unique_ptr<Operation> make_reorder_operation(bool to_blocked, const KernelTable& kernels);

}  // namespace nnconv
