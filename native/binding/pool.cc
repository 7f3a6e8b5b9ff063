// Pooling: a spec in, a result out; nothing is kept between calls.
#include "binding/pool.h"

#include <algorithm>

#include "algorithm/kernels.h"
#include "binding/compute.h"
#include "binding/environment.h"
#include "binding/values.h"
#include "op/pool.h"
#include "problem/error.h"
#include "problem/pool_problem.h"

namespace nnconv {
namespace {

bool to_average(const Napi::Value& value) {
  const std::string kind = to_name(value, "kind");
  if (kind != "max" && kind != "average")
    throw value_error("kind must be 'max' or 'average', got '" + kind + "'");
  return kind == "average";
}

size_t checked_rank(const char* name, size_t dims) {
  if (dims < 1 || dims > kMaxDims)
    throw value_error(std::string(name) + " must have 1 to 3 dimensions, got " +
                      std::to_string(dims));
  return dims;
}

void read_adaptive(const Napi::Value& value, PoolSpec* spec) {
  if (!value.IsArray()) throw type_error("outputSize must be an array, got " + describe(value));
  const Napi::Array sizes = value.As<Napi::Array>();
  const size_t dims = checked_rank("outputSize", sizes.Length());
  spec->adaptive = true;
  spec->dims = static_cast<int>(dims);
  for (size_t d = 0; d < dims; ++d) {
    const Napi::Value size = sizes.Get(static_cast<uint32_t>(d));
    if (size.IsNull()) continue;
    const int64_t n = to_integer(size, "outputSize[" + std::to_string(d) + "]");
    if (n < 0)
      throw value_error("outputSize must be non-negative in every dimension, got " +
                        std::to_string(n));
    spec->output_size[kMaxDims - dims + d] = n;
  }
}

void read_fixed(const Napi::Object& object, PoolSpec* spec) {
  const std::vector<int64_t> kernel = to_integers(object.Get("kernel"), "kernel");
  const size_t dims = checked_rank("kernel", kernel.size());
  spec->dims = static_cast<int>(dims);
  std::copy(kernel.begin(), kernel.end(), spec->kernel.end() - dims);
  spec->stride = to_dims(object, "stride", dims, 1);
  spec->padding = to_dims(object, "padding", dims, 0);
  spec->ceil_mode = to_boolean(object.Get("ceilMode"), "ceilMode");
  if (!spec->average) {
    spec->dilation = to_dims(object, "dilation", dims, 1);
    return;
  }
  spec->count_include_pad = to_boolean(object.Get("countIncludePad"), "countIncludePad");
  const Napi::Value divisor = object.Get("divisorOverride");
  spec->has_divisor = !divisor.IsNull();
  if (spec->has_divisor) spec->divisor = to_integer(divisor, "divisorOverride");
}

}  // namespace

PoolSpec to_pool_spec(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "spec");
  PoolSpec spec;
  spec.average = to_average(object.Get("kind"));
  const Napi::Value output_size = object.Get("outputSize");
  if (output_size.IsUndefined())
    read_fixed(object, &spec);
  else
    read_adaptive(output_size, &spec);
  validate(spec);
  return spec;
}

namespace {

Napi::Value pool_check(const Napi::CallbackInfo& info) {
  to_pool_spec(info[0]);
  return info.Env().Undefined();
}

Napi::Value pool_output_shape(const Napi::CallbackInfo& info) {
  const PoolSpec spec = to_pool_spec(info[0]);
  const PoolShape shape = infer_shape(spec, to_integers(info[1], "inputShape", kMostDimensions));
  return from_integers(info.Env(), output_shape(spec, shape));
}

Napi::Value pool_forward(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const PoolSpec spec = to_pool_spec(info[0]);
  const PoolShape shape = infer_shape(spec, to_integers(info[2], "inputShape", kMostDimensions));
  return compute_shaped(
      env, spec.name().c_str(), output_shape(spec, shape),
      [&] { return to_floats(info[1], "input", shape.planes() * shape.in_plane()); },
      [&](const float* input, float* output) {
        pool(spec, shape, input, output, kernels(), &environment(env).workspace);
      });
}

}  // namespace

void export_pool(Napi::Env env, Napi::Object exports) {
  exports.Set("poolCheck", Napi::Function::New<exported<pool_check>>(env, "poolCheck"));
  exports.Set("poolOutputShape",
              Napi::Function::New<exported<pool_output_shape>>(env, "poolOutputShape"));
  exports.Set("poolForward", Napi::Function::New<exported<pool_forward>>(env, "poolForward"));
}

}  // namespace nnconv
