#pragma once

#include <napi.h>

#include "problem/pad_problem.h"

namespace nnconv {

// Checked: what validate() accepts.
PadSpec to_pad_spec(const Napi::Value& value);

void export_pad(Napi::Env env, Napi::Object exports);

}  // namespace nnconv
