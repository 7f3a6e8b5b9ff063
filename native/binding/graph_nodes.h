// Nodes of a network, from JS objects.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "graph/operation.h"

namespace nnconv {

// JS arrays that a network reads again when it makes a plan: kept alive, and checked to be as they
// were.
class PinnedFloats {
 public:
  PinnedFloats(const Napi::Value& value, const char* name, int64_t length);
  // Throws Error where the array has been detached or moved since. On the thread of its environment
  // only.
  const float* get() const;

 private:
  Napi::Reference<Napi::Value> array_;
  const float* data_;
  int64_t length_;
};

// `pinned` gets the arrays that the operation goes on using. Throws Error.
std::unique_ptr<Operation> to_operation(const Napi::Object& node,
                                        std::vector<std::unique_ptr<PinnedFloats>>* pinned);

}  // namespace nnconv
