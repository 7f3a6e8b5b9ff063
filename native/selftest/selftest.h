// What the parts of the self-test share.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "kernel/kernel.h"
#include "problem/conv_problem.h"

namespace nnconv {

// Counts, and tells of what failed.
void check(bool ok, const std::string& what);

using Random = std::mt19937;

inline int64_t pick(Random& random, int64_t lo, int64_t hi) {
  return lo + static_cast<int64_t>(random() % static_cast<uint32_t>(hi - lo + 1));
}

// Exactly sized, so that a sanitizer sees every access past the end.
inline std::vector<float> noise(Random& random, int64_t count, float scale) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = scale * (static_cast<float>(random() % 65536) / 32768.0f - 1.0f);
  return values;
}

void test_given_weights(const ConvSpec& spec, const ConvShape& shape, const KernelTable& table,
                        const std::string& algorithm, const std::vector<float>& weight,
                        Random& random, const std::string& what);
void test_layout(Random& random);
void test_graphs(const std::vector<const KernelTable*>& tables, int rounds, Random& random);

}  // namespace nnconv
