// What output values go through on their way to memory. Included by the per-instruction-set files:
// plain structs only.
#pragma once

#include <stdint.h>

namespace nnconv {

// y becomes min(max(y + other, lo), hi); NaN stays NaN.
struct Finish {
  // Distance in bytes from an output value to the one of another tensor, of the same layout, that
  // is added to it; 0: none.
  int64_t other;
  float lo, hi;
};

}  // namespace nnconv
