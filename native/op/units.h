// Work of many small independent units, shared out among threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "runtime/parallel.h"

namespace nnconv {

// Calls body(unit, thread) for each unit in [0, units), `floats` being about what one reads.
// Threads take runs of units that are long enough to be worth it; small work stays with the caller.
template <typename F>
void parallel_units(int64_t units, int64_t floats, F&& body) {
  constexpr int64_t kRunFloats = 1 << 14;
  const int64_t run = std::max<int64_t>(1, kRunFloats / std::max<int64_t>(1, floats));
  parallel_for((units + run - 1) / run, num_threads(), [&](int64_t item, int thread) {
    const int64_t end = std::min(units, (item + 1) * run);
    for (int64_t unit = item * run; unit < end; ++unit) body(unit, thread);
  });
}

}  // namespace nnconv
