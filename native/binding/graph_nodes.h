// Nodes of a network, from JS objects.
#pragma once

#include <napi.h>

#include <memory>

#include "graph/operation.h"

namespace nnconv {

// A JS array of so many floats that is read again: kept alive, and checked to be as it was. Throws
// Error.
WeightSource pin_floats(const Napi::Value& value, int64_t count);

// An operation holds on to JS arrays that it goes on using: it must be destroyed on the thread of
// its environment. Throws Error.
std::unique_ptr<Operation> to_operation(const Napi::Object& node);

}  // namespace nnconv
