#pragma once

#include <napi.h>

namespace nnconv {

void export_norm(Napi::Env env, Napi::Object exports);

}  // namespace nnconv
