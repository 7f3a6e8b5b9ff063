// Padding: a spec in, a result out; nothing is kept between calls.
#include "binding/pad.h"

#include <vector>

#include "binding/compute.h"
#include "binding/environment.h"
#include "binding/values.h"
#include "op/pad.h"
#include "problem/conv_problem.h"
#include "problem/error.h"
#include "problem/pad_problem.h"

namespace nnconv {
namespace {

PaddingMode to_mode(const Napi::Value& value) {
  const std::string name = to_name(value, "mode");
  for (PaddingMode mode : {PaddingMode::kConstant, PaddingMode::kReflect, PaddingMode::kReplicate,
                           PaddingMode::kCircular}) {
    if (name == padding_name(mode)) return mode;
  }
  throw value_error("mode must be 'constant', 'reflect', 'replicate' or 'circular', got '" + name +
                    "'");
}

}  // namespace

PadSpec to_pad_spec(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "spec");
  PadSpec spec;
  spec.mode = to_mode(object.Get("mode"));
  spec.padding = to_integers(object.Get("padding"), "padding", 2 * kMostDimensions);
  spec.value = to_number(object.Get("value"), "value");
  validate(spec);
  return spec;
}

namespace {

Napi::Value pad_check(const Napi::CallbackInfo& info) {
  to_pad_spec(info[0]);
  return info.Env().Undefined();
}

Napi::Value pad_output_shape(const Napi::CallbackInfo& info) {
  const PadSpec spec = to_pad_spec(info[0]);
  return from_integers(info.Env(),
                       infer_shape(spec, to_integers(info[1], "inputShape", kMostDimensions)).out);
}

Napi::Value pad_forward(const Napi::CallbackInfo& info) {
  const PadSpec spec = to_pad_spec(info[0]);
  const PadShape shape = infer_shape(spec, to_integers(info[2], "inputShape", kMostDimensions));
  return compute_shaped(
      info.Env(), "padding", shape.out,
      [&] { return to_floats(info[1], "input", checked_product(shape.in)); },
      [&](const float* input, float* output) { pad(spec, shape, input, output); });
}

}  // namespace

void export_pad(Napi::Env env, Napi::Object exports) {
  exports.Set("padCheck", Napi::Function::New<exported<pad_check>>(env, "padCheck"));
  exports.Set("padOutputShape",
              Napi::Function::New<exported<pad_output_shape>>(env, "padOutputShape"));
  exports.Set("padForward", Napi::Function::New<exported<pad_forward>>(env, "padForward"));
}

}  // namespace nnconv
