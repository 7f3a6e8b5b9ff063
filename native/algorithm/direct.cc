#include "algorithm/direct.h"

#include <algorithm>
#include <utility>

#include "runtime/cpu.h"

namespace nnconv {

std::vector<ChannelBlock> near_equal_blocks(int64_t channels, int64_t most) {
  std::vector<ChannelBlock> blocks;
  const int64_t parts = ceil_div(channels, most);
  for (int64_t p = 0; p < parts; ++p) {
    const Range part = longer_first(channels, p, parts);
    const int64_t count = part.end - part.begin;
    blocks.push_back({part.begin, count, count, part.begin, 0});
  }
  return blocks;
}

std::vector<BlockRun> equal_runs(const std::vector<ChannelBlock>& blocks) {
  std::vector<BlockRun> runs;
  for (const ChannelBlock& block : blocks) {
    if (!runs.empty() && runs.back().first.channels == block.channels)
      ++runs.back().count;
    else
      runs.push_back({block, 1});
  }
  return runs;
}

int64_t tiles_at_once(int64_t steps, int64_t floats, const KernelTable& kernels) {
  // A step of the tiles of AVX-512 takes long enough for the next one's pixels to come from the L2
  // cache; others want them in the L1 cache.
  constexpr int64_t kNear = 4096;
  const int64_t kept = kernels.width < 16 ? kNear : std::max(kNear, cpu_info().l2_bytes / 8 / 4);
  return std::max<int64_t>(1, kept / (steps * floats));
}

DirectWeights::DirectWeights(const ConvSpec& spec, const ConvShape& shape,
                             std::vector<ChannelBlock> blocks)
    : spec_(spec), blocks_(std::move(blocks)), lattices_(make_lattices(spec, shape)) {
  const int64_t lanes = blocks_.back().offset + blocks_.back().lanes;
  for (const Lattice& lattice : lattices_) {
    lattice_floats_.push_back(group_floats_);
    group_floats_ += lattice.taps() * spec.in_per_group() * lanes;
  }
}

bool DirectWeights::holds_all() const {
  int64_t taps = 0;
  for (const Lattice& lattice : lattices_) taps += lattice.taps();
  return taps == spec_.taps();
}

void DirectWeights::pack(const float* weight, float* packed) const {
  const int64_t in = spec_.in_per_group(), out = spec_.out_per_group(), kernel = spec_.taps();
  for (int64_t g = 0; g < spec_.groups; ++g) {
    for (size_t i = 0; i < lattices_.size(); ++i) {
      const Lattice& l = lattices_[i];
      for (const ChannelBlock& block : blocks_) {
        float* step = packed + offset(g, i, block);
        for (const LatticeTap& t0 : l.axis[0].taps) {
          for (const LatticeTap& t1 : l.axis[1].taps) {
            for (const LatticeTap& t2 : l.axis[2].taps) {
              const int64_t k = t0.kernel * l.kernel_stride[0] + t1.kernel * l.kernel_stride[1] +
                                t2.kernel * l.kernel_stride[2];
              for (int64_t c = 0; c < in; ++c, step += block.lanes) {
                for (int64_t j = 0; j < block.channels; ++j) {
                  const int64_t o = block.first + j;
                  const int64_t row =
                      spec_.transposed ? (g * in + c) * out + o : (g * out + o) * in + c;
                  step[j] = weight[row * kernel + k];
                }
                std::fill(step + block.channels, step + block.lanes, 0.0f);
              }
            }
          }
        }
      }
    }
  }
}

}  // namespace nnconv
