// Where the tensors of a network lie in one block of memory: those that are never alive together
// may share a place.
#pragma once

#include <cstdint>
#include <vector>

namespace nnconv {

struct Lifetime {
  int64_t floats;
  int64_t first, last;  // steps, both included
};

struct Layout {
  std::vector<int64_t> offsets;  // in floats, multiples of a cache line
  int64_t floats = 0;
};

// Largest first, each at the lowest place that is free all its life. Throws Error where that would
// be beyond any memory.
Layout lay_out(const std::vector<Lifetime>& lifetimes);

}  // namespace nnconv
