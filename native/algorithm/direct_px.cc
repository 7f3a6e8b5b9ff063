// Direct convolution with vectors over pixels: input and output are read and written where they
// lie, borders are masked. For few output channels, short reductions and long rows. The outputs of
// a transposed convolution's stride phase are no neighbours: a tile of them is spread out at the
// end.
#include <algorithm>

#include "algorithm/direct.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

struct Tile {
  int64_t start;
  int64_t count;
  bool interior;  // every tap of the row is valid for every pixel
};

// Near-equal tiles in whole vectors.
std::vector<Tile> make_tiles(const LatticeAxis& row, const KernelTable& kernels) {
  std::vector<Tile> tiles;
  const int64_t vectors = ceil_div(row.count, kernels.width);
  const int64_t parts = ceil_div(vectors, kMaxPxV);
  for (int64_t p = 0; p < parts; ++p) {
    const Range part = longer_first(vectors, p, parts);
    const int64_t a = part.begin * kernels.width;
    const int64_t b = std::min(row.count, part.end * kernels.width);
    Tile tile{a, b - a, true};
    for (const LatticeTap& tap : row.taps)
      tile.interior = tile.interior && tap.lo <= a && tap.hi >= b;
    tiles.push_back(tile);
  }
  return tiles;
}

class DirectPxPlan final : public ConvPlan {
 public:
  DirectPxPlan(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels)
      : spec_(spec),
        shape_(shape),
        kernels_(kernels),
        weights_(spec, shape, near_equal_blocks(spec.out_per_group(), kernels.px_m[kMaxPxV])),
        covered_(lattices_cover(weights_.lattices(), shape)) {
    if (spreads())
      for (const ChannelBlock& block : weights_.blocks()) runs_.push_back({block, 1});
    else
      runs_ = equal_runs(weights_.blocks());
    for (const Lattice& lattice : weights_.lattices()) {
      tiles_.push_back(make_tiles(lattice.axis[2], kernels));
      max_segments_ = std::max(max_segments_, lattice.taps());
    }
  }

  const char* pack_key() const override { return "direct_px"; }
  size_t packed_floats() const override { return weights_.floats(); }
  void pack(const float* weight, float* packed) const override { weights_.pack(weight, packed); }
  bool packs_all_weights() const override { return weights_.holds_all(); }
  size_t workspace_bytes(int threads) const override {
    return static_cast<size_t>(threads) * (segment_bytes() + tile_bytes());
  }
  void run(const ConvArgs& args) const override {
    if (!covered_) fill_bias(args, spec_.out_channels, shape_.out_plane());
    char* workspace = static_cast<char*>(args.workspace);
    int64_t in_group = 0;
    for (size_t i = 0; i < tiles_.size(); ++i) in_group += chunks_of(i, args.threads);
    parallel_for(args.batch * spec_.groups * in_group, args.threads, [&](int64_t item, int thread) {
      const int64_t ng = item / in_group;
      int64_t chunk = item % in_group;
      size_t lattice = 0;
      while (chunk >= chunks_of(lattice, args.threads)) chunk -= chunks_of(lattice++, args.threads);
      char* bytes = workspace + static_cast<size_t>(thread) * (segment_bytes() + tile_bytes());
      run_chunk(
          args, ng / spec_.groups, ng % spec_.groups, lattice, chunk,
          {reinterpret_cast<Segment*>(bytes), reinterpret_cast<float*>(bytes + segment_bytes())});
    });
  }

 private:
  int64_t units_of(size_t lattice) const {
    const Lattice& l = weights_.lattices()[lattice];
    return l.axis[0].count * l.axis[1].count * static_cast<int64_t>(tiles_[lattice].size());
  }
  // What threads share: enough for all of them, but no more, as outputs are written in longer runs.
  int64_t chunks_of(size_t lattice, int threads) const {
    constexpr int64_t kLeast = 16;
    return std::min(units_of(lattice), std::max<int64_t>(kLeast, 4 * threads));
  }
  struct Scratch {
    Segment* segments;
    float* tile;
  };
  void run_chunk(const ConvArgs& args, int64_t n, int64_t g, size_t lattice, int64_t chunk,
                 const Scratch& scratch) const;
  void spread(const ConvArgs& args, const PxTile& tile, int64_t channels, int64_t step,
              float* out) const;
  int64_t list_segments(const Lattice& l, int64_t q0, int64_t q1, const Tile& tile,
                        Segment* segments) const;

  size_t segment_bytes() const {
    return (static_cast<size_t>(max_segments_) * sizeof(Segment) + 63) / 64 * 64;
  }
  // Whether a tile's outputs are no neighbours: then it is computed elsewhere, a block at a time.
  bool spreads() const { return spec_.transposed && spec_.stride[2] > 1; }
  size_t tile_bytes() const {
    return spreads() ? static_cast<size_t>(kernels_.px_m[kMaxPxV] * kMaxPxV * kernels_.width) *
                           sizeof(float)
                     : 0;
  }

  ConvSpec spec_;
  ConvShape shape_;
  const KernelTable& kernels_;
  DirectWeights weights_;
  bool covered_;
  std::vector<BlockRun> runs_;            // what a call of a kernel computes
  std::vector<std::vector<Tile>> tiles_;  // by lattice
  int64_t max_segments_ = 1;
};

// The taps that tile `tile` of row (q0, q1) meets. Offsets are from the tile's first input pixel in
// the plane of channel 0.
int64_t DirectPxPlan::list_segments(const Lattice& l, int64_t q0, int64_t q1, const Tile& tile,
                                    Segment* segments) const {
  const LatticeAxis &a0 = l.axis[0], &a1 = l.axis[1], &a2 = l.axis[2];
  const int64_t in = spec_.in_per_group(), end = tile.start + tile.count;
  int64_t count = 0, step = 0;
  for (const LatticeTap& t0 : a0.taps) {
    for (const LatticeTap& t1 : a1.taps) {
      const bool outside = q0 < t0.lo || q0 >= t0.hi || q1 < t1.lo || q1 >= t1.hi;
      const int64_t row = (q0 * a0.in_step + t0.offset) * l.in_stride[0] +
                          (q1 * a1.in_step + t1.offset) * l.in_stride[1];
      for (const LatticeTap& t2 : a2.taps) {
        const int64_t lo = std::max(t2.lo, tile.start), hi = std::min(t2.hi, end);
        if (!outside && lo < hi)
          segments[count++] = {row + t2.offset,
                               step,
                               in,
                               static_cast<int32_t>(lo - tile.start),
                               static_cast<int32_t>(hi - tile.start),
                               lo != tile.start || hi != end};
        step += in;
      }
    }
  }
  return count;
}

void DirectPxPlan::run_chunk(const ConvArgs& args, int64_t n, int64_t g, size_t lattice,
                             int64_t chunk, const Scratch& scratch) const {
  const Lattice& l = weights_.lattices()[lattice];
  const LatticeAxis& row = l.axis[2];
  const std::vector<Tile>& tiles = tiles_[lattice];
  const int64_t tile_count = static_cast<int64_t>(tiles.size());
  const Range units = part_of(units_of(lattice), chunk, chunks_of(lattice, args.threads));
  const int64_t in = spec_.in_per_group(), out = spec_.out_per_group();
  const float* input = args.input + (n * spec_.in_channels + g * in) * shape_.in_plane();
  float* output = args.output + (n * spec_.out_channels + g * out) * shape_.out_plane();
  const bool in_place = !spreads();
  const int64_t steps = l.taps() * in;
  int64_t listed_row = -1;  // whose interior segments are in the list
  int64_t count = 0;
  for (int64_t u = units.begin; u < units.end;) {
    const int64_t r = u / tile_count;
    const Tile& tile = tiles[static_cast<size_t>(u % tile_count)];
    const int64_t q0 = r / l.axis[1].count, q1 = r % l.axis[1].count;
    if (!tile.interior || listed_row != r) {
      count = list_segments(l, q0, q1, tile, scratch.segments);
      listed_row = tile.interior ? r : -1;
    }
    // Whole ones like it that follow in the row.
    const int64_t most = in_place && tile.interior && tile.count % kernels_.width == 0
                             ? std::min(units.end - u, tiles_at_once(steps, tile.count, kernels_))
                             : 1;
    int64_t alike = 1;
    while (alike < most && u % tile_count + alike < tile_count) {
      const Tile& other = tiles[static_cast<size_t>(u % tile_count + alike)];
      if (!other.interior || other.count != tile.count) break;
      ++alike;
    }
    u += alike;
    float* tile_output = output + (l.axis[0].start + q0 * l.axis[0].step) * l.out_stride[0] +
                         (l.axis[1].start + q1 * l.axis[1].step) * l.out_stride[1] + row.start +
                         tile.start * row.step;
    const int64_t vectors = ceil_div(tile.count, kernels_.width);
    for (const BlockRun& run : runs_) {
      const ChannelBlock& b = run.first;
      float* block_output = tile_output + b.first * shape_.out_plane();
      const PxTile t{input + tile.start,
                     args.packed + weights_.offset(g, lattice, b),
                     scratch.segments,
                     count,
                     nullptr,
                     0,
                     shape_.in_plane(),
                     b.lanes,
                     args.bias ? args.bias + g * out + b.first : nullptr,
                     in_place ? block_output : scratch.tile,
                     in_place ? shape_.out_plane() : kMaxPxV * kernels_.width,
                     tile.count,
                     in_place ? args.finish : nullptr,
                     run.count,
                     b.lanes * steps,
                     alike};
      kernels_.px[b.channels][vectors](&t);
      if (!in_place) spread(args, t, b.channels, row.step, block_output);
    }
  }
}

// A tile's pixels to their places, `step` apart.
void DirectPxPlan::spread(const ConvArgs& args, const PxTile& tile, int64_t channels, int64_t step,
                          float* out) const {
  for (int64_t c = 0; c < channels; ++c, out += shape_.out_plane()) {
    const float* from = tile.out + c * tile.out_c;
    if (args.finish) {
      for (int64_t i = 0; i < tile.pixels; ++i)
        out[i * step] = finish_value(args.finish, from[i], out + i * step);
    } else {
      for (int64_t i = 0; i < tile.pixels; ++i) out[i * step] = from[i];
    }
  }
}

}  // namespace

bool supports_direct_px(const ConvSpec& spec) {
  // Pixels must be neighbours in the input.
  return spec.in_channels > 0 && (spec.transposed || spec.stride[2] == 1);
}

std::unique_ptr<ConvPlan> make_direct_px_plan(const ConvSpec& spec, const ConvShape& shape,
                                              const KernelTable& kernels) {
  return std::make_unique<DirectPxPlan>(spec, shape, kernels);
}

}  // namespace nnconv
