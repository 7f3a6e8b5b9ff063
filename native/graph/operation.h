// One node of a network: what it computes, whatever the sizes; and a step, which does it for one
// set of sizes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernel/kernel.h"
#include "runtime/workspace.h"

namespace nnconv {

using Shape = std::vector<int64_t>;

// What a step reads and writes: contiguous tensors.
struct StepArgs {
  const float* const* inputs;
  float* output;
  Workspace* workspace;
};

struct StepInfo {
  std::string algorithm;
  double macs = 0;
  double packed_bytes = 0;  // weights as the step reads them
};

class Step {
 public:
  virtual ~Step() = default;
  // Must not throw but std::bad_alloc, and only before anything is written.
  virtual void run(const StepArgs& args) const = 0;
  virtual StepInfo info() const { return {}; }
};

// Weights as the caller has them, whenever they are needed: throws Error where they are gone.
using WeightSource = std::function<const float*()>;

// Whether an operation could take and give tensors in blocks of channels (kernel/blocked.h).
struct Blocking {
  bool possible = false;
  double gain = 0;     // of one image, as algorithm/select.h measures it
  bool gives = false;  // whether it could take tensors that are not, and give blocks
};

class Operation {
 public:
  virtual ~Operation() = default;

  virtual size_t input_count() const { return 1; }
  // Throws Error where the inputs don't fit.
  virtual Shape output_shape(const std::vector<Shape>& inputs) const = 0;
  // For inputs that output_shape() accepts. Null: the output is the input's elements as they are.
  virtual std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) = 0;

  // For inputs and an output of four dimensions, the output's channels in whole vectors; `possible`
  // counts only where the inputs' are, too.
  virtual Blocking blocking(const std::vector<Shape>&) const { return {}; }
  // Of inputs and output in blocks; for an elementwise operation the same.
  virtual std::unique_ptr<Step> plan_blocked(const std::vector<Shape>& inputs) {
    return plan(inputs);
  }

  // Of inputs as they are and the output in blocks, where that is possible.
  virtual std::unique_ptr<Step> plan_giving(const std::vector<Shape>&) { return nullptr; }

  // The input that the output may overwrite, or -1.
  virtual int overwrites(const std::vector<Shape>&) const { return -1; }
  // Whether the output is nothing but the inputs one after another, so that they may be computed in
  // their place.
  virtual bool joins(const std::vector<Shape>&) const { return false; }

  // The values of a node that has no inputs and nothing to do, or null.
  virtual const float* constant() const { return nullptr; }

  // Looks for weights that are read where the caller has them: before each run on the caller's
  // thread, which must not let go of them until it has ended. Throws Error where they are gone.
  virtual void find_weights() {}
  // Makes a copy of such weights, once, and reads that from then on: before any run on another
  // thread, while which the caller can do as it likes. Throws Error.
  virtual void copy_weights() {}

  // How many weights were given up (ConvNode::give_up), and what they were.
  virtual int64_t given_up() const { return 0; }
  virtual void restore_weights(float*) const {}
  // From now on weights are not given up. `source` has those that were, or is empty.
  virtual void keep_weights(WeightSource) {}

  // Uses what `other` has prepared of its weights, where they are the same.
  virtual void share_weights(const Operation&) {}
  virtual size_t packed_bytes() const { return 0; }
};

}  // namespace nnconv
