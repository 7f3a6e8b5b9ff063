// Random numbers from a generator whose state JS holds.
#pragma once

#include <napi.h>

namespace nnconv {

void export_random(Napi::Env env, Napi::Object exports);

}  // namespace nnconv
