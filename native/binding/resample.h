#pragma once

#include <napi.h>

#include "problem/resample_problem.h"

namespace nnconv {

// Checked: what validate() accepts.
ResampleSpec to_resample_spec(const Napi::Value& value);

void export_resample(Napi::Env env, Napi::Object exports);

}  // namespace nnconv
