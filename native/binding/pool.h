#pragma once

#include <napi.h>

#include "problem/pool_problem.h"

namespace nnconv {

// Checked: what validate() accepts.
PoolSpec to_pool_spec(const Napi::Value& value);

void export_pool(Napi::Env env, Napi::Object exports);

}  // namespace nnconv
