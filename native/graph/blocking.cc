#include "graph/blocking.h"

#include <algorithm>
#include <numeric>

#include "algorithm/select.h"
#include "op/reorder.h"

namespace nnconv {
namespace {

// Only tensors of this kind: (N, C, H, W), channels in whole vectors.
bool can_be_blocked(const Shape& shape, int64_t width) {
  return shape.size() == 4 && shape[1] % width == 0 &&
         std::all_of(shape.begin(), shape.end(), [](int64_t size) { return size > 0; });
}

double reorder_cost(const Shape& shape) {
  if (shape[2] * shape[3] == 1) return 0;
  return kReorderCost * static_cast<double>(shape[1] * shape[2] * shape[3]);
}

// Values that are in blocks together or not at all.
class Sets {
 public:
  explicit Sets(size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), size_t{0});
  }
  size_t of(size_t value) {
    while (parent_[value] != value) value = parent_[value] = parent_[parent_[value]];
    return value;
  }
  void join(size_t a, size_t b) { parent_[of(a)] = of(b); }

 private:
  std::vector<size_t> parent_;
};

class ReorderStep final : public Step {
 public:
  ReorderStep(bool to_blocked, const KernelTable& kernels, const Shape& shape)
      : to_blocked_(to_blocked), kernels_(kernels), shape_(shape) {}
  void run(const StepArgs& args) const override {
    (to_blocked_ ? to_blocked : from_blocked)(kernels_, shape_[0], shape_[1], shape_[2] * shape_[3],
                                              args.inputs[0], args.output);
  }

 private:
  bool to_blocked_;
  const KernelTable& kernels_;
  Shape shape_;
};

class ReorderOperation final : public Operation {
 public:
  ReorderOperation(bool to_blocked, const KernelTable& kernels)
      : to_blocked_(to_blocked), kernels_(kernels) {}
  Shape output_shape(const std::vector<Shape>& inputs) const override { return inputs[0]; }
  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    if (inputs[0][2] * inputs[0][3] == 1) return nullptr;
    return std::make_unique<ReorderStep>(to_blocked_, kernels_, inputs[0]);
  }

 private:
  bool to_blocked_;
  const KernelTable& kernels_;
};

}  // namespace

// Nodes that can take and give blocks tie the values they touch together. Each set of such values
// is one decision: what its nodes gain against the tensors that must be reordered at its borders.
// What a node can give in blocks needs no reorder, unless somebody else reads it as it is.
std::vector<BlockedNode> choose_blocked(const std::vector<Node>& nodes,
                                        const std::vector<Shape>& shapes, int64_t width) {
  const size_t inputs = shapes.size() - nodes.size();
  std::vector<bool> able(nodes.size(), false), gives(nodes.size(), false);
  std::vector<double> gain(shapes.size(), 0);  // of a node's set, at its output
  Sets sets(shapes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!can_be_blocked(shapes[inputs + i], width) || nodes[i].inputs.empty()) continue;
    bool fits = true;
    std::vector<Shape> from;
    for (size_t value : nodes[i].inputs) {
      fits = fits && can_be_blocked(shapes[value], width);
      from.push_back(shapes[value]);
    }
    if (from[0].size() != 4) continue;
    const Blocking blocking = nodes[i].operation->blocking(from);
    able[i] = fits && blocking.possible;
    gives[i] = blocking.gives;
    if (!able[i]) continue;
    gain[inputs + i] = blocking.gain;
    for (size_t value : nodes[i].inputs) sets.join(value, inputs + i);
  }
  // Values that a node needs in blocks, and those that one needs as they are.
  std::vector<bool> in_blocks(shapes.size(), false), plain(shapes.size(), false);
  const auto note_needs = [&] {
    std::fill(in_blocks.begin(), in_blocks.end(), false);
    std::fill(plain.begin(), plain.end(), false);
    for (size_t i = 0; i < nodes.size(); ++i) {
      for (size_t value : nodes[i].inputs) (able[i] ? in_blocks : plain)[value] = true;
    }
  };
  note_needs();
  std::vector<double> total(shapes.size(), 0);
  for (size_t value = 0; value < shapes.size(); ++value) {
    const bool made = value >= inputs && able[value - inputs];
    const bool given = value >= inputs && gives[value - inputs] && !plain[value];
    if (made ? plain[value] : in_blocks[value] && !given)
      total[sets.of(value)] -= reorder_cost(shapes[value]);
    total[sets.of(value)] += gain[value];
  }
  for (size_t i = 0; i < nodes.size(); ++i) able[i] = able[i] && total[sets.of(inputs + i)] > 0;
  note_needs();
  std::vector<BlockedNode> result;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const bool given = gives[i] && in_blocks[inputs + i] && !plain[inputs + i];
    result.push_back({able[i], able[i] || given});
  }
  return result;
}

std::unique_ptr<Operation> make_reorder_operation(bool to_blocked, const KernelTable& kernels) {
  return std::make_unique<ReorderOperation>(to_blocked, kernels);
}

}  // namespace nnconv
