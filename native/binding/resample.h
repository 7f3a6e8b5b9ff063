#pragma once

#include <napi.h>

namespace nnconv {

void export_resample(Napi::Env env, Napi::Object exports);

}  // namespace nnconv
