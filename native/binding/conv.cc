// The convolution handle: a JS object that owns a Conv.
#include "binding/conv.h"

#include <memory>

#include "algorithm/conv.h"
#include "algorithm/kernels.h"
#include "binding/environment.h"
#include "binding/values.h"
#include "problem/error.h"

namespace nnconv {
namespace {

struct Handle {
  std::unique_ptr<Conv> conv;
  int64_t reported = 0;  // bytes that V8 knows of
};

constexpr napi_type_tag kConvTag = {0x6e6e636f6e762e63ULL, 0x6f6e76687564316cULL};

void report_memory(Napi::Env env, Handle* handle) {
  const int64_t bytes = static_cast<int64_t>(handle->conv->packed_bytes());
  if (bytes == handle->reported) return;
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes - handle->reported);
  handle->reported = bytes;
}

void finalize_handle(napi_env env, void* data, void*) {
  Handle* handle = static_cast<Handle*>(data);
  int64_t total = 0;
  if (handle->reported) napi_adjust_external_memory(env, -handle->reported, &total);
  delete handle;
}

Handle& to_handle(const Napi::Value& value) {
  bool ours = false;
  void* data = nullptr;
  if (value.IsObject() &&
      napi_check_object_type_tag(value.Env(), value, &kConvTag, &ours) == napi_ok && ours &&
      napi_unwrap(value.Env(), value, &data) == napi_ok)
    return *static_cast<Handle*>(data);
  throw type_error("handle must be what convCreate returned, got " + describe(value));
}

Napi::Value conv_create(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto handle = std::make_unique<Handle>();
  handle->conv = std::make_unique<Conv>(to_conv_spec(info[0]), kernels());
  Napi::Object object = Napi::Object::New(env);
  if (napi_type_tag_object(env, object, &kConvTag) != napi_ok ||
      napi_wrap(env, object, handle.get(), finalize_handle, nullptr, nullptr) != napi_ok)
    throw Napi::Error::New(env, "can't create a convolution handle");
  handle.release();
  return object;
}

struct Call {
  Conv* conv;
  ConvOptions options;
  ConvShape shape;
};

Call to_call(const Napi::Value& handle, const Napi::Value& input_shape,
             const Napi::Value& options) {
  Call call;
  call.conv = to_handle(handle).conv.get();
  const ConvSpec& spec = call.conv->spec();
  const std::vector<int64_t> sizes = to_integers(input_shape, "inputShape", 64);
  call.options = to_conv_options(options, spec.dims);
  call.shape = infer_shape(spec, sizes, call.options.output_padding_or_null());
  return call;
}

Napi::Value conv_output_shape(const Napi::CallbackInfo& info) {
  const Call call = to_call(info[0], info[1], info[2]);
  return from_integers(info.Env(), output_shape(call.conv->spec(), call.shape));
}

Napi::Value conv_forward(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Call call = to_call(info[0], info[2], info[6]);
  const ConvSpec& spec = call.conv->spec();
  const int64_t version = to_integer(info[4], "weightVersion");
  const auto read = [&](float* output) {
    ConvBuffers buffers;
    buffers.input =
        to_floats(info[1], "input", call.shape.batch * spec.in_channels * call.shape.in_plane());
    buffers.weight = to_floats(info[3], "weight", spec.weight_size());
    buffers.weight_version = version;
    buffers.bias = info[5].IsNull() || info[5].IsUndefined()
                       ? nullptr
                       : to_floats(info[5], "bias", spec.out_channels);
    buffers.output = output;
    return buffers;
  };
  read(nullptr);  // wrong buffers are to be found before memory is asked for
  const Napi::Value out =
      new_floats(env, call.shape.batch * spec.out_channels * call.shape.out_plane());
  const ConvBuffers buffers = read(out.As<Napi::Float32Array>().Data());
  call.conv->run(call.shape, call.options, buffers, &environment(env).workspace);
  report_memory(env, &to_handle(info[0]));
  Napi::Object result = Napi::Object::New(env);
  result.Set("data", out);
  result.Set("shape", from_integers(env, output_shape(spec, call.shape)));
  return result;
}

Napi::Value conv_explain(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Call call = to_call(info[0], info[1], info[2]);
  const ConvExplanation e = call.conv->explain(call.shape, call.options);
  Napi::Object result = Napi::Object::New(env);
  result.Set("algorithm", e.algorithm);
  result.Set("isa", e.isa);
  result.Set("reason", e.reason);
  result.Set("threads", e.threads);
  result.Set("workspaceBytes", static_cast<double>(e.workspace_bytes));
  result.Set("macs", e.macs);
  return result;
}

Napi::Value conv_algorithms(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Call call = to_call(info[0], info[1], env.Undefined());
  const std::vector<std::string> names = call.conv->algorithms(call.shape);
  Napi::Array result = Napi::Array::New(env, names.size());
  for (size_t i = 0; i < names.size(); ++i) result.Set(static_cast<uint32_t>(i), names[i]);
  return result;
}

Napi::Value conv_stats(const Napi::CallbackInfo& info) {
  const Conv& conv = *to_handle(info[0]).conv;
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("packs", static_cast<double>(conv.packs()));
  result.Set("packedBytes", static_cast<double>(conv.packed_bytes()));
  return result;
}

}  // namespace

void export_conv(Napi::Env env, Napi::Object exports) {
  exports.Set("convCreate", Napi::Function::New<exported<conv_create>>(env, "convCreate"));
  exports.Set("convOutputShape",
              Napi::Function::New<exported<conv_output_shape>>(env, "convOutputShape"));
  exports.Set("convForward", Napi::Function::New<exported<conv_forward>>(env, "convForward"));
  exports.Set("convExplain", Napi::Function::New<exported<conv_explain>>(env, "convExplain"));
  exports.Set("convAlgorithms",
              Napi::Function::New<exported<conv_algorithms>>(env, "convAlgorithms"));
  exports.Set("convStats", Napi::Function::New<exported<conv_stats>>(env, "convStats"));
}

}  // namespace nnconv
