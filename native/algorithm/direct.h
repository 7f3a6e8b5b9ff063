// What both direct plans share: the lattices of a problem and its weights packed for them.
#pragma once

#include <vector>

#include "algorithm/lattice.h"
#include "algorithm/plan.h"

namespace nnconv {

// Consecutive output channels of a group that one tile computes.
struct ChannelBlock {
  int64_t first;
  int64_t channels;
  int64_t lanes;   // floats of a packed step: channels, rounded up to whole vectors
  int64_t offset;  // lanes of the blocks before
  int vectors;     // over channels, where vectors run over them
};

// At most `most` channels each, as they are, and those of the same size one after another.
std::vector<ChannelBlock> near_equal_blocks(int64_t channels, int64_t most);

// Blocks of one size that follow each other, for a kernel that takes them all.
struct BlockRun {
  ChannelBlock first;
  int64_t count;
};
std::vector<BlockRun> equal_runs(const std::vector<ChannelBlock>& blocks);

// Tiles of so many floats and steps that one block of channels takes after another: as many as a
// cache keeps for the next block. Outputs are written in longer runs then.
int64_t tiles_at_once(int64_t steps, int64_t floats, const KernelTable& kernels);

// Packed weights: [group][lattice][block][tap][in channel][lane].
class DirectWeights {
 public:
  DirectWeights(const ConvSpec& spec, const ConvShape& shape, std::vector<ChannelBlock> blocks);

  const std::vector<ChannelBlock>& blocks() const { return blocks_; }
  const std::vector<Lattice>& lattices() const { return lattices_; }
  size_t floats() const { return static_cast<size_t>(spec_.groups * group_floats_); }
  void pack(const float* weight, float* packed) const;
  // Whether every tap of the kernel is in a lattice.
  bool holds_all() const;
  // Where the weights of a block begin.
  int64_t offset(int64_t group, size_t lattice, const ChannelBlock& block) const {
    return group * group_floats_ + lattice_floats_[lattice] +
           block.offset * lattices_[lattice].taps() * spec_.in_per_group();
  }

 private:
  ConvSpec spec_;
  std::vector<ChannelBlock> blocks_;
  std::vector<Lattice> lattices_;
  std::vector<int64_t> lattice_floats_;  // of the lattices before
  int64_t group_floats_ = 0;
};

}  // namespace nnconv
