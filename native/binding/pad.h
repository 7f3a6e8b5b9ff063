#pragma once

#include <napi.h>

namespace nnconv {

void export_pad(Napi::Env env, Napi::Object exports);

}  // namespace nnconv
