// The addon's entry: exports, and what is not about convolution.
#include <napi.h>

#include "algorithm/kernels.h"
#include "binding/async.h"
#include "binding/conv.h"
#include "binding/dense.h"
#include "binding/elementwise.h"
#include "binding/environment.h"
#include "binding/graph.h"
#include "binding/norm.h"
#include "binding/pad.h"
#include "binding/peak.h"
#include "binding/pool.h"
#include "binding/random.h"
#include "binding/resample.h"
#include "binding/shape.h"
#include "binding/values.h"
#include "problem/error.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

Napi::Value set_threads(const Napi::CallbackInfo& info) {
  const int64_t n = to_integer(info[0], "numThreads");
  if (n < 1 || n > kMaxThreads)
    throw value_error("numThreads must be from 1 to " + std::to_string(kMaxThreads) + ", got " +
                      std::to_string(n));
  set_num_threads(static_cast<int>(n));
  return info.Env().Undefined();
}

Napi::Value get_threads(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), num_threads());
}

Napi::Value runtime_info(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const CpuInfo& cpu = cpu_info();
  Napi::Object result = Napi::Object::New(env);
  Napi::Array available = Napi::Array::New(env);
  for (const std::string& isa : cpu.isas) {
    if (kernels_for(isa.c_str())) available.Set(available.Length(), isa);
  }
  result.Set("version", NNCONV_VERSION);
  result.Set("isa", kernels().isa);
  result.Set("isaAvailable", available);
  result.Set("threads", num_threads());
  result.Set("threadsReason", default_threads_reason());
  result.Set("l1Bytes", static_cast<double>(cpu.l1_bytes));
  result.Set("l2Bytes", static_cast<double>(cpu.l2_bytes));
  result.Set("l3Bytes", static_cast<double>(cpu.l3_bytes));
  result.Set("cpu", cpu.model);
  result.Set("compiler", NNCONV_COMPILER);
  return result;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* data = new Environment();
  data->allocate = Napi::Persistent(
      env.Global().Get("Buffer").As<Napi::Object>().Get("allocUnsafeSlow").As<Napi::Function>());
  env.SetInstanceData(data);
  export_async(env, exports);
  export_conv(env, exports);
  export_pool(env, exports);
  export_norm(env, exports);
  export_graph(env, exports);
  export_pad(env, exports);
  export_resample(env, exports);
  export_elementwise(env, exports);
  export_dense(env, exports);
  export_shape(env, exports);
  export_random(env, exports);
  export_peak(env, exports);
  exports.Set("setNumThreads", Napi::Function::New<exported<set_threads>>(env, "setNumThreads"));
  exports.Set("getNumThreads", Napi::Function::New<exported<get_threads>>(env, "getNumThreads"));
  exports.Set("runtimeInfo", Napi::Function::New<exported<runtime_info>>(env, "runtimeInfo"));
  return exports;
}

NODE_API_MODULE(nnconv, init)

}  // namespace
}  // namespace nnconv
