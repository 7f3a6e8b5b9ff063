#pragma once

#include <napi.h>

namespace nnconv {

void export_pool(Napi::Env env, Napi::Object exports);

}  // namespace nnconv
