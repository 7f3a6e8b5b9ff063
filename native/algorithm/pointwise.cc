// One tap per output: pointwise convolution (any stride), and transposed convolution whose kernel
// equals its stride, where every output pixel is met by one input pixel. Both are one product
//   (pixels x in_channels) (in_channels x out_channels * taps)
// and differ in where results go. A chunk of pixels is copied to panels [tile][channel][pixel], so
// that the inner loop reads input and weights in order, and stays in the cache for all channel
// blocks.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "algorithm/plan.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

// Output channels [first, first + channels) under one tap, or under two taps that are neighbours
// along the width and then lie in one vector each.
struct Block {
  int64_t first;
  int64_t channels;
  int64_t tap;
  bool paired;
  int vectors;
  int64_t offset;  // lanes of the blocks before
};

class PointwisePlan final : public ConvPlan {
 public:
  PointwisePlan(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels)
      : spec_(spec), shape_(shape), kernels_(kernels) {
    grid_ = spec.transposed ? shape.in : shape.out;
    step_ = spec.transposed ? Dims{1, 1, 1} : spec.stride;
    // A plane without steps, read and written as it lies, is one long row.
    if (!spec.transposed && step_ == Dims{1, 1, 1}) {
      grid_ = {1, 1, shape.out_plane()};
      flat_ = true;
    }
    make_blocks();
    tile_ = kernels.oc_m[blocks_[0].vectors];
    row_tiles_ = ceil_div(grid_[2], tile_);
    const int64_t tiles = grid_[0] * grid_[1] * row_tiles_;
    const int64_t panel = spec.in_per_group() * tile_ * 4;
    chunk_ = std::clamp<int64_t>(cpu_info().l2_bytes / 2 / panel, 1, tiles);
    chunks_ = ceil_div(tiles, chunk_);
  }

  const char* pack_key() const override { return "pointwise"; }
  size_t packed_floats() const override {
    return static_cast<size_t>(spec_.groups * group_floats());
  }
  void pack(const float* weight, float* packed) const override;
  size_t workspace_bytes(int threads) const override {
    return static_cast<size_t>(threads * panel_floats()) * sizeof(float);
  }
  void run(const ConvArgs& args) const override;

 private:
  // Tile `index` of the grid.
  struct Tile {
    Dims at;
    int64_t count;
  };

  void make_blocks();
  Tile tile_at(int64_t index) const {
    const int64_t row = index / row_tiles_, part = index % row_tiles_;
    const int64_t a = grid_[2] * part / row_tiles_, b = grid_[2] * (part + 1) / row_tiles_;
    return {{row / grid_[1], row % grid_[1], a}, b - a};
  }
  void copy_panels(const float* input, Range tiles, float* panels) const;
  void run_tile(const ConvArgs& args, int64_t n, int64_t g, const Block& block, const Tile& tile,
                const float* panel, int64_t index) const;

  int64_t group_floats() const { return lanes_ * spec_.in_per_group(); }
  int64_t panel_floats() const { return chunk_ * tile_ * spec_.in_per_group(); }

  ConvSpec spec_;
  ConvShape shape_;
  const KernelTable& kernels_;
  Dims grid_, step_;
  bool flat_ = false;
  std::vector<Block> blocks_;
  int64_t lanes_ = 0;
  int64_t tile_, row_tiles_, chunk_, chunks_;
};

// Copies rows of N floats, which lie `step` apart, one after the other. A size known at compile
// time makes a few moves of the copy.
template <int N>
void copy_rows(const float* from, int64_t step, float* to, int64_t rows) {
  for (int64_t i = 0; i < rows; ++i, from += step, to += N) std::memcpy(to, from, N * sizeof *to);
}

template <int... N>
constexpr std::array<decltype(&copy_rows<1>), sizeof...(N)> copies(
    std::integer_sequence<int, N...>) {
  return {copy_rows<N>...};
}
constexpr auto kCopyRows = copies(std::make_integer_sequence<int, kMaxOcM + 1>());

void PointwisePlan::make_blocks() {
  const int64_t width = kernels_.width, channels = spec_.out_per_group();
  const bool paired = spec_.transposed && spec_.stride[2] == 2;
  for (int64_t tap = 0; tap < spec_.taps(); tap += paired ? 2 : 1) {
    for (int64_t first = 0; first < channels;) {
      const int64_t left = channels - first;
      const int vectors = paired || left > width ? 2 : 1;
      const int64_t count = std::min(left, paired ? width : vectors * width);
      blocks_.push_back({first, count, tap, paired, vectors, lanes_});
      lanes_ += vectors * width;
      first += count;
    }
  }
}

void PointwisePlan::pack(const float* weight, float* packed) const {
  const int64_t in = spec_.in_per_group(), out = spec_.out_per_group(), taps = spec_.taps();
  const int64_t width = kernels_.width;
  for (int64_t g = 0; g < spec_.groups; ++g) {
    for (const Block& b : blocks_) {
      float* dst = packed + g * group_floats() + b.offset * in;
      for (int64_t c = 0; c < in; ++c) {
        for (int64_t j = 0; j < b.vectors * width; ++j) {
          const int64_t o = b.paired ? j % width : j;
          const int64_t tap = b.tap + (b.paired ? j / width : 0);
          const int64_t row = spec_.transposed ? (g * in + c) * out + b.first + o
                                               : (g * out + b.first + o) * in + c;
          *dst++ = o < b.channels ? weight[row * taps + tap] : 0.0f;
        }
      }
    }
  }
}

void PointwisePlan::copy_panels(const float* input, Range tiles, float* panels) const {
  const int64_t plane = shape_.in_plane(), in = spec_.in_per_group(), panel = tile_ * in;
  const int64_t step = flat_ ? 1 : step_[2];
  // Some tiles together: channels are far apart, and a few lines of each come at the price of one.
  constexpr int64_t kTogether = 8;
  for (int64_t first = tiles.begin; first < tiles.end; first += kTogether) {
    const int64_t count = std::min(kTogether, tiles.end - first);
    const float* from[kTogether];
    int64_t width[kTogether];
    for (int64_t i = 0; i < count; ++i) {
      const Tile tile = tile_at(first + i);
      const int64_t line = flat_ ? 0 : tile.at[0] * step_[0] * shape_.in[1] + tile.at[1] * step_[1];
      from[i] = input + line * shape_.in[2] + tile.at[2] * step;
      width[i] = tile.count;
    }
    constexpr int64_t kChannels = 16;
    for (int64_t c0 = 0; c0 < in; c0 += kChannels) {
      const int64_t cn = std::min(kChannels, in - c0);
      for (int64_t i = 0; i < count; ++i) {
        float* to = panels + (first + i - tiles.begin) * panel + c0 * width[i];
        const float* src = from[i] + c0 * plane;
        if (step == 1) {
          kCopyRows[width[i]](src, plane, to, cn);
          continue;
        }
        const RowCopy copy{src, plane, to, width[i], cn, step, 0, width[i], width[i]};
        kernels_.copy_row(&copy);
      }
    }
  }
}

void PointwisePlan::run_tile(const ConvArgs& args, int64_t n, int64_t g, const Block& b,
                             const Tile& tile, const float* panel, int64_t index) const {
  const int64_t in = spec_.in_per_group(), first = g * spec_.out_per_group() + b.first;
  const Segment segment{0, 0, in, 0, 0, 0};
  int64_t at = tile.at[2], out_m = 1;
  if (!flat_) {
    const Dims scale = spec_.transposed ? spec_.stride : Dims{1, 1, 1};
    const int64_t kh = spec_.kernel[1], kw = spec_.kernel[2];
    const int64_t d = tile.at[0] * scale[0] + b.tap / (kh * kw);
    const int64_t h = tile.at[1] * scale[1] + b.tap / kw % kh;
    at = (d * shape_.out[1] + h) * shape_.out[2] + tile.at[2] * scale[2] + b.tap % kw;
    out_m = scale[2];
  }
  const float* weight = args.packed + g * group_floats() + b.offset * in;
  const OcTile t{panel,
                 weight,
                 &segment,
                 1,
                 nullptr,
                 0,
                 tile.count,
                 args.bias ? args.bias + first : nullptr,
                 args.output + (n * spec_.out_channels + first) * shape_.out_plane() + at,
                 out_m,
                 shape_.out_plane(),
                 b.channels,
                 args.finish,
                 next_weights(weight, in, b.vectors * kernels_.width, index)};
  if (b.paired)
    kernels_.oc_paired[tile.count](&t);
  else
    kernels_.oc[b.vectors][tile.count](&t);
}

void PointwisePlan::run(const ConvArgs& args) const {
  const int64_t blocks = static_cast<int64_t>(blocks_.size());
  const int64_t tiles = grid_[0] * grid_[1] * row_tiles_;
  // Output padding lies beyond every input pixel.
  if (spec_.transposed && shape_.out_plane() != shape_.in_plane() * spec_.taps())
    fill_bias(args, spec_.out_channels, shape_.out_plane());
  const int64_t planes = args.batch * spec_.groups * chunks_;
  // Where there are few chunks, threads share the blocks of one; each copies the panels.
  const int64_t parts = planes < 4 * args.threads
                            ? std::min<int64_t>(blocks, args.threads > 1 ? 2 * args.threads : 1)
                            : 1;
  float* workspace = static_cast<float*>(args.workspace);
  parallel_for(planes * parts, args.threads, [&](int64_t i, int thread) {
    const int64_t part = i % parts, chunk = i / parts % chunks_, ng = i / parts / chunks_;
    const int64_t n = ng / spec_.groups, g = ng % spec_.groups;
    const float* input =
        args.input + (n * spec_.in_channels + g * spec_.in_per_group()) * shape_.in_plane();
    float* panels = workspace + thread * panel_floats();
    const int64_t panel = tile_ * spec_.in_per_group();
    const Range here = part_of(tiles, chunk, chunks_), share = part_of(blocks, part, parts);
    copy_panels(input, here, panels);
    for (int64_t b = share.begin; b < share.end; ++b) {
      for (int64_t t = here.begin; t < here.end; ++t)
        run_tile(args, n, g, blocks_[static_cast<size_t>(b)], tile_at(t),
                 panels + (t - here.begin) * panel, t - here.begin);
    }
  });
}

}  // namespace

bool supports_pointwise(const ConvSpec& spec) {
  const Dims none{0, 0, 0};
  if (spec.in_channels == 0 || spec.pad_low != none || spec.pad_high != none) return false;
  if (!spec.transposed) return spec.taps() == 1;
  return spec.kernel == spec.stride && spec.dilation == Dims{1, 1, 1};
}

std::unique_ptr<ConvPlan> make_pointwise_plan(const ConvSpec& spec, const ConvShape& shape,
                                              const KernelTable& kernels) {
  return std::make_unique<PointwisePlan>(spec, shape, kernels);
}

}  // namespace nnconv
