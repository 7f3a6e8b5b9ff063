// Copies for panels. Included by the per-instruction-set files: plain structs only.
#pragma once

#include <stdint.h>

namespace nnconv {

// Pixels of a row that lie `step` apart, side by side, for each of the channels; with zeros where
// they are outside the input. Distances count floats.
struct RowCopy {
  const float* from;  // where pixel 0 is or would be
  int64_t from_c;     // distances of neighbouring channels
  float* to;
  int64_t to_c;
  int64_t channels;
  int64_t step;
  int64_t lo, hi;  // pixels [lo, hi) are inside, 0 <= lo <= hi <= length
  int64_t length;  // all that are written
};
typedef void (*RowCopyFn)(const RowCopy*);

}  // namespace nnconv
