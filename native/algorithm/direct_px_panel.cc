// Direct convolution with vectors over the pixels of a panel: for few channels, in or out, whose
// weights and outputs would not fill vectors or would not be worth transposing. Whole vectors are
// read and no tap is masked; all blocks of output channels meet a tile's pixels while the L1 cache
// has them.
#include <algorithm>

#include "algorithm/direct_panel.h"

namespace nnconv {
namespace {

// Vectors of the largest tile of the rows.
int tile_vectors(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels) {
  int64_t row = 1;
  for (const Lattice& l : make_lattices(spec, shape)) row = std::max(row, l.axis[2].count);
  const int64_t vectors = ceil_div(row, kernels.width);
  return static_cast<int>(ceil_div(vectors, ceil_div(vectors, kMaxPxV)));
}

class DirectPxPanelPlan final : public DirectPanelPlan {
 public:
  // A pass is over a run of blocks.
  DirectPxPanelPlan(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels,
                    int vectors, const std::vector<ChannelBlock>& blocks)
      : DirectPanelPlan(
            spec, shape, kernels, blocks,
            {true, static_cast<int64_t>(equal_runs(blocks).size()), 1, kMaxPxV * kernels.width}),
        vectors_(vectors),
        runs_(equal_runs(blocks)) {}

  const char* pack_key() const override {
    constexpr const char* kKeys[kMaxPxV + 1] = {"", "direct_px_1", "direct_px_2", "direct_px"};
    return kKeys[vectors_];
  }

 private:
  void run_tiles(const ConvArgs& args, const PanelRow& row, int64_t pass) const override;

  int vectors_;
  std::vector<BlockRun> runs_;
};

void DirectPxPanelPlan::run_tiles(const ConvArgs& args, const PanelRow& row, int64_t pass) const {
  const auto& [first, count] = runs_[static_cast<size_t>(pass)];
  const int64_t channel = row.group * spec_.out_per_group() + first.first;
  float* output = row.output + first.first * shape_.out_plane();
  PxTile t{nullptr,
           args.packed + weights_.offset(row.group, row.lattice, first),
           nullptr,
           0,
           row.steps,
           row.step_count,
           0,
           first.lanes,
           args.bias ? args.bias + channel : nullptr,
           nullptr,
           shape_.out_plane(),
           0,
           args.finish,
           count,
           first.lanes * row.step_count,
           1};
  const int64_t width = kernels_.width, pixels = row.end - row.start;
  const int64_t vectors = ceil_div(pixels, width), tiles = ceil_div(vectors, vectors_);
  for (int64_t i = 0; i < tiles;) {
    const Range part = longer_first(vectors, i, tiles);
    const int64_t size = part.end - part.begin, at = row.start + part.begin * width;
    // Whole ones of the same size, of which the last may not be one.
    const int64_t whole = (row.end - at) / (size * width);
    const int64_t same = i < vectors % tiles ? vectors % tiles - i : tiles - i;
    const int64_t most = tiles_at_once(row.step_count, size * width, kernels_);
    t.tiles = std::clamp<int64_t>(std::min(whole, same), 1, most);
    t.input = row.panel + at - row.x0;
    t.out = output + at;
    t.pixels = std::min(row.end - at, size * width);
    kernels_.px[first.lanes][size](&t);
    i += t.tiles;
  }
}

}  // namespace

bool supports_direct_px_panel(const ConvSpec& spec) {
  // Outputs must be neighbours, and all steps are listed.
  constexpr int64_t kMostSteps = 1 << 16;
  return !spec.transposed && supports_panels(spec) &&
         spec.in_per_group() <= kMostSteps / spec.taps();
}

std::unique_ptr<ConvPlan> make_direct_px_panel_plan(const ConvSpec& spec, const ConvShape& shape,
                                                    const KernelTable& kernels) {
  const int vectors = tile_vectors(spec, shape, kernels);
  return std::make_unique<DirectPxPanelPlan>(
      spec, shape, kernels, vectors,
      near_equal_blocks(spec.out_per_group(), kernels.px_m[vectors]));
}

}  // namespace nnconv
