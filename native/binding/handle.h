// JS objects that own a C++ one, known by a tag so that no other object is taken for one.
#pragma once

#include <napi.h>

#include <memory>
#include <string>

#include "binding/values.h"
#include "problem/error.h"

namespace nnconv {

// `finalize` deletes what the object owns. `what` names it in a message.
template <typename T>
Napi::Object wrap_handle(Napi::Env env, const napi_type_tag& tag, std::unique_ptr<T> owned,
                         napi_finalize finalize, const char* what) {
  Napi::Object object = Napi::Object::New(env);
  if (napi_type_tag_object(env, object, &tag) != napi_ok ||
      napi_wrap(env, object, owned.get(), finalize, nullptr, nullptr) != napi_ok)
    throw Napi::Error::New(env, std::string("can't create ") + what);
  owned.release();
  return object;
}

// Throws Error for any other value; `expected` says what it must be: "graph must be ...".
template <typename T>
T& unwrap_handle(const Napi::Value& value, const napi_type_tag& tag, const char* expected) {
  bool ours = false;
  void* data = nullptr;
  if (value.IsObject() && napi_check_object_type_tag(value.Env(), value, &tag, &ours) == napi_ok &&
      ours && napi_unwrap(value.Env(), value, &data) == napi_ok)
    return *static_cast<T*>(data);
  throw type_error(std::string(expected) + ", got " + describe(value));
}

// The native bytes that V8 knows a handle to hold.
class ReportedBytes {
 public:
  // In a finalizer too.
  void set(napi_env env, size_t bytes) {
    const int64_t now = static_cast<int64_t>(bytes);
    if (now == reported_) return;
    int64_t total = 0;
    napi_adjust_external_memory(env, now - reported_, &total);
    reported_ = now;
  }

 private:
  int64_t reported_ = 0;
};

}  // namespace nnconv
