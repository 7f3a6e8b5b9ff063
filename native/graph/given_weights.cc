#include "graph/given_weights.h"

#include <cstring>

namespace nnconv {
namespace {

constexpr int32_t kMostBelow = 1;  // units of the last place
constexpr int64_t kPerByte = 4;

int32_t bits_of(float x) {
  int32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

float from_bits(int32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// The output channel that weight `i` belongs to.
int64_t output_channel(const ConvSpec& spec, int64_t i) {
  const int64_t row = i / spec.taps();
  if (!spec.transposed) return row / spec.in_per_group();
  const int64_t group = row / spec.out_per_group() / spec.in_per_group();
  return group * spec.out_per_group() + row % spec.out_per_group();
}

double scale_of(const ConvSpec& spec, const std::vector<double>& scale, int64_t i) {
  return scale.empty() ? 1.0 : scale[static_cast<size_t>(output_channel(spec, i))];
}

float scaled(float weight, double scale) {
  return static_cast<float>(static_cast<double>(weight) * scale);
}

float unscaled(float scaled, double scale) {
  return static_cast<float>(static_cast<double>(scaled) / scale);
}

}  // namespace

void scale_weights(const ConvSpec& spec, const std::vector<double>& scale, const float* weight,
                   float* to) {
  for (int64_t i = 0; i < spec.weight_size(); ++i)
    to[i] = scaled(weight[i], scale_of(spec, scale, i));
}

std::optional<GivenWeights> GivenWeights::of(const ConvSpec& spec, const std::vector<double>& scale,
                                             const float* weight,
                                             std::shared_ptr<const ConvPlan> plan,
                                             std::shared_ptr<const AlignedFloats> packed) {
  if (!plan->packs_all_weights()) return std::nullopt;
  GivenWeights given;
  if (!scale.empty()) {
    const int64_t count = spec.weight_size();
    given.steps_.assign(static_cast<size_t>((count + kPerByte - 1) / kPerByte), 0);
    for (int64_t i = 0; i < count; ++i) {
      const double s = scale_of(spec, scale, i);
      const int64_t step =
          int64_t{bits_of(weight[i])} - bits_of(unscaled(scaled(weight[i], s), s)) + kMostBelow;
      if (step < 0 || step >= kPerByte) return std::nullopt;  // an overflow, a zero, a NaN
      given.steps_[static_cast<size_t>(i / kPerByte)] |=
          static_cast<uint8_t>(step << i % kPerByte * 2);
    }
  }
  given.spec_ = spec;
  given.scale_ = scale;
  given.plan_ = std::move(plan);
  given.packed_ = std::move(packed);
  return given;
}

void GivenWeights::restore(float* weight) const {
  restore_scaled(weight);
  if (scale_.empty()) return;
  for (int64_t i = 0; i < spec_.weight_size(); ++i) {
    const int32_t step =
        steps_[static_cast<size_t>(i / kPerByte)] >> i % kPerByte * 2 & (kPerByte - 1);
    weight[i] =
        from_bits(bits_of(unscaled(weight[i], scale_of(spec_, scale_, i))) + step - kMostBelow);
  }
}

// Each weight lies where its number does once the numbers are packed: in two digits, which floats
// hold exactly, and one more than them, which tells them from zeros in between. What a plan packs
// beside the weights themselves may look like a number, but comes before them.
void GivenWeights::restore_scaled(float* scaled) const {
  constexpr int64_t kDigit = 4096;
  const int64_t count = spec_.weight_size();
  std::vector<float> numbers(static_cast<size_t>(count));
  AlignedFloats low(plan_->packed_floats()), high(plan_->packed_floats());
  for (int64_t i = 0; i < count; ++i) numbers[static_cast<size_t>(i)] = 1.0f + i % kDigit;
  plan_->pack(numbers.data(), low.data());
  for (int64_t i = 0; i < count; ++i)
    numbers[static_cast<size_t>(i)] = 1.0f + static_cast<float>(i / kDigit);
  plan_->pack(numbers.data(), high.data());
  for (size_t p = 0; p < packed_->size(); ++p) {
    const float a = low.data()[p], b = high.data()[p];
    if (!(a >= 1.0f && a <= kDigit && b >= 1.0f && b <= 1.0f + count / kDigit)) continue;
    const int64_t number = static_cast<int64_t>(a) - 1 + (static_cast<int64_t>(b) - 1) * kDigit;
    if (number < count) scaled[number] = packed_->data()[p];
  }
}

}  // namespace nnconv
