// State of one JS environment (the main thread or a worker), and the frame around every exported
// function.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/parallel.h"
#include "runtime/workspace.h"

namespace nnconv {

class AsyncState;

struct Environment {
  Napi::FunctionReference allocate;  // Buffer.allocUnsafeSlow, as it was at load
  Workspace workspace;
  std::shared_ptr<AsyncState> async;  // null until it is needed
};

Environment& environment(Napi::Env env);

// A Float32Array of undefined contents, to be filled before JS sees it. Throws Error where it can't
// be allocated.
Napi::Value new_floats(Napi::Env env, int64_t length);

// A warning of the process, as Node prints them.
void warn(Napi::Env env, const std::string& text);

// Once a process.
void warn_of_refused_threads(Napi::Env env);

// Turns C++ exceptions into JS ones with a code.
[[noreturn]] void rethrow_as_js(Napi::Env env);

template <Napi::Value (*F)(const Napi::CallbackInfo&)>
Napi::Value exported(const Napi::CallbackInfo& info) {
  try {
    const Napi::Value result = F(info);
    if (refused_threads() > 0) warn_of_refused_threads(info.Env());
    return result;
  } catch (...) {
    rethrow_as_js(info.Env());
  }
}

}  // namespace nnconv
