#pragma once

#include <napi.h>

namespace nnconv {

void export_shape(Napi::Env env, Napi::Object exports);

}  // namespace nnconv
