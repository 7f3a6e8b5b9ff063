#pragma once

#include <napi.h>

namespace nnconv {

void export_graph(Napi::Env env, Napi::Object exports);

}  // namespace nnconv
