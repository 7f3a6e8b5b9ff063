// Pointwise convolutions of tensors in blocks of channels (kernel/blocked.h), without copying or
// transposing anything. Each output element sums in one fixed order, whatever the batch, the thread
// or the tile.
#include <algorithm>
#include <vector>

#include "algorithm/plan.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

// Output channels of one tile.
struct Block {
  int64_t first;  // vector
  int vectors;
};

class Blocked1x1Plan final : public ConvPlan {
 public:
  Blocked1x1Plan(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels)
      : spec_(spec), shape_(shape), kernels_(kernels) {
    make_blocks();
    int64_t tile = kMaxBlockedM;
    for (const Block& b : blocks_) tile = std::min<int64_t>(tile, kernels.blocked.m[b.vectors]);
    tiles_ = ceil_div(shape.out_plane(), tile);
    // The input of a chunk should stay in the L2 cache for all blocks.
    const int64_t most = cpu_info().l2_bytes / 2 / (spec.in_channels * tile * 4);
    chunk_ = std::clamp<int64_t>(most, 1, std::max<int64_t>(1, tiles_));
    chunks_ = ceil_div(tiles_, chunk_);
    picked_floats_ = spec.stride == Dims{1, 1, 1} ? 0 : (chunk_ + 1) * tile * spec.in_channels;
  }

  const char* pack_key() const override { return "blocked_1x1"; }
  size_t packed_floats() const override { return static_cast<size_t>(spec_.weight_size()); }
  void pack(const float* weight, float* packed) const override {
    const int64_t in = spec_.in_channels, width = kernels_.width;
    for (const Block& b : blocks_) {
      for (int64_t c = 0; c < in; ++c) {
        for (int64_t j = 0; j < b.vectors * width; ++j)
          *packed++ = weight[(b.first * width + j) * in + c];
      }
    }
  }
  size_t workspace_bytes(int threads) const override {
    return static_cast<size_t>(threads * picked_floats_) * sizeof(float);
  }
  void run(const ConvArgs& args) const override;

 private:
  // Of the output plane.
  Range pixels_of(Range tiles) const {
    return {shape_.out_plane() * tiles.begin / tiles_, shape_.out_plane() * tiles.end / tiles_};
  }
  void make_blocks();
  void pick(const float* input, Range pixels, float* to) const;
  void run_item(const ConvArgs& args, int64_t n, Range tiles, Range blocks, float* picked) const;

  ConvSpec spec_;
  ConvShape shape_;
  const KernelTable& kernels_;
  int64_t tiles_, chunk_, chunks_;
  int64_t picked_floats_;  // of a chunk's input, where a stride leaves pixels out
  std::vector<Block> blocks_;
};

// Two vectors each; three, where there are such tiles, to leave no single one.
void Blocked1x1Plan::make_blocks() {
  const int64_t vectors = spec_.out_channels / kernels_.width;
  for (int64_t first = 0; first < vectors;) {
    const int64_t left = vectors - first;
    const int count =
        left == 3 && kernels_.blocked.m[3] > 0 ? 3 : static_cast<int>(std::min<int64_t>(left, 2));
    blocks_.push_back({first, count});
    first += count;
  }
}

// The pixels of an image that these outputs meet, side by side.
void Blocked1x1Plan::pick(const float* input, Range pixels, float* to) const {
  const int64_t width = kernels_.width, row = shape_.out[2];
  for (int64_t c = 0; c < spec_.in_channels; c += width, input += shape_.in_plane() * width) {
    for (int64_t p = pixels.begin, next; p < pixels.end; p = next) {
      next = std::min(pixels.end, (p / row + 1) * row);
      const int64_t d = p / row / shape_.out[1] * spec_.stride[0];
      const int64_t h = p / row % shape_.out[1] * spec_.stride[1];
      const int64_t from = (d * shape_.in[1] + h) * shape_.in[2] + p % row * spec_.stride[2];
      const BlockedPick picked{input + from * width, spec_.stride[2] * width, to, next - p};
      kernels_.blocked.pick(&picked);
      to += (next - p) * width;
    }
  }
}

void Blocked1x1Plan::run(const ConvArgs& args) const {
  const int64_t blocks = static_cast<int64_t>(blocks_.size());
  const int64_t planes = args.batch * chunks_;
  if (planes == 0) return;
  // Where there are few chunks, threads share the blocks of one, and where these are few, its
  // tiles.
  const int64_t enough = args.threads > 1 ? 4 * args.threads : 1;
  const int64_t parts = planes < enough ? std::min(blocks, enough) : 1;
  const int64_t cuts =
      planes * parts < enough ? std::min(ceil_div(enough, planes * parts), chunk_) : 1;
  parallel_for(planes * parts * cuts, args.threads, [&](int64_t i, int thread) {
    const int64_t cut = i % cuts, part = i / cuts % parts;
    const int64_t chunk = i / cuts / parts % chunks_, n = i / cuts / parts / chunks_;
    run_item(args, n, part_of(tiles_, chunk * cuts + cut, chunks_ * cuts),
             part_of(blocks, part, parts),
             static_cast<float*>(args.workspace) + thread * picked_floats_);
  });
}

void Blocked1x1Plan::run_item(const ConvArgs& args, int64_t n, Range tiles, Range blocks,
                              float* picked) const {
  constexpr int64_t kLine = 64 / sizeof(float);
  const int64_t width = kernels_.width, in = spec_.in_channels;
  const Range item = pixels_of(tiles);
  const float* input = args.input + n * in * shape_.in_plane();
  int64_t first = 0, plane = shape_.in_plane();
  if (picked_floats_ > 0) {
    pick(input, item, picked);
    input = picked;
    first = item.begin;
    plane = item.end - item.begin;
  }
  for (int64_t i = blocks.begin; i < blocks.end; ++i) {
    const Block& b = blocks_[static_cast<size_t>(i)];
    const int64_t lanes = b.vectors * width;
    const float* weight = args.packed + b.first * width * in;
    // Each tile asks for a part of the next block's weights, in whole lines of the cache.
    const int64_t count = tiles.end - tiles.begin;
    const int64_t floats = i + 1 < blocks.end ? ceil_div(lanes * width, count * kLine) * kLine : 0;
    const float* next = weight + lanes * in;
    for (int64_t t = tiles.begin; t < tiles.end; ++t, next += floats * in / width) {
      const Range pixels = pixels_of({t, t + 1});
      const BlockedTile tile{input + (pixels.begin - first) * width,
                             plane * width,
                             in / width,
                             weight,
                             args.bias ? args.bias + b.first * width : nullptr,
                             args.output +
                                 (n * spec_.out_channels + b.first * width) * shape_.out_plane() +
                                 pixels.begin * width,
                             shape_.out_plane() * width,
                             args.finish,
                             next,
                             floats};
      kernels_.blocked.tile[b.vectors][pixels.end - pixels.begin](&tile);
    }
  }
}

}  // namespace

bool supports_blocked_1x1(const ConvSpec& spec, const KernelTable& kernels) {
  const Dims none{0, 0, 0};
  return !spec.transposed && spec.groups == 1 && spec.taps() == 1 && spec.pad_low == none &&
         spec.pad_high == none && spec.in_channels > 0 && spec.in_channels % kernels.width == 0 &&
         spec.out_channels % kernels.width == 0;
}

std::unique_ptr<ConvPlan> make_blocked_1x1_plan(const ConvSpec& spec, const ConvShape& shape,
                                                const KernelTable& kernels) {
  return std::make_unique<Blocked1x1Plan>(spec, shape, kernels);
}

}  // namespace nnconv
