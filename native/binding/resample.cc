// Resampling: a spec in, a result out; nothing is kept between calls.
#include "binding/resample.h"

#include <vector>

#include "binding/compute.h"
#include "binding/environment.h"
#include "binding/values.h"
#include "op/resample.h"
#include "problem/conv_problem.h"
#include "problem/error.h"
#include "problem/resample_problem.h"

namespace nnconv {
namespace {

std::vector<double> to_factors(const Napi::Value& value) {
  if (!value.IsArray())
    throw type_error("scaleFactor must be an array of numbers, got " + describe(value));
  const Napi::Array array = value.As<Napi::Array>();
  const uint32_t length = array.Length();
  if (length > kMostDimensions)
    throw value_error("scaleFactor must have at most " + std::to_string(kMostDimensions) +
                      " values, got " + std::to_string(length));
  std::vector<double> result;
  for (uint32_t i = 0; i < length; ++i)
    result.push_back(to_number(array.Get(i), "scaleFactor[" + std::to_string(i) + "]"));
  return result;
}

}  // namespace

ResampleSpec to_resample_spec(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "spec");
  ResampleSpec spec = resample_spec(to_name(object.Get("mode"), "mode"));
  const Napi::Value size = object.Get("size");
  if (!size.IsNull()) spec.size = to_integers(size, "size", kMostDimensions);
  const Napi::Value factor = object.Get("scaleFactor");
  if (!factor.IsNull()) spec.scale_factor = to_factors(factor);
  const Napi::Value align = object.Get("alignCorners");
  spec.has_align_corners = !align.IsNull();
  if (spec.has_align_corners) spec.align_corners = to_boolean(align, "alignCorners");
  spec.recompute_scale_factor =
      to_boolean(object.Get("recomputeScaleFactor"), "recomputeScaleFactor");
  validate(spec);
  return spec;
}

namespace {

Napi::Value resample_check(const Napi::CallbackInfo& info) {
  to_resample_spec(info[0]);
  return info.Env().Undefined();
}

Napi::Value resample_output_shape(const Napi::CallbackInfo& info) {
  const ResampleSpec spec = to_resample_spec(info[0]);
  return from_integers(
      info.Env(), infer_shape(spec, to_integers(info[1], "inputShape", kMostDimensions)).output);
}

Napi::Value resample_forward(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const ResampleSpec spec = to_resample_spec(info[0]);
  if (spec.mode == ResampleMode::kArea)
    throw unsupported_error("mode 'area' is adaptive average pooling to the output's shape");
  const std::vector<int64_t> sizes = to_integers(info[2], "inputShape", kMostDimensions);
  const ResampleShape shape = infer_shape(spec, sizes);
  return compute_shaped(
      env, "resampling", shape.output,
      [&] { return to_floats(info[1], "input", checked_product(sizes)); },
      [&](const float* input, float* output) {
        resample(spec, shape, input, output, &environment(env).workspace);
      });
}

}  // namespace

void export_resample(Napi::Env env, Napi::Object exports) {
  exports.Set("resampleCheck", Napi::Function::New<exported<resample_check>>(env, "resampleCheck"));
  exports.Set("resampleOutputShape",
              Napi::Function::New<exported<resample_output_shape>>(env, "resampleOutputShape"));
  exports.Set("resampleForward",
              Napi::Function::New<exported<resample_forward>>(env, "resampleForward"));
}

}  // namespace nnconv
