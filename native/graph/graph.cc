#include "graph/graph.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <numeric>

#include "graph/blocking.h"
#include "graph/memory.h"
#include "problem/conv_problem.h"
#include "problem/error.h"

namespace nnconv {
namespace {

constexpr size_t kMaxPlans = 16;
constexpr size_t kNone = static_cast<size_t>(-1);

// Values that share their elements are one block of memory.
struct Block {
  int64_t floats = 0;
  int64_t first = 0, last = 0;  // steps
  bool fixed = false;           // an input or a constant
  size_t output = kNone;        // the graph's output that it is
};

// Finds which values share a block. A value lies at `offset` of its parent's place, if it has one.
class Blocks {
 public:
  explicit Blocks(size_t values) : parent_(values), offset_(values, 0) {
    std::iota(parent_.begin(), parent_.end(), size_t{0});
  }
  bool is_root(size_t value) const { return parent_[value] == value; }
  size_t root(size_t value) const {
    while (!is_root(value)) value = parent_[value];
    return value;
  }
  int64_t offset(size_t value) const {
    int64_t sum = 0;
    for (; !is_root(value); value = parent_[value]) sum += offset_[value];
    return sum;
  }
  void join(size_t root, size_t to, int64_t offset) {
    parent_[root] = to;
    offset_[root] = offset;
  }

 private:
  std::vector<size_t> parent_;
  std::vector<int64_t> offset_;
};

int64_t floats_of(const Shape& shape) {
  const int64_t count = checked_product(shape);
  if (count < 0) throw alloc_error("a tensor of shape " + format_list(shape) + " is too large");
  return count;
}

}  // namespace

Graph::Graph(size_t inputs, std::vector<Node> nodes, std::vector<size_t> outputs, const Graph* like,
             const KernelTable& kernels)
    : inputs_(inputs), nodes_(std::move(nodes)), outputs_(std::move(outputs)), kernels_(kernels) {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (node.inputs.size() != node.operation->input_count())
      throw value_error("nodes[" + std::to_string(i) + "] takes " +
                        std::to_string(node.operation->input_count()) + " inputs, got " +
                        std::to_string(node.inputs.size()));
    for (size_t value : node.inputs) {
      if (value >= inputs_ + i)
        throw value_error("nodes[" + std::to_string(i) + "].inputs must be values before it, got " +
                          std::to_string(value));
    }
  }
  for (size_t value : outputs_) {
    if (value >= inputs_ + nodes_.size())
      throw value_error("outputs must be values of the graph, got " + std::to_string(value));
  }
  if (!like) return;
  for (const Node& node : nodes_) {
    for (const Node& other : like->nodes_) node.operation->share_weights(*other.operation);
  }
}

bool Graph::has_given_weights() const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [](const Node& node) { return node.operation->given_up() > 0; });
}

void Graph::drop_plans() {
  plans_.clear();
  const std::lock_guard<std::mutex> lock(memory_mutex_);
  memory_.clear();
}

size_t Graph::packed_bytes() const {
  size_t bytes = 0;
  for (const Node& node : nodes_) bytes += node.operation->packed_bytes();
  return bytes;
}

void Graph::find_weights() {
  for (const Node& node : nodes_) node.operation->find_weights();
}

void Graph::copy_weights() {
  for (const Node& node : nodes_) node.operation->copy_weights();
}

std::unique_ptr<RunMemory> Graph::take_memory() {
  const std::lock_guard<std::mutex> lock(memory_mutex_);
  if (memory_.empty()) return std::make_unique<RunMemory>();
  std::unique_ptr<RunMemory> memory = std::move(memory_.back());
  memory_.pop_back();
  return memory;
}

void Graph::give_memory(std::unique_ptr<RunMemory> memory) {
  const std::lock_guard<std::mutex> lock(memory_mutex_);
  memory_.push_back(std::move(memory));
}

std::shared_ptr<const GraphPlan> Graph::plan(const std::vector<Shape>& input_shapes) {
  const auto known = std::find_if(plans_.begin(), plans_.end(), [&](const auto& plan) {
    return plan->input_shapes() == input_shapes;
  });
  if (known != plans_.end()) {
    plans_.splice(plans_.begin(), plans_, known);
  } else {
    plans_.push_front(make_plan(input_shapes));
    if (plans_.size() > kMaxPlans) plans_.pop_back();
  }
  return plans_.front();
}

std::shared_ptr<GraphPlan> Graph::make_plan(const std::vector<Shape>& input_shapes) {
  if (input_shapes.size() != inputs_)
    throw value_error("inputs must be " + std::to_string(inputs_) + " tensors, got " +
                      std::to_string(input_shapes.size()));
  auto plan = std::make_shared<GraphPlan>();
  plan->input_shapes_ = input_shapes;
  for (const Shape& shape : input_shapes) {
    require_sizes(shape);
    plan->values_.push_back({shape});
  }
  std::vector<PlanNode> nodes;
  std::vector<size_t> outputs;
  add_steps(plan.get(), &nodes, &outputs);
  place_values(plan.get(), nodes, outputs);
  return plan;
}

struct Graph::PlanNode {
  Operation* operation;
  std::vector<size_t> inputs;  // values of the plan
  std::vector<Shape> shapes;   // theirs
  std::unique_ptr<Operation> own;
};

// Values and steps of the plan: those of the graph, and reorders where they are needed. Also what
// the graph's outputs are in the plan.
void Graph::add_steps(GraphPlan* plan, std::vector<PlanNode>* nodes,
                      std::vector<size_t>* outputs) const {
  std::vector<Shape> shapes = plan->input_shapes_;
  for (const Node& node : nodes_) {
    std::vector<Shape> from;
    for (size_t value : node.inputs) from.push_back(shapes[value]);
    shapes.push_back(node.operation->output_shape(from));
    floats_of(shapes.back());
  }
  for (size_t value : outputs_) plan->output_shapes_.push_back(shapes[value]);
  plan->block_width_ = kernels_.width;
  const std::vector<BlockedNode> blocked = choose_blocked(nodes_, shapes, kernels_.width);

  // The plan's value for one of the graph's, as PyTorch has it and in blocks.
  std::vector<std::array<size_t, 2>> known(shapes.size(), {kNone, kNone});
  for (size_t value = 0; value < inputs_; ++value) known[value][false] = value;
  const auto add = [&](size_t node, PlanNode made, size_t value, bool in_blocks) {
    const bool reorder = made.own != nullptr;
    std::unique_ptr<Step> step = reorder || !in_blocks  ? made.operation->plan(made.shapes)
                                 : blocked[node].inputs ? made.operation->plan_blocked(made.shapes)
                                                        : made.operation->plan_giving(made.shapes);
    known[value][in_blocks] = plan->values_.size();
    plan->steps_.push_back(
        {node, std::move(step), made.inputs, plan->values_.size(), in_blocks, reorder});
    plan->values_.push_back({shapes[value]});
    nodes->push_back(std::move(made));
  };
  const auto find = [&](size_t node, size_t value, bool in_blocks) {
    if (known[value][in_blocks] == kNone) {
      std::unique_ptr<Operation> reorder = make_reorder_operation(in_blocks, kernels_);
      Operation* operation = reorder.get();
      add(node, {operation, {known[value][!in_blocks]}, {shapes[value]}, std::move(reorder)}, value,
          in_blocks);
    }
    return known[value][in_blocks];
  };
  for (size_t i = 0; i < nodes_.size(); ++i) {
    PlanNode made{nodes_[i].operation.get(), {}, {}, nullptr};
    for (size_t value : nodes_[i].inputs) {
      made.inputs.push_back(find(i, value, blocked[i].inputs));
      made.shapes.push_back(shapes[value]);
    }
    add(i, std::move(made), inputs_ + i, blocked[i].output);
  }
  for (size_t value : outputs_)
    outputs->push_back(find(nodes_.empty() ? 0 : nodes_.size() - 1, value, false));
}

// Decides which values share memory and where each lies; steps that have nothing left to do go.
void Graph::place_values(GraphPlan* plan, const std::vector<PlanNode>& nodes,
                         const std::vector<size_t>& outputs) const {
  const size_t count = plan->values_.size();
  std::vector<int64_t> last(count, -1);  // step that reads a value last
  std::vector<int> uses(count, 0);
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (size_t value : nodes[i].inputs) {
      last[value] = static_cast<int64_t>(i);
      ++uses[value];
    }
  }
  const int64_t end = static_cast<int64_t>(nodes.size());
  for (size_t value : outputs) last[value] = end;

  // Views first: a view lies where its input lies, whose life is as long as both.
  Blocks blocks(count);
  std::vector<bool> done(nodes.size(), false);
  std::vector<Block> data(count);
  for (size_t value = 0; value < count; ++value) {
    data[value].floats = floats_of(plan->values_[value].shape);
    data[value].first = value < inputs_ ? 0 : static_cast<int64_t>(value - inputs_);
    data[value].last = std::max(last[value], data[value].first);
    data[value].fixed = value < inputs_ || nodes[value - inputs_].operation->constant();
  }
  const auto join = [&](size_t root, size_t to, int64_t offset) {
    blocks.join(root, to, offset);
    data[to].first = std::min(data[to].first, data[root].first);
    data[to].last = std::max(data[to].last, data[root].last);
    if (data[root].output != kNone) data[to].output = data[root].output;
  };
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (plan->steps_[i].step) continue;
    done[i] = true;
    if (nodes[i].operation->constant()) continue;
    join(inputs_ + i, blocks.root(nodes[i].inputs[0]), 0);
  }
  // Outputs of the graph are written where the caller wants them.
  std::vector<bool> placed(outputs.size(), false);
  for (size_t o = 0; o < outputs.size(); ++o) {
    const size_t root = blocks.root(outputs[o]);
    const bool whole = data[root].floats == data[outputs[o]].floats;
    if (data[root].fixed || data[root].output != kNone || !whole) continue;
    data[root].output = o;
    placed[o] = true;
  }
  // Then what is computed in the place of a concatenation, or over an input that nobody needs any
  // more.
  for (size_t i = nodes.size(); i-- > 0;) {
    if (!nodes[i].operation->joins(nodes[i].shapes)) continue;
    const std::vector<size_t>& inputs = nodes[i].inputs;
    const size_t result = blocks.root(inputs_ + i);
    if (!blocks.is_root(inputs_ + i)) continue;
    bool fits = true;
    std::vector<size_t> taken;
    for (size_t a = 0; a < inputs.size() && fits; ++a) {
      const size_t root = blocks.root(inputs[a]);
      fits = root != result && !data[root].fixed && data[root].output == kNone &&
             data[root].floats == data[inputs[a]].floats;
      taken.push_back(root);
    }
    std::sort(taken.begin(), taken.end());
    if (!fits || std::adjacent_find(taken.begin(), taken.end()) != taken.end()) continue;
    int64_t offset = 0;
    for (size_t value : inputs) {
      join(blocks.root(value), result, offset);
      offset += data[value].floats;
    }
    done[i] = true;
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    const int which = done[i] ? -1 : nodes[i].operation->overwrites(nodes[i].shapes);
    if (which < 0) continue;
    const size_t result = inputs_ + i;
    const size_t input = blocks.root(nodes[i].inputs[static_cast<size_t>(which)]);
    if (!blocks.is_root(result) || data[input].fixed || data[input].last != static_cast<int64_t>(i))
      continue;
    if (data[input].floats != data[result].floats) continue;
    if (data[input].output != kNone) continue;
    // Another input in that block must be read before its place is written: element by element it
    // is, but not where it is repeated.
    const bool apart =
        std::all_of(nodes[i].inputs.begin(), nodes[i].inputs.end(), [&](size_t value) {
          return blocks.root(value) != input || data[value].floats == data[result].floats;
        });
    if (!apart) continue;
    join(result, input, 0);
  }

  std::vector<Lifetime> lives;
  std::vector<size_t> roots;
  for (size_t value = 0; value < count; ++value) {
    if (!blocks.is_root(value) || data[value].fixed || data[value].output != kNone) continue;
    roots.push_back(value);
    lives.push_back({data[value].floats, data[value].first, data[value].last});
  }
  const Layout layout = lay_out(lives);
  plan->arena_floats_ = layout.floats;
  std::vector<int64_t> arena(count, 0);
  for (size_t i = 0; i < roots.size(); ++i) arena[roots[i]] = layout.offsets[i];
  for (size_t value = 0; value < count; ++value) {
    const size_t root = blocks.root(value);
    GraphPlan::Value& v = plan->values_[value];
    v.offset = blocks.offset(value);
    if (data[root].fixed && root >= inputs_) {
      v.place = GraphPlan::Place::kConstant;
      v.constant = nodes[root - inputs_].operation->constant();
    } else if (data[root].fixed) {
      v.place = GraphPlan::Place::kInput;
      v.index = root;
    } else if (data[root].output != kNone) {
      v.place = GraphPlan::Place::kOutput;
      v.index = data[root].output;
    } else {
      v.offset += arena[root];
    }
  }
  for (size_t o = 0; o < outputs.size(); ++o) {
    if (!placed[o]) plan->copies_.emplace_back(outputs[o], o);
  }
  std::vector<GraphPlan::PlannedStep> steps;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!done[i]) steps.push_back(std::move(plan->steps_[i]));
  }
  plan->steps_ = std::move(steps);
}

bool GraphPlan::run(const float* const* inputs, float* const* outputs, RunMemory* memory,
                    const std::atomic<bool>* cancelled, double* seconds) const {
  using Clock = std::chrono::steady_clock;
  float* arena = static_cast<float*>(
      memory->arena.get(static_cast<size_t>(std::max<int64_t>(arena_floats_, 1)) * sizeof(float)));
  const auto read = [&](size_t value) -> const float* {
    const Value& v = values_[value];
    switch (v.place) {
      case Place::kConstant:
        return v.constant + v.offset;
      case Place::kInput:
        return inputs[v.index] + v.offset;
      case Place::kOutput:
        return outputs[v.index] + v.offset;
      default:
        return arena + v.offset;
    }
  };
  std::vector<const float*> step_inputs;
  for (size_t i = 0; i < steps_.size(); ++i) {
    if (cancelled && cancelled->load(std::memory_order_relaxed)) return false;
    const PlannedStep& s = steps_[i];
    step_inputs.clear();
    for (size_t value : s.inputs) step_inputs.push_back(read(value));
    const Clock::time_point start = seconds ? Clock::now() : Clock::time_point();
    s.step->run({step_inputs.data(), const_cast<float*>(read(s.output)), &memory->scratch});
    if (seconds) seconds[i] = std::chrono::duration<double>(Clock::now() - start).count();
  }
  for (const auto& [value, output] : copies_) {
    const size_t bytes = static_cast<size_t>(checked_product(values_[value].shape)) * sizeof(float);
    if (bytes > 0) std::memcpy(outputs[output], read(value), bytes);
  }
  return true;
}

}  // namespace nnconv
