// How work on many elements is cut into pieces for threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "runtime/parallel.h"

namespace nnconv {

// Threads worth waking for `steps` simple steps, such as elements moved or multiply-accumulates
// by `per_thread`: some ten times what waking a thread costs.
inline int threads_for_steps(double steps, double per_thread) {
  return static_cast<int>(std::clamp(steps / per_thread, 1.0, static_cast<double>(num_threads())));
}

constexpr double kElementsPerThread = 32e3;
constexpr double kMacsPerThread = 250e3;

constexpr int64_t kPiece = 1 << 14;  // elements, a good part of the first-level cache

// Calls body(begin, end) for pieces of [0, count).
template <typename F>
void parallel_pieces(int64_t count, F&& body) {
  const int threads = threads_for_steps(static_cast<double>(count), kElementsPerThread);
  parallel_for((count + kPiece - 1) / kPiece, threads,
               [&](int64_t i, int) { body(i * kPiece, std::min(count, (i + 1) * kPiece)); });
}

// Calls body(unit, thread) for each unit in [0, units), `floats` being about what one reads.
// Threads take runs of units that are long enough to be worth it; small work stays with the caller.
template <typename F>
void parallel_units(int64_t units, int64_t floats, F&& body) {
  const int64_t run = std::max<int64_t>(1, kPiece / std::max<int64_t>(1, floats));
  parallel_for((units + run - 1) / run, num_threads(), [&](int64_t item, int thread) {
    const int64_t end = std::min(units, (item + 1) * run);
    for (int64_t unit = item * run; unit < end; ++unit) body(unit, thread);
  });
}

}  // namespace nnconv
