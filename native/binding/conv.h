#pragma once

#include <napi.h>

namespace nnconv {

void export_conv(Napi::Env env, Napi::Object exports);

}  // namespace nnconv
