#pragma once

#include <napi.h>

namespace nnconv {

void export_elementwise(Napi::Env env, Napi::Object exports);

}  // namespace nnconv
