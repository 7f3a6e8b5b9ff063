#include "binding/peak.h"

#include "algorithm/kernels.h"
#include "binding/environment.h"
#include "binding/values.h"
#include "op/peak.h"
#include "problem/error.h"

namespace nnconv {
namespace {

Napi::Value measure_fma_peak(const Napi::CallbackInfo& info) {
  const double seconds = to_number(info[0], "seconds");
  // It blocks, so not for long. NaN is refused as well.
  if (!(seconds > 0 && seconds <= 0.1))
    throw value_error("seconds must be above 0 and at most 0.1, got " + describe(info[0]));
  return Napi::Number::New(info.Env(), fma_peak(kernels(), seconds));
}

}  // namespace

void export_peak(Napi::Env env, Napi::Object exports) {
  exports.Set("fmaPeak", Napi::Function::New<exported<measure_fma_peak>>(env, "fmaPeak"));
}

}  // namespace nnconv
