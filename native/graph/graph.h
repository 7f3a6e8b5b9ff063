// A network: operations in order, and plans to run it, one for each set of input shapes.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "graph/operation.h"

namespace nnconv {

// Values are counted: the inputs first, then the output of each node.
struct Node {
  std::unique_ptr<Operation> operation;
  std::vector<size_t> inputs;  // values before this one
};

// Memory of a run.
struct RunMemory {
  Workspace arena;
  Workspace scratch;
};

class GraphPlan {
 public:
  struct PlannedStep {
    size_t node;
    std::unique_ptr<Step> step;
    std::vector<size_t> inputs;
    size_t output;
    bool blocked = false;  // the output is in blocks of channels
    bool reorder = false;  // nothing but a change of how a tensor lies, for that node
  };

  const std::vector<Shape>& input_shapes() const { return input_shapes_; }
  const std::vector<Shape>& output_shapes() const { return output_shapes_; }
  const std::vector<PlannedStep>& steps() const { return steps_; }
  // The input of the step, or its output, is a tensor of this many channels a block.
  int64_t block_width() const { return block_width_; }
  const Shape& shape(size_t value) const { return values_[value].shape; }
  int64_t arena_bytes() const { return arena_floats_ * 4; }

  // After the graph's find_weights(), or copy_weights() for another thread than the graph's.
  // Runs all steps, or up to one before which `cancelled` turns true; returns whether all ran. The
  // outputs must not overlap anything. `seconds`, if not null, gets each step's time. Throws
  // std::bad_alloc.
  bool run(const float* const* inputs, float* const* outputs, RunMemory* memory,
           const std::atomic<bool>* cancelled, double* seconds) const;

 private:
  friend class Graph;
  enum class Place { kArena, kInput, kOutput, kConstant };
  struct Value {
    Shape shape;
    Place place = Place::kArena;
    size_t index = 0;    // of the input or output
    int64_t offset = 0;  // in floats, from there
    const float* constant = nullptr;
  };
  std::vector<Shape> input_shapes_, output_shapes_;
  std::vector<Value> values_;
  std::vector<PlannedStep> steps_;
  // Outputs that another place holds: copied at the end.
  std::vector<std::pair<size_t, size_t>> copies_;  // value, output
  int64_t arena_floats_ = 0;
  int64_t block_width_ = 1;
};

class Graph {
 public:
  // Throws Error for nodes that name values which don't exist. `like`, which may be null: a graph
  // whose packed weights can be used.
  Graph(size_t inputs, std::vector<Node> nodes, std::vector<size_t> outputs, const Graph* like,
        const KernelTable& kernels);

  size_t inputs() const { return inputs_; }
  size_t nodes() const { return nodes_.size(); }
  size_t outputs() const { return outputs_.size(); }
  const Node& node(size_t i) const { return nodes_[i]; }

  // Throws Error where the shapes don't fit. The plan is valid as long as anybody holds it.
  std::shared_ptr<const GraphPlan> plan(const std::vector<Shape>& input_shapes);

  // What `Operation` says of each, for all operations.
  void find_weights();
  void copy_weights();

  // Whether any node gave its weights up, which only this graph knows then.
  bool has_given_weights() const;
  // Leaves nothing but packed weights.
  void drop_plans();

  std::unique_ptr<RunMemory> take_memory();
  void give_memory(std::unique_ptr<RunMemory> memory);

  size_t packed_bytes() const;

 private:
  std::shared_ptr<GraphPlan> make_plan(const std::vector<Shape>& input_shapes);
  struct PlanNode;  // a node as planned, or a reorder between two
  void add_steps(GraphPlan* plan, std::vector<PlanNode>* nodes, std::vector<size_t>* outputs) const;
  void place_values(GraphPlan* plan, const std::vector<PlanNode>& nodes,
                    const std::vector<size_t>& outputs) const;

  size_t inputs_;
  std::vector<Node> nodes_;
  std::vector<size_t> outputs_;
  const KernelTable& kernels_;
  std::list<std::shared_ptr<GraphPlan>> plans_;  // used last first, bounded
  std::mutex memory_mutex_;
  std::vector<std::unique_ptr<RunMemory>> memory_;  // free
};

}  // namespace nnconv
