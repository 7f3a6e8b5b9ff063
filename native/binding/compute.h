// The frame around an operation that fills one new Float32Array.
#pragma once

#include <napi.h>

#include <cstdint>
#include <vector>

#include "binding/environment.h"
#include "binding/values.h"
#include "problem/conv_problem.h"

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

// The same for a result that JS gets together with its shape: { data, shape }. `owner` is what a
// message calls it.
template <typename Read, typename Run>
Napi::Value compute_shaped(Napi::Env env, const char* owner, const std::vector<int64_t>& shape,
                           const Read& read, const Run& run) {
  require_allocatable(owner, shape);
  return shaped(env, compute(env, checked_product(shape), read, run), shape);
}

// Sizes of a tensor, and what a message calls them.
inline std::vector<int64_t> to_sizes(const Napi::Value& value, const char* name) {
  const std::vector<int64_t> sizes = to_integers(value, name, kMostDimensions);
  require_sizes(sizes);
  return sizes;
}

}  // namespace nnconv
