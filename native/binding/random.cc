#include "binding/random.h"

#include <algorithm>
#include <string>

#include "binding/environment.h"
#include "binding/values.h"
#include "op/random.h"
#include "problem/error.h"

namespace nnconv {
namespace {

constexpr size_t kStateLength = kTwisterWords + 1;

// The words, and how many of them are used up.
uint32_t* to_state(const Napi::Value& value) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  napi_value buffer = nullptr;
  if (!value.IsTypedArray() ||
      napi_get_typedarray_info(value.Env(), value, &type, &length, &data, &buffer, nullptr) !=
          napi_ok ||
      type != napi_uint32_array)
    throw type_error("state must be a Uint32Array, got " + describe(value));
  bool plain = false;
  napi_is_arraybuffer(value.Env(), buffer, &plain);
  if (!plain) throw buffer_error("state must not be backed by a SharedArrayBuffer");
  // A detached one has no elements.
  if (length != kStateLength)
    throw shape_error("state must hold " + std::to_string(kStateLength) + " elements, got " +
                      std::to_string(length));
  return static_cast<uint32_t*>(data);
}

// (kind, state, out, a, b)
Napi::Value random_fill(const Napi::CallbackInfo& info) {
  const std::string kind = to_name(info[0], "kind");
  const bool uniform = kind == "uniform", normal = kind == "normal";
  if (!uniform && !normal && kind != "bernoulli")
    throw value_error("kind must be one of 'uniform', 'normal', 'bernoulli', got '" + kind + "'");
  const double a = to_number(info[3], "a");
  const double b = to_number(info[4], "b");
  const int64_t count = info[2].IsTypedArray()
                            ? static_cast<int64_t>(info[2].As<Napi::TypedArray>().ElementLength())
                            : 0;
  // JS hands both over to be written to.
  float* out = const_cast<float*>(to_floats(info[2], "out", count));
  uint32_t* state = to_state(info[1]);
  // A copy: `out` may lie in the same buffer.
  Twister twister;
  std::copy_n(state, kTwisterWords, twister.words);
  twister.next = state[kTwisterWords];
  if (twister.next > kTwisterWords)
    throw value_error("state must end in a number from 0 to " + std::to_string(kTwisterWords) +
                      ", got " + std::to_string(twister.next));
  if (normal && count < kNormalBlock)
    throw shape_error("out must hold at least " + std::to_string(kNormalBlock) +
                      " elements for normal numbers, got " + std::to_string(count));
  if (uniform) fill_uniform(&twister, out, count, a, b);
  if (normal) fill_normal(&twister, out, count, a, b);
  if (!uniform && !normal) fill_bernoulli(&twister, out, count, a, b);
  std::copy_n(twister.words, kTwisterWords, state);
  state[kTwisterWords] = twister.next;
  return info.Env().Undefined();
}

}  // namespace

void export_random(Napi::Env env, Napi::Object exports) {
  exports.Set("randomFill", Napi::Function::New<exported<random_fill>>(env, "randomFill"));
}

}  // namespace nnconv
