#include "op/peak.h"

#include <algorithm>
#include <chrono>

namespace nnconv {

double fma_peak(const KernelTable& kernels, double seconds) {
  using Clock = std::chrono::steady_clock;
  // Some 0.2 ms a run: long beside a look at the clock, short beside a time slice.
  constexpr int64_t kFlopsOfRun = 10'000'000;
  const int64_t rounds = std::max<int64_t>(1, kFlopsOfRun / kernels.peak.flops);
  const double flops = static_cast<double>(rounds * kernels.peak.flops);
  const auto start = Clock::now();
  volatile float sink = 0;
  double best = 0;
  auto before = start;
  do {
    float sum = 0;
    kernels.peak.run(rounds, &sum);
    sink = sum;
    const auto now = Clock::now();
    const double elapsed = std::chrono::duration<double>(now - before).count();
    if (elapsed > 0) best = std::max(best, flops / elapsed / 1e9);
    before = now;
  } while (std::chrono::duration<double>(before - start).count() < seconds);
  static_cast<void>(sink);
  return best;
}

}  // namespace nnconv
