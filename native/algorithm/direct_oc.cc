// Direct convolution and transposed convolution with vectors over output channels: any
// configuration.
#include <algorithm>

#include "algorithm/direct_panel.h"

namespace nnconv {
namespace {

// Below this many channels the steps of all taps are listed one by one instead of by tap.
constexpr int64_t kFewChannels = 32;

// Three vectors of channels where tiles of two would be too low to keep the FMA units busy: rows
// are short and registers few.
bool takes_three(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels) {
  if (kernels.oc_m[3] == 0 || spec.out_per_group() <= 2 * kernels.width) return false;
  constexpr int64_t kFewAccumulators = 10;
  int64_t row = 0;
  for (const Lattice& l : make_lattices(spec, shape)) row = std::max(row, l.axis[2].count);
  const int64_t tiles = ceil_div(row, kernels.oc_m[2]);
  return row > 0 && row / tiles * 2 < kFewAccumulators;
}

std::vector<ChannelBlock> make_blocks(const ConvSpec& spec, const KernelTable& kernels,
                                      bool three) {
  std::vector<ChannelBlock> blocks;
  const int64_t channels = spec.out_per_group(), width = kernels.width;
  for (int64_t first = 0, lanes = 0; first < channels;) {
    const int64_t left = channels - first, vectors_left = ceil_div(left, width);
    // Four are two and two.
    const int64_t most = three && vectors_left != 4 ? 3 : 2;
    const int vectors = static_cast<int>(std::min(vectors_left, most));
    const int64_t count = std::min(left, vectors * width);
    blocks.push_back({first, count, vectors * width, lanes, vectors});
    lanes += vectors * width;
    first += count;
  }
  return blocks;
}

class DirectOcPlan final : public DirectPanelPlan {
 public:
  // A pass is over a block.
  DirectOcPlan(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels,
               Format output, bool three, const std::vector<ChannelBlock>& blocks)
      : DirectPanelPlan(spec, shape, kernels, blocks,
                        {spec.in_per_group() < kFewChannels, static_cast<int64_t>(blocks.size()),
                         output == Format::kBlocked ? kernels.width : 1, 0}),
        three_(three) {}

  const char* pack_key() const override { return three_ ? "direct_oc_3" : "direct_oc"; }

 private:
  void run_tiles(const ConvArgs& args, const PanelRow& row, int64_t pass) const override;

  bool three_;
};

void DirectOcPlan::run_tiles(const ConvArgs& args, const PanelRow& row, int64_t pass) const {
  const ChannelBlock& block = weights_.blocks()[static_cast<size_t>(pass)];
  const Lattice& l = weights_.lattices()[row.lattice];
  const int64_t pixel = traits_.pixel, step = l.axis[2].step * pixel;
  const int64_t block_steps = l.taps() * spec_.in_per_group();
  const int64_t channel = row.group * spec_.out_per_group() + block.first;
  float* output = row.output + block.first * shape_.out_plane();
  OcTile t{nullptr,
           args.packed + weights_.offset(row.group, row.lattice, block),
           row.segments,
           row.segment_count,
           row.steps,
           row.step_count,
           row.input_k,
           args.bias ? args.bias + channel : nullptr,
           nullptr,
           step,
           shape_.out_plane(),
           block.channels,
           args.finish,
           nullptr,
           pixel > 1 ? shape_.out_plane() * pixel : 0};
  // Near-equal tiles: 15 = 8 + 7, not 14 + 1.
  const int64_t pixels = row.end - row.start;
  const int64_t tiles = ceil_div(pixels, kernels_.oc_m[block.vectors]);
  for (int64_t i = 0; i < tiles; ++i) {
    const Range part = part_of(pixels, i, tiles);
    const int64_t at = row.start + part.begin;
    t.input = row.panel + at - row.x0;
    t.out = output + at * step;
    t.next =
        next_weights(t.weight, block_steps, block.vectors * kernels_.width, row.index * tiles + i);
    kernels_.oc[block.vectors][part.end - part.begin](&t);
  }
}

}  // namespace

bool supports_direct_oc(const ConvSpec& spec) { return supports_panels(spec); }

std::unique_ptr<ConvPlan> make_direct_oc_plan(const ConvSpec& spec, const ConvShape& shape,
                                              const KernelTable& kernels, Format output) {
  const bool three = takes_three(spec, shape, kernels);
  return std::make_unique<DirectOcPlan>(spec, shape, kernels, output, three,
                                        make_blocks(spec, kernels, three));
}

}  // namespace nnconv
