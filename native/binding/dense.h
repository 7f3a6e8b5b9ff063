#pragma once

#include <napi.h>

namespace nnconv {

void export_dense(Napi::Env env, Napi::Object exports);

}  // namespace nnconv
