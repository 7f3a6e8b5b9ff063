// Activations, and arithmetic on two tensors.
#include "binding/elementwise.h"

#include <string>
#include <utility>
#include <vector>

#include "algorithm/kernels.h"
#include "binding/compute.h"
#include "binding/environment.h"
#include "binding/values.h"
#include "op/elementwise.h"
#include "problem/error.h"

namespace nnconv {
namespace {

using Info = Napi::CallbackInfo;

template <typename Kind>
struct Named {
  const char* name;
  Kind kind;
};

constexpr Named<Activation> kActivationNames[] = {
    {"clamp", kClamp},
    {"leakyRelu", kLeakyRelu},
    {"elu", kElu},
    {"sigmoid", kSigmoid},
    {"tanh", kTanh},
    {"silu", kSilu},
    {"gelu", kGelu},
    {"geluTanh", kGeluTanh},
    {"mish", kMish},
    {"hardswish", kHardswish},
    {"hardsigmoid", kHardsigmoid},
};
static_assert(sizeof(kActivationNames) / sizeof(kActivationNames[0]) == kActivations);

constexpr Named<Binary> kBinaryNames[] = {
    {"add", kAdd}, {"sub", kSub}, {"mul", kMul}, {"div", kDiv}, {"prelu", kPrelu},
};
static_assert(sizeof(kBinaryNames) / sizeof(kBinaryNames[0]) == kBinaries);

template <typename Kind, size_t N>
Kind to_kind(const Napi::Value& value, const Named<Kind> (&names)[N]) {
  const std::string name = to_name(value, "kind");
  std::string known;
  for (const Named<Kind>& named : names) {
    if (name == named.name) return named.kind;
    known += (known.empty() ? "'" : ", '") + std::string(named.name) + "'";
  }
  throw value_error("kind must be one of " + known + ", got '" + name + "'");
}

}  // namespace

Activation to_activation(const Napi::Value& value) { return to_kind(value, kActivationNames); }

Binary to_binary(const Napi::Value& value) { return to_kind(value, kBinaryNames); }

namespace {

// (kind, input, a, b, inPlace)
Napi::Value activation(const Info& info) {
  const Activation kind = to_activation(info[0]);
  const float a = static_cast<float>(to_number(info[2], "a"));
  const float b = static_cast<float>(to_number(info[3], "b"));
  const bool in_place = to_boolean(info[4], "inPlace");
  const int64_t length = length_of(info[1]);
  const auto read = [&] { return to_floats(info[1], "input", length); };
  if (in_place) {
    // JS hands the input over for that.
    const float* x = read();
    run_activation(kernels(), kind, x, const_cast<float*>(x), length, a, b);
    return info[1];
  }
  return compute(info.Env(), length, read, [&](const float* x, float* y) {
    run_activation(kernels(), kind, x, y, length, a, b);
  });
}

// (kind, x, xShape, y, yShape)
Napi::Value binary(const Info& info) {
  const Binary kind = to_binary(info[0]);
  const std::vector<int64_t> x_shape = to_sizes(info[2], "xShape");
  const std::vector<int64_t> y_shape = to_sizes(info[4], "yShape");
  using Inputs = std::pair<const float*, const float*>;
  return compute_shaped(
      info.Env(), "arithmetic", broadcast_shape(x_shape, y_shape),
      [&] {
        return Inputs(to_floats(info[1], "x", checked_product(x_shape)),
                      to_floats(info[3], "y", checked_product(y_shape)));
      },
      [&](const Inputs& in, float* out) {
        run_binary(kernels(), kind, in.first, x_shape, in.second, y_shape, out);
      });
}

}  // namespace

void export_elementwise(Napi::Env env, Napi::Object exports) {
  exports.Set("activation", Napi::Function::New<exported<activation>>(env, "activation"));
  exports.Set("binary", Napi::Function::New<exported<binary>>(env, "binary"));
}

}  // namespace nnconv
