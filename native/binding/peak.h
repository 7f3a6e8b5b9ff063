#pragma once

#include <napi.h>

namespace nnconv {

void export_peak(Napi::Env env, Napi::Object exports);

}  // namespace nnconv
