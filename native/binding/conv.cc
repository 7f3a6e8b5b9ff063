// The convolution handle: a JS object that owns a Conv.
#include "binding/conv.h"

#include <memory>
#include <utility>
#include <vector>

#include "algorithm/conv.h"
#include "algorithm/kernels.h"
#include "binding/async.h"
#include "binding/environment.h"
#include "binding/handle.h"
#include "binding/values.h"
#include "problem/error.h"

namespace nnconv {
namespace {

struct Handle {
  std::shared_ptr<Conv> conv;
  ReportedBytes reported;
};

constexpr napi_type_tag kConvTag = {0x6e6e636f6e762e63ULL, 0x6f6e76687564316cULL};

void report_memory(Napi::Env env, Handle* handle) {
  handle->reported.set(env, handle->conv->packed_bytes());
}

void finalize_handle(napi_env env, void* data, void*) {
  Handle* handle = static_cast<Handle*>(data);
  handle->reported.set(env, 0);
  delete handle;
}

Handle& to_handle(const Napi::Value& value) {
  return unwrap_handle<Handle>(value, kConvTag, "handle must be what convCreate returned");
}

Napi::Value conv_create(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto handle = std::make_unique<Handle>();
  handle->conv = std::make_shared<Conv>(to_conv_spec(info[0]), kernels());
  return wrap_handle(env, kConvTag, std::move(handle), finalize_handle, "a convolution handle");
}

struct Call {
  std::shared_ptr<Conv> conv;
  ConvOptions options;
  ConvShape shape;
};

Call to_call(const Napi::Value& handle, const Napi::Value& input_shape,
             const Napi::Value& options) {
  Call call;
  call.conv = to_handle(handle).conv;
  const ConvSpec& spec = call.conv->spec();
  const std::vector<int64_t> sizes = to_integers(input_shape, "inputShape", kMostDimensions);
  call.options = to_conv_options(options, spec.dims);
  call.shape = infer_shape(spec, sizes, call.options.output_padding_or_null());
  return call;
}

Napi::Value conv_output_shape(const Napi::CallbackInfo& info) {
  const Call call = to_call(info[0], info[1], info[2]);
  return from_integers(info.Env(), output_shape(call.conv->spec(), call.shape));
}

int64_t input_size(const Call& call) {
  return call.shape.batch * call.conv->spec().in_channels * call.shape.in_plane();
}

int64_t output_size(const Call& call) {
  return call.shape.batch * call.conv->spec().out_channels * call.shape.out_plane();
}

struct Buffers {
  const float* input;
  ConvWeights weights;
  const float* bias;  // or null
};

// The arrays among the arguments of convForward and convForwardAsync.
Buffers to_buffers(const Napi::CallbackInfo& info, const Call& call, int64_t version) {
  const ConvSpec& spec = call.conv->spec();
  return {to_floats(info[1], "input", input_size(call)),
          {to_floats(info[3], "weight", spec.weight_size()), version},
          info[5].IsUndefined() ? nullptr : to_floats_or_null(info[5], "bias", spec.out_channels)};
}

Napi::Object to_result(Napi::Env env, const Napi::Value& data, const ConvSpec& spec,
                       const ConvShape& shape) {
  return shaped(env, data, output_shape(spec, shape));
}

Napi::Value conv_forward(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Call call = to_call(info[0], info[2], info[6]);
  const int64_t version = to_integer(info[4], "weightVersion");
  to_buffers(info, call, version);  // wrong ones are to be found before memory is asked for
  const Napi::Value out = new_floats(env, output_size(call));
  const Buffers buffers = to_buffers(info, call, version);
  call.conv->run(call.shape, call.options, buffers.weights,
                 {buffers.input, buffers.bias, out.As<Napi::Float32Array>().Data()},
                 &environment(env).workspace);
  report_memory(env, &to_handle(info[0]));
  return to_result(env, out, call.conv->spec(), call.shape);
}

class ConvCall final : public AsyncCall {
 public:
  ConvCall(const Call& call, const Buffers& buffers, PendingFloats output)
      : conv_(call.conv),
        shape_(call.shape),
        prepared_(call.conv->prepare(call.shape, call.options, buffers.weights)),
        input_(copy_of_input(buffers.input, input_size(call))),
        output_(std::move(output)) {
    if (buffers.bias)
      bias_.assign(buffers.bias, buffers.bias + static_cast<size_t>(conv_->spec().out_channels));
  }

  void run(Workspace* workspace, const std::atomic<bool>&) override {
    conv_->run(prepared_, shape_,
               {input_.data(), bias_.empty() ? nullptr : bias_.data(), output_.data()}, workspace);
    input_ = AlignedFloats();  // JS may be slow to ask for the result
  }
  Napi::Value result(Napi::Env env) override {
    return to_result(env, output_.value(), conv_->spec(), shape_);
  }
  int64_t bytes() const override {
    return static_cast<int64_t>((input_.size() + bias_.size()) * sizeof(float));
  }

 private:
  const std::shared_ptr<const Conv> conv_;
  const ConvShape shape_;
  const Conv::Prepared prepared_;
  AlignedFloats input_;
  std::vector<float> bias_;
  const PendingFloats output_;
};

Napi::Value conv_forward_async(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Call call = to_call(info[0], info[2], info[6]);
  const int64_t version = to_integer(info[4], "weightVersion");
  to_buffers(info, call, version);
  require_room();
  PendingFloats output(env, output_size(call));
  auto run = std::make_unique<ConvCall>(call, to_buffers(info, call, version), std::move(output));
  report_memory(env, &to_handle(info[0]));
  return start_async(env, std::move(run));
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
  exports.Set("convForwardAsync",
              Napi::Function::New<exported<conv_forward_async>>(env, "convForwardAsync"));
  exports.Set("convExplain", Napi::Function::New<exported<conv_explain>>(env, "convExplain"));
  exports.Set("convAlgorithms",
              Napi::Function::New<exported<conv_algorithms>>(env, "convAlgorithms"));
  exports.Set("convStats", Napi::Function::New<exported<conv_stats>>(env, "convStats"));
}

}  // namespace nnconv
