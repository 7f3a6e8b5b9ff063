#include "binding/graph_nodes.h"

#include <cmath>
#include <string>
#include <utility>

#include "algorithm/kernels.h"
#include "binding/elementwise.h"
#include "binding/pad.h"
#include "binding/pool.h"
#include "binding/resample.h"
#include "binding/values.h"
#include "graph/conv_operation.h"
#include "graph/operations.h"
#include "problem/error.h"

namespace nnconv {
namespace {

using Maker = std::unique_ptr<Operation> (*)(const Napi::Object& node);

std::vector<float> copy_floats(const Napi::Value& value, const char* name) {
  const int64_t length = length_of(value);
  const float* data = to_floats(value, name, length);
  return {data, data + length};
}

// Empty for null.
std::vector<float> copy_floats_or_none(const Napi::Value& value, const char* name) {
  return value.IsNull() ? std::vector<float>{} : copy_floats(value, name);
}

void require_count(const std::vector<float>& values, const char* name, int64_t count) {
  if (static_cast<int64_t>(values.size()) != count)
    throw shape_error(std::string(name) + " must have " + std::to_string(count) + " values, got " +
                      std::to_string(values.size()));
}

// [lo, hi], or null for no limits.
bool read_cut(const Napi::Value& value, float* lo, float* hi) {
  if (value.IsNull()) return false;
  if (!value.IsArray()) throw type_error("cut must be an array, got " + describe(value));
  const Napi::Array cut = value.As<Napi::Array>();
  *lo = static_cast<float>(to_number(cut.Get(0u), "cut[0]"));
  *hi = static_cast<float>(to_number(cut.Get(1u), "cut[1]"));
  return true;
}

// A batch norm behind a convolution, in evaluation mode: y * scale + shift.
void fold_norm(const Napi::Value& value, ConvNode* node) {
  if (value.IsNull()) return;
  const Napi::Object norm = to_object(value, "norm");
  const int64_t channels = node->spec.out_channels;
  const std::vector<float> mean = copy_floats(norm.Get("mean"), "mean");
  const std::vector<float> var = copy_floats(norm.Get("var"), "var");
  const std::vector<float> weight = copy_floats_or_none(norm.Get("weight"), "weight");
  const std::vector<float> bias = copy_floats_or_none(norm.Get("bias"), "bias");
  const double eps = to_number(norm.Get("eps"), "eps");
  require_count(mean, "mean", channels);
  require_count(var, "var", channels);
  if (!weight.empty()) require_count(weight, "weight", channels);
  if (!bias.empty()) require_count(bias, "bias", channels);
  const std::vector<float> before = std::move(node->bias);
  node->bias.assign(static_cast<size_t>(channels), 0.0f);
  node->scale.assign(static_cast<size_t>(channels), 1.0);
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    const double gain = weight.empty() ? 1.0 : static_cast<double>(weight[c]);
    const double scale = gain / std::sqrt(static_cast<double>(var[c]) + eps);
    const double from = before.empty() ? 0.0 : static_cast<double>(before[c]);
    node->scale[c] = scale;
    node->bias[c] = static_cast<float>((from - static_cast<double>(mean[c])) * scale +
                                       (bias.empty() ? 0.0 : static_cast<double>(bias[c])));
  }
}

// A JS array that a network reads again: kept alive, and checked to be as it was.
class PinnedFloats {
 public:
  PinnedFloats(const Napi::Value& value, int64_t length)
      : data_(to_floats(value, "weight", length)),
        length_(length),
        array_(Napi::Reference<Napi::Value>::New(value, 1)) {}

  // Throws Error where the array has been detached or moved since. On the thread of its environment
  // only.
  const float* get() const {
    const Napi::HandleScope scope(array_.Env());
    if (to_floats(array_.Value(), "weight", length_) != data_)
      throw type_error("weight of a graph must stay where it was");
    return data_;
  }

  // Frees the memory of the array, which is detached then. False where it is part of a buffer, or
  // its buffer can't be detached.
  bool give_up() {
    const Napi::HandleScope scope(array_.Env());
    get();
    const Napi::TypedArray array = array_.Value().As<Napi::TypedArray>();
    Napi::ArrayBuffer buffer = array.ArrayBuffer();
    if (buffer.ByteLength() != array.ByteLength()) return false;
    return napi_detach_arraybuffer(array_.Env(), buffer) == napi_ok;
  }

 private:
  const float* data_;
  int64_t length_;
  Napi::Reference<Napi::Value> array_;
};

std::unique_ptr<Operation> conv(const Napi::Object& node) {
  ConvNode conv;
  conv.spec = to_conv_spec(node.Get("spec"));
  if (conv.spec.padding_mode != PaddingMode::kConstant)
    throw value_error("paddingMode must be 'zeros' in a graph: pad in a node of its own");
  validate(conv.spec);
  conv.bias = copy_floats_or_none(node.Get("bias"), "bias");
  if (!conv.bias.empty()) require_count(conv.bias, "bias", conv.spec.out_channels);
  fold_norm(node.Get("norm"), &conv);
  conv.strict = to_boolean(node.Get("strict"), "strict");
  conv.adds = to_boolean(node.Get("adds"), "adds");
  conv.cuts = read_cut(node.Get("cut"), &conv.lo, &conv.hi);
  const auto weight = std::make_shared<PinnedFloats>(node.Get("weight"), conv.spec.weight_size());
  conv.weight = [weight] { return weight->get(); };
  const Napi::Value takes = node.Get("takesWeight");
  if (!takes.IsUndefined() && to_boolean(takes, "takesWeight"))
    conv.give_up = [weight] { return weight->give_up(); };
  return make_conv_operation(std::move(conv), kernels());
}

std::unique_ptr<Operation> linear(const Napi::Object& node) {
  LinearNode linear;
  linear.in = to_integer(node.Get("inFeatures"), "inFeatures");
  linear.out = to_integer(node.Get("outFeatures"), "outFeatures");
  require_sizes({linear.out, linear.in});
  linear.bias = copy_floats_or_none(node.Get("bias"), "bias");
  if (!linear.bias.empty()) require_count(linear.bias, "bias", linear.out);
  linear.cuts = read_cut(node.Get("cut"), &linear.lo, &linear.hi);
  linear.weight = pin_floats(node.Get("weight"), linear.out * linear.in);
  return make_linear_operation(std::move(linear), kernels());
}

template <NormNode::Kind Kind>
std::unique_ptr<Operation> norm(const Napi::Object& object) {
  NormNode node;
  node.kind = Kind;
  node.weight = copy_floats_or_none(object.Get("weight"), "weight");
  node.bias = copy_floats_or_none(object.Get("bias"), "bias");
  node.eps = to_number(object.Get("eps"), "eps");
  if (Kind == NormNode::Kind::kGroup) {
    node.groups = to_integer(object.Get("numGroups"), "numGroups");
  } else if (Kind == NormNode::Kind::kLayer) {
    node.normalized_shape =
        to_integers(object.Get("normalizedShape"), "normalizedShape", kMostDimensions);
  } else {
    node.mean = copy_floats_or_none(object.Get("mean"), "mean");
    node.var = copy_floats_or_none(object.Get("var"), "var");
    if (node.mean.empty() != node.var.empty())
      throw value_error("mean and var must either both be null or neither be null");
  }
  return make_norm_operation(std::move(node), kernels());
}

std::unique_ptr<Operation> response_norm(const Napi::Object& node) {
  return make_response_norm_operation(
      to_integer(node.Get("size"), "size"), to_number(node.Get("alpha"), "alpha"),
      to_number(node.Get("beta"), "beta"), to_number(node.Get("k"), "k"), kernels());
}

std::unique_ptr<Operation> pool(const Napi::Object& node) {
  return make_pool_operation(to_pool_spec(node.Get("spec")), kernels());
}

std::unique_ptr<Operation> softmax(const Napi::Object& node) {
  return make_softmax_operation(to_integer(node.Get("dim"), "dim"),
                                to_boolean(node.Get("log"), "log"), kernels());
}

std::unique_ptr<Operation> activation(const Napi::Object& node) {
  return make_activation_operation(to_activation(node.Get("kind")),
                                   static_cast<float>(to_number(node.Get("a"), "a")),
                                   static_cast<float>(to_number(node.Get("b"), "b")), kernels());
}

std::unique_ptr<Operation> binary(const Napi::Object& node) {
  return make_binary_operation(to_binary(node.Get("kind")), kernels());
}

std::unique_ptr<Operation> matmul(const Napi::Object&) { return make_matmul_operation(kernels()); }

std::unique_ptr<Operation> constant(const Napi::Object& node) {
  Constant constant;
  constant.shape = to_integers(node.Get("shape"), "shape", kMostDimensions);
  require_sizes(constant.shape);
  constant.values = copy_floats(node.Get("data"), "data");
  return make_constant_operation(std::move(constant));
}

std::unique_ptr<Operation> cat(const Napi::Object& node) {
  const Napi::Value inputs = node.Get("inputs");
  const uint32_t count = inputs.IsArray() ? inputs.As<Napi::Array>().Length() : 0;
  return make_cat_operation(count, to_integer(node.Get("dim"), "dim"));
}

std::unique_ptr<Operation> permute(const Napi::Object& node) {
  return make_permute_operation(to_integers(node.Get("dims"), "dims", kMostDimensions));
}

std::unique_ptr<Operation> pixel_shuffle(const Napi::Object& node) {
  return make_shuffle_operation(to_integer(node.Get("factor"), "factor"),
                                to_boolean(node.Get("inverse"), "inverse"));
}

std::unique_ptr<Operation> mean(const Napi::Object& node) {
  return make_mean_operation(to_integers(node.Get("dims"), "dims", kMostDimensions),
                             to_boolean(node.Get("keepdim"), "keepdim"), kernels());
}

std::unique_ptr<Operation> reshape(const Napi::Object& node) {
  return make_reshape_operation(to_integers(node.Get("shape"), "shape", kMostDimensions));
}

std::unique_ptr<Operation> select(const Napi::Object& node) {
  return make_select_operation(to_integer(node.Get("dim"), "dim"),
                               to_integer(node.Get("index"), "index"));
}

std::unique_ptr<Operation> pad(const Napi::Object& node) {
  return make_pad_operation(to_pad_spec(node.Get("spec")));
}

std::unique_ptr<Operation> resample(const Napi::Object& node) {
  return make_resample_operation(to_resample_spec(node.Get("spec")));
}

constexpr struct {
  const char* op;
  Maker make;
} kMakers[] = {
    {"conv", conv},
    {"linear", linear},
    {"batchNorm", norm<NormNode::Kind::kBatch>},
    {"instanceNorm", norm<NormNode::Kind::kInstance>},
    {"groupNorm", norm<NormNode::Kind::kGroup>},
    {"layerNorm", norm<NormNode::Kind::kLayer>},
    {"localResponseNorm", response_norm},
    {"pool", pool},
    {"softmax", softmax},
    {"activation", activation},
    {"binary", binary},
    {"matmul", matmul},
    {"constant", constant},
    {"cat", cat},
    {"permute", permute},
    {"pixelShuffle", pixel_shuffle},
    {"mean", mean},
    {"reshape", reshape},
    {"select", select},
    {"pad", pad},
    {"resample", resample},
};

}  // namespace

WeightSource pin_floats(const Napi::Value& value, int64_t count) {
  const auto pinned = std::make_shared<PinnedFloats>(value, count);
  return [pinned] { return pinned->get(); };
}

std::unique_ptr<Operation> to_operation(const Napi::Object& node) {
  const std::string op = to_name(node.Get("op"), "op");
  for (const auto& maker : kMakers) {
    if (op == maker.op) return maker.make(node);
  }
  throw value_error("op must be one that a graph knows, got '" + op + "'");
}

}  // namespace nnconv
