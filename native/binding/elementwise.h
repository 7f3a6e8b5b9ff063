#pragma once

#include <napi.h>

#include "kernel/kernel.h"

namespace nnconv {

// By name. Throws Error.
Activation to_activation(const Napi::Value& value);
Binary to_binary(const Napi::Value& value);

void export_elementwise(Napi::Env env, Napi::Object exports);

}  // namespace nnconv
