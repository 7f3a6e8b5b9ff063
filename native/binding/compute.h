// The frame around an operation that fills one new Float32Array.
#pragma once

#include <napi.h>

#include <cstdint>

#include "binding/environment.h"

namespace nnconv {

// `read` returns the inputs' pointers and throws for wrong buffers: before memory is asked for, and
// again after, as allocation may run JS. `run` takes them and the output.
template <typename Read, typename Run>
Napi::Value compute(Napi::Env env, int64_t length, const Read& read, const Run& run) {
  read();
  const Napi::Value out = new_floats(env, length);
  const auto inputs = read();
  run(inputs, out.As<Napi::Float32Array>().Data());
  return out;
}

}  // namespace nnconv
