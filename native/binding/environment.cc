#include "binding/environment.h"

#include <atomic>
#include <new>

#include "problem/error.h"
#include "runtime/workspace.h"

namespace nnconv {
namespace {

Napi::Error with_code(Napi::Error error, const char* code) {
  error.Set("code", Napi::String::New(error.Env(), code));
  return error;
}

}  // namespace

Environment& environment(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

Napi::Value new_floats(Napi::Env env, int64_t length) {
  // A buffer made natively is zeroed first, and V8 ends the process where it can't be had; Node's
  // own allocation of raw memory does neither.
  constexpr int64_t kSmall = 1 << 10;
  if (length <= kSmall) return Napi::Float32Array::New(env, static_cast<size_t>(length));
  keep_freed_memory();
  napi_value raw = nullptr, buffer = nullptr;
  void* data = nullptr;
  try {
    raw = environment(env).allocate.Call(
        {Napi::Number::New(env, static_cast<double>(length) * sizeof(float))});
  } catch (const Napi::Error&) {
    throw alloc_error("output of " + std::to_string(length) + " elements can't be allocated");
  }
  napi_value floats = nullptr;
  if (napi_get_typedarray_info(env, raw, nullptr, nullptr, &data, &buffer, nullptr) != napi_ok ||
      napi_create_typedarray(env, napi_float32_array, static_cast<size_t>(length), buffer, 0,
                             &floats) != napi_ok)
    throw Napi::Error::New(env, "can't create a Float32Array");
  advise_huge_pages(data, static_cast<size_t>(length) * sizeof(float));
  return Napi::Value(env, floats);
}

void warn(Napi::Env env, const std::string& text) {
  try {
    const Napi::Object process = env.Global().Get("process").As<Napi::Object>();
    process.Get("emitWarning")
        .As<Napi::Function>()
        .Call(process, {Napi::String::New(env, text), Napi::String::New(env, "NnconvWarning")});
  } catch (const Napi::Error&) {
    // Someone replaced it; what is warned of is no reason to fail.
  }
}

void warn_of_refused_threads(Napi::Env env) {
  static std::atomic<bool> warned{false};
  const int working = refused_threads();
  if (working == 0 || working >= num_threads()) return;
  if (warned.exchange(true)) return;
  warn(env, "the system refuses threads (a limit on processes?): runs use " +
                std::to_string(working) + " instead of " + std::to_string(num_threads()));
}

void rethrow_as_js(Napi::Env env) {
  try {
    throw;
  } catch (const Napi::Error&) {
    throw;
  } catch (const Error& e) {
    if (e.kind() == Error::Kind::kType)
      throw with_code(Napi::TypeError::New(env, e.what()), e.code());
    throw with_code(Napi::RangeError::New(env, e.what()), e.code());
  } catch (const std::bad_alloc&) {
    throw with_code(Napi::RangeError::New(env, "workspace can't be allocated: out of memory"),
                    "ERR_NNCONV_ALLOC");
  } catch (const std::exception& e) {
    throw with_code(Napi::Error::New(env, e.what()), "ERR_NNCONV_INTERNAL");
  }
}

}  // namespace nnconv
