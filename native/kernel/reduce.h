// Reductions of contiguous floats, in an order that depends on their number only. Included by the
// per-instruction-set files: plain structs only.
#pragma once

#include <stdint.h>

namespace nnconv {

struct ReduceTable {
  // The largest; NaN where there is one, -infinity for none.
  float (*max)(const float* values, int64_t count);
  // Sum, and sum of squared distances from `center`, in double.
  double (*sum)(const float* values, int64_t count);
  double (*squares)(const float* values, int64_t count, double center);
};

}  // namespace nnconv
