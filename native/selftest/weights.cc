// Weights that were given up come back, bit for bit, from what was packed.
#include <cmath>
#include <cstring>

#include "algorithm/select.h"
#include "graph/given_weights.h"
#include "selftest/selftest.h"

namespace nnconv {
namespace {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::vector<double> scales(Random& random, const ConvSpec& spec) {
  std::vector<double> scale;
  for (float s : noise(random, spec.out_channels, 3.0f))
    scale.push_back(static_cast<double>(s) + (s < 0 ? -0.1 : 0.1));
  return scale;
}

}  // namespace

void test_given_weights(const ConvSpec& spec, const ConvShape& shape, const KernelTable& table,
                        const std::string& algorithm, const std::vector<float>& weight,
                        Random& random, const std::string& what) {
  constexpr int64_t kMost = 10000;  // emulated CPUs are slow
  if (spec.padding_mode != PaddingMode::kConstant || spec.weight_size() > kMost) return;
  const std::vector<double> scale = scales(random, spec);
  for (const std::vector<double>& s : {std::vector<double>{}, scale}) {
    std::unique_ptr<ConvPlan> plan = make_plan(algorithm, spec, shape, table, Use::kNetwork);
    std::vector<float> scaled(weight.size());
    scale_weights(spec, s, weight.data(), scaled.data());
    const auto packed = std::make_shared<AlignedFloats>(plan->packed_floats());
    plan->pack(scaled.data(), packed->data());
    const bool all = plan->packs_all_weights();
    const auto given = GivenWeights::of(spec, s, weight.data(), std::move(plan), packed);
    check(given.has_value() == all, what + ": weights can be found again");
    if (!given) continue;
    std::vector<float> back(weight.size(), std::nanf("")), scaled_back = back;
    given->restore(back.data());
    given->restore_scaled(scaled_back.data());
    check(same_bits(back, weight), what + ": weights come back");
    check(same_bits(scaled_back, scaled), what + ": scaled weights come back");
  }
}

}  // namespace nnconv
