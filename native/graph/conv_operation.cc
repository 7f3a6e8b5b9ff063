#include "graph/conv_operation.h"

#include <limits>
#include <map>
#include <optional>
#include <tuple>

#include "algorithm/select.h"
#include "graph/given_weights.h"
#include "problem/error.h"

namespace nnconv {
namespace {

using Packed = std::shared_ptr<const AlignedFloats>;

class ConvStep final : public Step {
 public:
  ConvStep(const ConvNode& node, const ConvShape& shape, const KernelTable& kernels,
           std::string algorithm, std::shared_ptr<const ConvPlan> plan, Packed packed)
      : node_(node),
        shape_(shape),
        kernels_(kernels),
        algorithm_(std::move(algorithm)),
        plan_(std::move(plan)),
        packed_(std::move(packed)) {}

  void run(const StepArgs& args) const override {
    const int threads = threads_for(node_.spec, shape_, kernels_);
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    Finish finish{0, node_.cuts ? node_.lo : -kInfinity, node_.cuts ? node_.hi : kInfinity};
    if (node_.adds)
      finish.other = static_cast<int64_t>(reinterpret_cast<intptr_t>(args.inputs[1]) -
                                          reinterpret_cast<intptr_t>(args.output));
    plan_->run({args.inputs[0], packed_->data(), node_.bias.empty() ? nullptr : node_.bias.data(),
                args.output, shape_.batch, args.workspace->get(plan_->workspace_bytes(threads)),
                threads, node_.adds || node_.cuts ? &finish : nullptr});
  }

  StepInfo info() const override {
    return {algorithm_, multiply_accumulates(node_.spec, shape_),
            static_cast<double>(packed_->size()) * sizeof(float)};
  }

 private:
  const ConvNode& node_;
  ConvShape shape_;
  const KernelTable& kernels_;
  std::string algorithm_;
  std::shared_ptr<const ConvPlan> plan_;
  Packed packed_;
};

class ConvOperation final : public Operation {
 public:
  ConvOperation(ConvNode node, const KernelTable& kernels)
      : node_(std::move(node)), kernels_(kernels) {
    validate(node_.spec);
  }

  size_t input_count() const override { return node_.adds ? 2 : 1; }

  Shape output_shape(const std::vector<Shape>& inputs) const override {
    const Shape shape =
        nnconv::output_shape(node_.spec, infer_shape(node_.spec, inputs[0], nullptr));
    if (node_.adds && inputs[1] != shape)
      throw shape_error("the tensor that is added must have shape " + format_list(shape) +
                        ", got " + format_list(inputs[1]));
    return shape;
  }

  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    const ConvShape shape = infer_shape(node_.spec, inputs[0], nullptr);
    const std::string algorithm = selected(shape);
    return step(algorithm, shape, make_plan(algorithm, node_.spec, shape, kernels_, Use::kNetwork));
  }

  Blocking blocking(const std::vector<Shape>& inputs) const override {
    const BlockedSelection s = selected_blocked(infer_shape(node_.spec, inputs[0], nullptr));
    // What is added would be in blocks, too.
    return {s.algorithm != nullptr, s.gain, s.giving != nullptr && !node_.adds};
  }

  std::unique_ptr<Step> plan_blocked(const std::vector<Shape>& inputs) override {
    const ConvShape shape = infer_shape(node_.spec, inputs[0], nullptr);
    const std::string algorithm = selected_blocked(shape).algorithm;
    return step(algorithm, shape,
                make_blocked_plan(algorithm, node_.spec, shape, kernels_, Format::kBlocked));
  }

  std::unique_ptr<Step> plan_giving(const std::vector<Shape>& inputs) override {
    const ConvShape shape = infer_shape(node_.spec, inputs[0], nullptr);
    const std::string algorithm = selected_blocked(shape).giving;
    return step(algorithm, shape,
                make_blocked_plan(algorithm, node_.spec, shape, kernels_, Format::kPlain));
  }

  int64_t given_up() const override { return given_ ? node_.spec.weight_size() : 0; }
  void restore_weights(float* weight) const override { given_->restore(weight); }
  void keep_weights(WeightSource source) override {
    if (source) node_.weight = std::move(source);
    node_.give_up = nullptr;
    given_.reset();
  }

  void share_weights(const Operation& other) override {
    const auto* conv = dynamic_cast<const ConvOperation*>(&other);
    if (conv && !conv->given_ && same_weights(conv->node_)) packed_ = conv->packed_;
  }

  size_t packed_bytes() const override {
    size_t bytes = 0;
    for (const auto& entry : *packed_) bytes += entry.second->size() * sizeof(float);
    return bytes;
  }

 private:
  std::string selected(const ConvShape& shape) const {
    return select_algorithm(node_.spec, shape, kernels_, node_.strict).algorithm;
  }
  BlockedSelection selected_blocked(const ConvShape& shape) const {
    return select_blocked(node_.spec, shape, kernels_, node_.strict);
  }

  // Whether another node's packed weights would be the same.
  bool same_weights(const ConvNode& other) const {
    const ConvSpec &a = node_.spec, &b = other.spec;
    const auto whole = [](const ConvSpec& s) {
      return std::tie(s.transposed, s.in_channels, s.out_channels, s.groups, s.kernel, s.stride,
                      s.dilation, s.pad_low);
    };
    return whole(a) == whole(b) && node_.scale == other.scale && node_.weight() == other.weight();
  }

  std::unique_ptr<Step> step(const std::string& algorithm, const ConvShape& shape,
                             std::shared_ptr<const ConvPlan> plan) {
    Packed packed = packed_for(*plan);
    if (node_.give_up && !given_) {
      given_ = GivenWeights::of(node_.spec, node_.scale, node_.weight(), plan, packed);
      if (given_ && !node_.give_up()) given_.reset();
    }
    return std::make_unique<ConvStep>(node_, shape, kernels_, algorithm, std::move(plan),
                                      std::move(packed));
  }

  Packed packed_for(const ConvPlan& plan) {
    const auto known = packed_->find(plan.pack_key());
    if (known != packed_->end()) return known->second;
    AlignedFloats scaled;
    const float* weight = given_ ? nullptr : node_.weight();
    if (given_ || !node_.scale.empty()) {
      scaled = AlignedFloats(static_cast<size_t>(node_.spec.weight_size()));
      if (given_)
        given_->restore_scaled(scaled.data());
      else
        scale_weights(node_.spec, node_.scale, weight, scaled.data());
      weight = scaled.data();
    }
    AlignedFloats floats(plan.packed_floats());
    plan.pack(weight, floats.data());
    return (*packed_)[plan.pack_key()] = std::make_shared<const AlignedFloats>(std::move(floats));
  }

  ConvNode node_;
  const KernelTable& kernels_;
  std::optional<GivenWeights> given_;
  // By pack key; shared with other networks of the same weights.
  std::shared_ptr<std::map<std::string, Packed>> packed_ =
      std::make_shared<std::map<std::string, Packed>>();
};

}  // namespace

std::unique_ptr<Operation> make_conv_operation(ConvNode node, const KernelTable& kernels) {
  return std::make_unique<ConvOperation>(std::move(node), kernels);
}

}  // namespace nnconv
