// Micro-kernel that measures how fast this CPU multiplies and accumulates. Included by the
// per-instruction-set files: plain structs only.
#pragma once

#include <stdint.h>

namespace nnconv {

// `rounds` times one multiply-accumulate on each of enough vectors to hide its latency; no memory
// traffic but for the sum of all lanes, which goes to `sum` so that nothing is left out.
typedef void (*PeakFn)(int64_t rounds, float* sum);

struct PeakTable {
  PeakFn run;
  int64_t flops;  // floating-point operations of a round
};

}  // namespace nnconv
