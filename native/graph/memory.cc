#include "graph/memory.h"

#include <algorithm>
#include <numeric>

#include "problem/error.h"

namespace nnconv {

Layout lay_out(const std::vector<Lifetime>& lifetimes) {
  constexpr int64_t kLine = 16;
  constexpr int64_t kMost = int64_t{1} << 53;  // far from where bytes overflow
  const auto rounded = [](int64_t floats) { return (floats + kLine - 1) / kLine * kLine; };
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lifetimes[a].floats > lifetimes[b].floats; });
  Layout layout;
  layout.offsets.assign(lifetimes.size(), 0);
  std::vector<size_t> placed;  // by offset
  for (size_t i : order) {
    const Lifetime& life = lifetimes[i];
    int64_t at = 0;
    for (size_t j : placed) {
      const Lifetime& other = lifetimes[j];
      if (other.last < life.first || other.first > life.last) continue;
      if (at + rounded(life.floats) <= layout.offsets[j]) break;
      at = std::max(at, layout.offsets[j] + rounded(other.floats));
    }
    if (life.floats > kMost || at > kMost)
      throw alloc_error("the tensors between the layers are too large to be allocated");
    layout.offsets[i] = at;
    layout.floats = std::max(layout.floats, at + rounded(life.floats));
    const auto behind = std::find_if(placed.begin(), placed.end(),
                                     [&](size_t j) { return layout.offsets[j] > at; });
    placed.insert(behind, i);
  }
  return layout;
}

}  // namespace nnconv
