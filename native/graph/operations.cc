#include "graph/operations.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "op/elementwise.h"
#include "op/linear.h"
#include "op/norm.h"
#include "op/pad.h"
#include "op/pool.h"
#include "op/resample.h"
#include "op/shape.h"
#include "problem/conv_problem.h"
#include "problem/error.h"
#include "problem/norm_problem.h"

namespace nnconv {
namespace {

// A step that is one call.
template <typename F>
class CallStep final : public Step {
 public:
  CallStep(F call, double macs) : call_(std::move(call)), macs_(macs) {}
  void run(const StepArgs& args) const override { call_(args); }
  StepInfo info() const override { return {"", macs_, 0}; }

 private:
  F call_;
  double macs_;
};

template <typename F>
std::unique_ptr<Step> step(F call, double macs = 0) {
  return std::make_unique<CallStep<F>>(std::move(call), macs);
}

const float* or_null(const std::vector<float>& values) {
  return values.empty() ? nullptr : values.data();
}

class PoolOperation final : public Operation {
 public:
  PoolOperation(const PoolSpec& spec, const KernelTable& kernels) : spec_(spec), kernels_(kernels) {
    validate(spec_);
  }
  Shape output_shape(const std::vector<Shape>& inputs) const override {
    return nnconv::output_shape(spec_, infer_shape(spec_, inputs[0]));
  }
  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    return step([this, shape = infer_shape(spec_, inputs[0])](const StepArgs& args) {
      pool(spec_, shape, args.inputs[0], args.output, kernels_, args.workspace);
    });
  }
  Blocking blocking(const std::vector<Shape>& inputs) const override {
    // Neither masks nor shuffles.
    constexpr double kGain = 4.0;
    const PoolShape shape = infer_shape(spec_, inputs[0]);
    return {supports_pool_blocked(spec_),
            kGain * static_cast<double>(shape.channels * shape.in_plane())};
  }
  std::unique_ptr<Step> plan_blocked(const std::vector<Shape>& inputs) override {
    return step([run = make_pool_blocked(spec_, infer_shape(spec_, inputs[0]), kernels_)](
                    const StepArgs& args) { run(args.inputs[0], args.output); });
  }

 private:
  PoolSpec spec_;
  const KernelTable& kernels_;
};

class NormOperation final : public Operation {
 public:
  NormOperation(NormNode node, const KernelTable& kernels)
      : node_(std::move(node)), kernels_(kernels) {}

  Shape output_shape(const std::vector<Shape>& inputs) const override {
    if (node_.kind == NormNode::Kind::kLayer) {
      check_sizes(layer_norm_shape(inputs[0], node_.normalized_shape).length);
    } else {
      check_sizes(channels(inputs[0]).channels);
    }
    return inputs[0];
  }

  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    const NormParameters p{or_null(node_.weight), or_null(node_.bias), node_.eps};
    if (node_.kind == NormNode::Kind::kLayer)
      return step([this, p,
                   shape = layer_norm_shape(inputs[0], node_.normalized_shape)](const StepArgs& a) {
        layer_norm(shape, a.inputs[0], p, a.output, kernels_);
      });
    const ChannelShape shape = channels(inputs[0]);
    if (node_.kind == NormNode::Kind::kBatch && node_.mean.empty())
      return step([this, p, shape](const StepArgs& a) {
        batch_norm(shape, a.inputs[0], p, {nullptr, nullptr}, 0.0, a.output, kernels_);
      });
    if (node_.kind == NormNode::Kind::kGroup)
      return step([this, p, shape](const StepArgs& a) {
        group_norm(shape, node_.groups, a.inputs[0], p, a.output, kernels_);
      });
    if (node_.mean.empty())
      return step([this, p, shape](const StepArgs& a) {
        instance_norm(shape, a.inputs[0], p, {nullptr, nullptr}, 0.0, a.output, kernels_);
      });
    const RunningStatistics running{node_.mean.data(), node_.var.data()};
    return step([this, p, shape, running](const StepArgs& a) {
      channel_norm(shape, a.inputs[0], p, running, a.output, kernels_);
    });
  }

  int overwrites(const std::vector<Shape>&) const override { return node_.mean.empty() ? -1 : 0; }

 private:
  ChannelShape channels(const Shape& input) const {
    switch (node_.kind) {
      case NormNode::Kind::kGroup:
        return group_norm_shape(input, node_.groups);
      case NormNode::Kind::kInstance:
        return instance_norm_shape(input, node_.mean.empty());
      default:
        return batch_norm_shape(input, node_.mean.empty(), node_.eps);
    }
  }
  void check_sizes(int64_t count) const {
    for (const std::vector<float>* values : {&node_.weight, &node_.bias, &node_.mean, &node_.var}) {
      if (!values->empty() && static_cast<int64_t>(values->size()) != count)
        throw shape_error("weight, bias and statistics of a normalisation must have " +
                          std::to_string(count) + " values, got " + std::to_string(values->size()));
    }
  }

  NormNode node_;
  const KernelTable& kernels_;
};

class ResponseNormOperation final : public Operation {
 public:
  ResponseNormOperation(const ResponseNorm& p, const KernelTable& kernels)
      : p_(p), kernels_(kernels) {}
  Shape output_shape(const std::vector<Shape>& inputs) const override {
    response_norm_shape(inputs[0], p_.size);
    return inputs[0];
  }
  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    return step([this, shape = response_norm_shape(inputs[0], p_.size)](const StepArgs& a) {
      response_norm(shape, a.inputs[0], p_, a.output, kernels_);
    });
  }

 private:
  ResponseNorm p_;
  const KernelTable& kernels_;
};

class SoftmaxOperation final : public Operation {
 public:
  SoftmaxOperation(int64_t dim, bool log, const KernelTable& kernels)
      : dim_(dim), log_(log), kernels_(kernels) {}
  Shape output_shape(const std::vector<Shape>& inputs) const override {
    softmax_shape(inputs[0], dim_);
    return inputs[0];
  }
  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    return step([this, shape = softmax_shape(inputs[0], dim_)](const StepArgs& a) {
      softmax(shape, log_, a.inputs[0], a.output, kernels_);
    });
  }

 private:
  int64_t dim_;
  bool log_;
  const KernelTable& kernels_;
};

class ActivationOperation final : public Operation {
 public:
  ActivationOperation(Activation kind, float a, float b, const KernelTable& kernels)
      : kind_(kind), a_(a), b_(b), kernels_(kernels) {}
  Shape output_shape(const std::vector<Shape>& inputs) const override { return inputs[0]; }
  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    return step([this, count = checked_product(inputs[0])](const StepArgs& args) {
      run_activation(kernels_, kind_, args.inputs[0], args.output, count, a_, b_);
    });
  }
  int overwrites(const std::vector<Shape>&) const override { return 0; }
  Blocking blocking(const std::vector<Shape>&) const override { return {true, 0}; }

 private:
  Activation kind_;
  float a_, b_;
  const KernelTable& kernels_;
};

class ConstantOperation final : public Operation {
 public:
  explicit ConstantOperation(Constant constant) : constant_(std::move(constant)) {
    if (static_cast<int64_t>(constant_.values.size()) != checked_product(constant_.shape))
      throw shape_error("a constant of shape " + format_list(constant_.shape) + " has " +
                        std::to_string(constant_.values.size()) + " values");
    if (constant_.values.empty()) constant_.values.push_back(0.0f);  // so that there is an address
  }
  size_t input_count() const override { return 0; }
  Shape output_shape(const std::vector<Shape>&) const override { return constant_.shape; }
  std::unique_ptr<Step> plan(const std::vector<Shape>&) override { return nullptr; }
  const float* constant() const override { return constant_.values.data(); }

 private:
  Constant constant_;
};

class BinaryOperation final : public Operation {
 public:
  BinaryOperation(Binary kind, const KernelTable& kernels) : kind_(kind), kernels_(kernels) {}
  size_t input_count() const override { return 2; }
  Shape output_shape(const std::vector<Shape>& inputs) const override {
    return broadcast_shape(inputs[0], inputs[1]);
  }
  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    return step([this, x = inputs[0], y = inputs[1]](const StepArgs& args) {
      run_binary(kernels_, kind_, args.inputs[0], x, args.inputs[1], y, args.output);
    });
  }
  int overwrites(const std::vector<Shape>& inputs) const override {
    const Shape shape = output_shape(inputs);
    return inputs[0] == shape ? 0 : inputs[1] == shape ? 1 : -1;
  }
  Blocking blocking(const std::vector<Shape>& inputs) const override {
    return {inputs[0] == inputs[1], 0};
  }

 private:
  Binary kind_;
  const KernelTable& kernels_;
};

class MatmulOperation final : public Operation {
 public:
  explicit MatmulOperation(const KernelTable& kernels) : kernels_(kernels) {}
  size_t input_count() const override { return 2; }
  Shape output_shape(const std::vector<Shape>& inputs) const override {
    return matmul_problem(inputs[0], inputs[1]).shape;
  }
  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    MatmulProblem problem = matmul_problem(inputs[0], inputs[1]);
    const double macs = static_cast<double>(checked_product(problem.batch)) *
                        static_cast<double>(problem.rows) * static_cast<double>(problem.inner) *
                        static_cast<double>(problem.columns);
    return step(
        [this, problem = std::move(problem)](const StepArgs& args) {
          run_matmul(kernels_, problem, args.inputs[0], args.inputs[1], args.output,
                     args.workspace);
        },
        macs);
  }

 private:
  const KernelTable& kernels_;
};

class LinearOperation final : public Operation {
 public:
  LinearOperation(LinearNode node, const KernelTable& kernels)
      : node_(std::move(node)), kernels_(kernels) {}
  Shape output_shape(const std::vector<Shape>& inputs) const override {
    return linear_shape(inputs[0], {node_.out, node_.in});
  }
  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    int64_t rows = 1;
    for (size_t d = 0; d + 1 < inputs[0].size(); ++d) rows *= inputs[0][d];
    const double macs =
        static_cast<double>(rows) * static_cast<double>(node_.in) * static_cast<double>(node_.out);
    return step(
        [this, rows](const StepArgs& args) {
          const float* weight = *copy_ ? (*copy_)->data() : found_;
          run_linear(kernels_, args.inputs[0], rows, weight, node_.out, node_.in,
                     or_null(node_.bias), args.output);
          if (node_.cuts)
            run_activation(kernels_, kClamp, args.output, args.output, rows * node_.out, node_.lo,
                           node_.hi);
        },
        macs);
  }
  void find_weights() override {
    if (!*copy_) found_ = node_.weight();
  }
  void copy_weights() override {
    if (*copy_) return;
    const float* weight = node_.weight();
    const size_t count = static_cast<size_t>(node_.out * node_.in);
    AlignedFloats copy(count);
    std::copy_n(weight, count, copy.data());
    *copy_ = std::move(copy);
  }
  void share_weights(const Operation& other) override {
    const auto* linear = dynamic_cast<const LinearOperation*>(&other);
    if (linear && linear->node_.out == node_.out && linear->node_.in == node_.in &&
        linear->node_.weight() == node_.weight())
      copy_ = linear->copy_;
  }
  size_t packed_bytes() const override { return *copy_ ? (*copy_)->size() * sizeof(float) : 0; }

 private:
  LinearNode node_;
  // Weights are used where they lie: they are as large as all the rest of many networks. Written on
  // the caller's thread only, and read on another once there is a copy.
  const float* found_ = nullptr;
  // Shared with other networks of the same weights.
  std::shared_ptr<std::optional<AlignedFloats>> copy_ =
      std::make_shared<std::optional<AlignedFloats>>();
  const KernelTable& kernels_;
};

class CatOperation final : public Operation {
 public:
  CatOperation(size_t inputs, int64_t dim) : inputs_(inputs), dim_(dim) {
    if (inputs == 0) throw value_error("tensors must hold at least one tensor, got none");
  }
  size_t input_count() const override { return inputs_; }
  Shape output_shape(const std::vector<Shape>& inputs) const override {
    return cat_problem(inputs, dim_).shape;
  }
  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    return step([count = inputs_, problem = cat_problem(inputs, dim_)](const StepArgs& args) {
      run_cat(problem, {args.inputs, args.inputs + count}, args.output);
    });
  }
  bool joins(const std::vector<Shape>& inputs) const override {
    return cat_problem(inputs, dim_).outer == 1;
  }
  // Blocks of channels one after another.
  Blocking blocking(const std::vector<Shape>& inputs) const override {
    return {resolve_dim("dim", dim_, inputs[0].size()) == 1, 0};
  }

 private:
  size_t inputs_;
  int64_t dim_;
};

class PermuteOperation final : public Operation {
 public:
  explicit PermuteOperation(std::vector<int64_t> dims) : dims_(std::move(dims)) {}
  Shape output_shape(const std::vector<Shape>& inputs) const override {
    return permuted_shape(inputs[0], resolve_permutation(dims_, inputs[0].size()));
  }
  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    return step([shape = inputs[0],
                 order = resolve_permutation(dims_, inputs[0].size())](const StepArgs& args) {
      run_permute(args.inputs[0], shape, order, args.output);
    });
  }

 private:
  std::vector<int64_t> dims_;
};

class ShuffleOperation final : public Operation {
 public:
  ShuffleOperation(int64_t factor, bool inverse) : factor_(factor), inverse_(inverse) {}
  Shape output_shape(const std::vector<Shape>& inputs) const override {
    return shuffle_problem(inputs[0], factor_, inverse_).shape;
  }
  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    return step([problem = shuffle_problem(inputs[0], factor_, inverse_)](const StepArgs& args) {
      run_permute(args.inputs[0], problem.split, problem.order, args.output);
    });
  }

 private:
  int64_t factor_;
  bool inverse_;
};

class MeanOperation final : public Operation {
 public:
  MeanOperation(std::vector<int64_t> dims, bool keepdim, const KernelTable& kernels)
      : dims_(std::move(dims)), keepdim_(keepdim), kernels_(kernels) {}
  Shape output_shape(const std::vector<Shape>& inputs) const override {
    return mean_problem(inputs[0], dims_, keepdim_).shape;
  }
  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    return step([this, shape = inputs[0],
                 problem = mean_problem(inputs[0], dims_, keepdim_)](const StepArgs& args) {
      run_mean(kernels_, problem, args.inputs[0], shape, args.output, args.workspace);
    });
  }

 private:
  std::vector<int64_t> dims_;
  bool keepdim_;
  const KernelTable& kernels_;
};

// Another shape for the same elements.
class ReshapeOperation final : public Operation {
 public:
  explicit ReshapeOperation(Shape shape) : shape_(std::move(shape)) {}
  std::unique_ptr<Step> plan(const std::vector<Shape>&) override { return nullptr; }
  Shape output_shape(const std::vector<Shape>& inputs) const override {
    const int64_t count = checked_product(inputs[0]);
    Shape shape = shape_;
    const auto unknown = std::find(shape.begin(), shape.end(), -1);
    int64_t known = 1;
    if (unknown != shape.end()) {
      *unknown = 1;
      if (std::all_of(shape.begin(), shape.end(), [](int64_t size) { return size >= 0; }))
        known = checked_product(shape);
      *unknown = known > 0 ? count / known : -1;
    }
    const bool sizes = std::all_of(shape.begin(), shape.end(), [](int64_t n) { return n >= 0; });
    if (!sizes || checked_product(shape) != count)
      throw shape_error("a tensor of shape " + format_list(inputs[0]) + " can't be reshaped to " +
                        format_list(shape_));
    return shape;
  }

 private:
  Shape shape_;
};

class PadOperation final : public Operation {
 public:
  explicit PadOperation(const PadSpec& spec) : spec_(spec) { validate(spec_); }
  Shape output_shape(const std::vector<Shape>& inputs) const override {
    return infer_shape(spec_, inputs[0]).out;
  }
  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    return step([this, shape = infer_shape(spec_, inputs[0])](const StepArgs& args) {
      pad(spec_, shape, args.inputs[0], args.output);
    });
  }

 private:
  PadSpec spec_;
};

class ResampleOperation final : public Operation {
 public:
  explicit ResampleOperation(const ResampleSpec& spec) : spec_(spec) {
    validate(spec_);
    if (spec_.mode == ResampleMode::kArea)
      throw unsupported_error("mode 'area' is adaptive average pooling to the output's shape");
  }
  Shape output_shape(const std::vector<Shape>& inputs) const override {
    return infer_shape(spec_, inputs[0]).output;
  }
  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    return step([this, shape = infer_shape(spec_, inputs[0])](const StepArgs& args) {
      resample(spec_, shape, args.inputs[0], args.output, args.workspace);
    });
  }

 private:
  ResampleSpec spec_;
};

class SelectOperation final : public Operation {
 public:
  SelectOperation(int64_t dim, int64_t index) : dim_(dim), index_(index) {}
  Shape output_shape(const std::vector<Shape>& inputs) const override {
    Shape shape = inputs[0];
    const Slice slice = slice_of(shape);
    shape.erase(shape.begin() + slice.dim);
    return shape;
  }
  std::unique_ptr<Step> plan(const std::vector<Shape>& inputs) override {
    return step([slice = slice_of(inputs[0])](const StepArgs& args) {
      const float* in = args.inputs[0] + slice.index * slice.inner;
      for (int64_t i = 0; i < slice.outer; ++i)
        std::copy_n(in + i * slice.size * slice.inner, slice.inner, args.output + i * slice.inner);
    });
  }

 private:
  struct Slice {
    int64_t dim, index, size, outer, inner;
  };
  Slice slice_of(const Shape& shape) const {
    if (shape.empty()) throw shape_error("a scalar has no dimension to select from");
    const int64_t dim = resolve_dim("dim", dim_, shape.size());
    const int64_t size = shape[static_cast<size_t>(dim)];
    if (index_ < -size || index_ >= size)
      throw value_error("index must be from " + std::to_string(-size) + " to " +
                        std::to_string(size - 1) + " for a tensor of shape " + format_list(shape) +
                        ", got " + std::to_string(index_));
    return {dim, index_ < 0 ? index_ + size : index_, size,
            checked_product({shape.begin(), shape.begin() + dim}),
            checked_product({shape.begin() + dim + 1, shape.end()})};
  }

  int64_t dim_, index_;
};

}  // namespace

std::unique_ptr<Operation> make_pool_operation(const PoolSpec& spec, const KernelTable& kernels) {
  return std::make_unique<PoolOperation>(spec, kernels);
}
std::unique_ptr<Operation> make_norm_operation(NormNode node, const KernelTable& kernels) {
  return std::make_unique<NormOperation>(std::move(node), kernels);
}
std::unique_ptr<Operation> make_response_norm_operation(int64_t size, double alpha, double beta,
                                                        double k, const KernelTable& kernels) {
  return std::make_unique<ResponseNormOperation>(ResponseNorm{size, alpha, beta, k}, kernels);
}
std::unique_ptr<Operation> make_softmax_operation(int64_t dim, bool log,
                                                  const KernelTable& kernels) {
  return std::make_unique<SoftmaxOperation>(dim, log, kernels);
}
std::unique_ptr<Operation> make_activation_operation(Activation kind, float a, float b,
                                                     const KernelTable& kernels) {
  return std::make_unique<ActivationOperation>(kind, a, b, kernels);
}
std::unique_ptr<Operation> make_constant_operation(Constant constant) {
  return std::make_unique<ConstantOperation>(std::move(constant));
}
std::unique_ptr<Operation> make_binary_operation(Binary kind, const KernelTable& kernels) {
  return std::make_unique<BinaryOperation>(kind, kernels);
}
std::unique_ptr<Operation> make_matmul_operation(const KernelTable& kernels) {
  return std::make_unique<MatmulOperation>(kernels);
}
std::unique_ptr<Operation> make_linear_operation(LinearNode node, const KernelTable& kernels) {
  return std::make_unique<LinearOperation>(std::move(node), kernels);
}
std::unique_ptr<Operation> make_cat_operation(size_t inputs, int64_t dim) {
  return std::make_unique<CatOperation>(inputs, dim);
}
std::unique_ptr<Operation> make_permute_operation(std::vector<int64_t> dims) {
  return std::make_unique<PermuteOperation>(std::move(dims));
}
std::unique_ptr<Operation> make_shuffle_operation(int64_t factor, bool inverse) {
  return std::make_unique<ShuffleOperation>(factor, inverse);
}
std::unique_ptr<Operation> make_mean_operation(std::vector<int64_t> dims, bool keepdim,
                                               const KernelTable& kernels) {
  return std::make_unique<MeanOperation>(std::move(dims), keepdim, kernels);
}
std::unique_ptr<Operation> make_reshape_operation(Shape shape) {
  return std::make_unique<ReshapeOperation>(std::move(shape));
}
std::unique_ptr<Operation> make_pad_operation(const PadSpec& spec) {
  return std::make_unique<PadOperation>(spec);
}
std::unique_ptr<Operation> make_resample_operation(const ResampleSpec& spec) {
  return std::make_unique<ResampleOperation>(spec);
}
std::unique_ptr<Operation> make_select_operation(int64_t dim, int64_t index) {
  return std::make_unique<SelectOperation>(dim, index);
}

}  // namespace nnconv
