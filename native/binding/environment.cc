#include "binding/environment.h"

#include <new>

#include "problem/error.h"

namespace nnconv {
namespace {

Napi::Error with_code(Napi::Error error, const char* code) {
  error.Set("code", Napi::String::New(error.Env(), code));
  return error;
}

}  // namespace

Environment& environment(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

Napi::Value new_floats(Napi::Env env, int64_t length) {
  // V8 ends the process where a native call asks for a buffer that can't be had; the JS constructor
  // throws instead.
  constexpr int64_t kSmall = 1 << 20;
  if (length <= kSmall) return Napi::Float32Array::New(env, static_cast<size_t>(length));
  try {
    return environment(env).float32_array.New(
        {Napi::Number::New(env, static_cast<double>(length))});
  } catch (const Napi::Error&) {
    throw alloc_error("output of " + std::to_string(length) + " elements can't be allocated");
  }
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
