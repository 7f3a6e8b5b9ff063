// The weights of a Winograd convolution: blocks of output channels, and how they are packed.
//
// Streamed weights are transformed once, [group][block][depth tap][pass][xi][channels][lanes], and
// followed by the weights as they are, for outputs that are computed by definition. Fused ones stay
// as they are, [group][block][depth tap][channels][tap][lanes], and their blocks are single
// vectors.
#pragma once

#include <cstdint>
#include <vector>

#include "algorithm/winograd_phases.h"
#include "kernel/winograd.h"
#include "problem/conv_problem.h"

namespace nnconv {

// Input channels whose products may be summed before the next ones are looked at.
constexpr int64_t kWinogradPass = 256;

struct WinogradBlock {
  int64_t first;
  int64_t channels;
  int vectors;
  int64_t offset;  // lanes of the blocks before
};

class WinogradWeights {
 public:
  // `spec` is the layer's, `phases` what is computed of it.
  WinogradWeights(const ConvSpec& spec, const WinogradPhases& phases, const WinogradAxis& height,
                  const WinogradAxis& width, int64_t vector_width, bool fused);

  const std::vector<WinogradBlock>& blocks() const { return blocks_; }
  int64_t lanes(const WinogradBlock& block) const { return block.vectors * width_; }

  int64_t packed_floats() const {
    return spec_.groups * group_floats() + (fused_ ? 0 : spec_.weight_size());
  }
  void pack(const float* weight, float* packed) const;
  // Of one depth tap.
  const float* packed_of(const float* packed, int64_t g, const WinogradBlock& block,
                         int64_t depth_tap) const {
    return packed + g * group_floats() +
           (block.offset * depth_taps() + depth_tap * lanes(block)) * depth_tap_floats();
  }
  // The layer's weight itself; output channel and input channel count within the group.
  float value(const float* packed, int64_t g, int64_t out, int64_t in, int64_t tap) const;

 private:
  int64_t depth_taps() const { return spec_.kernel[0]; }
  int64_t plane_taps() const { return spec_.kernel[1] * spec_.kernel[2]; }
  int64_t in_per_group() const { return phases_.spec.in_per_group(); }
  // For each lane.
  int64_t depth_tap_floats() const {
    return (fused_ ? plane_taps() : height_.points * width_axis_.points) * in_per_group();
  }
  int64_t group_floats() const { return depth_taps() * depth_tap_floats() * lanes_; }
  // Where the layer's weights have those of a pair of channels.
  int64_t pair_offset(int64_t g, int64_t out, int64_t in) const;
  // The kernel of a pair of channels that is transformed: the layer's own, or one phase of it,
  // which is written to `phase`.
  const float* kernel_of(const float* weight, int64_t g, int64_t out, int64_t in, int64_t depth_tap,
                         float* phase) const;

  ConvSpec spec_;
  WinogradPhases phases_;
  const WinogradAxis &height_, &width_axis_;
  int64_t width_;  // of a vector
  bool fused_;
  std::vector<WinogradBlock> blocks_;
  int64_t lanes_ = 0;  // of all blocks
};

}  // namespace nnconv
