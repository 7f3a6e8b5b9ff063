// Weights that the caller gave up once they were packed: they are found again in what was packed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "algorithm/plan.h"
#include "problem/conv_problem.h"
#include "runtime/workspace.h"

namespace nnconv {

// The weights of a convolution, each times the scale of its output channel; no scales: as they are.
void scale_weights(const ConvSpec& spec, const std::vector<double>& scale, const float* weight,
                   float* to);

class GivenWeights {
 public:
  // `packed` is what `plan` made of `weight` and `scale`. None where that would not bring back
  // every bit of `weight`.
  static std::optional<GivenWeights> of(const ConvSpec& spec, const std::vector<double>& scale,
                                        const float* weight, std::shared_ptr<const ConvPlan> plan,
                                        std::shared_ptr<const AlignedFloats> packed);

  // As they were given.
  void restore(float* weight) const;
  // Times their scales.
  void restore_scaled(float* scaled) const;

 private:
  GivenWeights() = default;

  ConvSpec spec_;
  std::vector<double> scale_;
  std::shared_ptr<const ConvPlan> plan_;
  std::shared_ptr<const AlignedFloats> packed_;
  // What a scaled weight divided by its scale is off, in units of the last place: two bits each,
  // kMostBelow added. None without scales.
  std::vector<uint8_t> steps_;
};

}  // namespace nnconv
