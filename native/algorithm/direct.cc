// Direct convolution and transposed convolution, any configuration: walks the output lattices tile
// by tile; a tile's taps become a list of segments for one micro-kernel. The input is read where it
// lies; taps on padding are left out of the list. Each output element sums its taps in one fixed
// order, whatever the batch, the thread or the tile.
#include <algorithm>
#include <vector>

#include "algorithm/lattice.h"
#include "algorithm/plan.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Consecutive output channels of a group that one tile computes.
struct ChannelBlock {
  int64_t first;
  int64_t channels;
  int64_t lanes;   // floats of a packed step: channels, rounded up to whole vectors
  int64_t offset;  // lanes of the blocks before
  int vectors;     // over channels: 1 or 2
};

struct Tile {
  int64_t start;
  int64_t count;
  bool interior;  // every tap of the row is valid for every pixel
};

struct Phase {
  Lattice lattice;
  int64_t weight_offset;  // in a group's packed weights
  // The steps of a segment are the taps of a row (few channels) or the channels of a tap.
  bool row_steps;
  std::vector<Tile> tiles[kMaxOcV + 1];  // by vectors of the block
  int64_t chunks;                        // parts that its tiles are dealt out in

  int64_t rows() const { return lattice.axis[0].count * lattice.axis[1].count; }
};

bool spans(const LatticeTap& tap, int64_t start, int64_t end) {
  return tap.lo <= start && tap.hi >= end;
}

// A channel tile may leave out only its first and its last pixel of a tap: cuts the row where the
// validity of a tap changes further inside.
int64_t row_part_end(const LatticeAxis& axis, int64_t start) {
  int64_t end = axis.count;
  for (const LatticeTap& tap : axis.taps) {
    if (tap.lo >= tap.hi) continue;
    if (start < tap.lo - 1) end = std::min(end, tap.lo);
    if (start < tap.hi) end = std::min(end, tap.hi + 1);
  }
  return end;
}

void add_tiles(const LatticeAxis& axis, int64_t start, int64_t end, int64_t largest, int64_t unit,
               std::vector<Tile>* tiles) {
  // Near-equal tiles, in whole units (vectors): 15 = 8 + 7, not 14 + 1.
  const int64_t units = ceil_div(end - start, unit);
  const int64_t parts = ceil_div(units, largest);
  for (int64_t p = 0; p < parts; ++p) {
    const int64_t a = start + units * p / parts * unit;
    const int64_t b = std::min(end, start + units * (p + 1) / parts * unit);
    Tile tile{a, b - a, true};
    for (const LatticeTap& tap : axis.taps) tile.interior = tile.interior && spans(tap, a, b);
    tiles->push_back(tile);
  }
}

class DirectPlan final : public ConvPlan {
 public:
  DirectPlan(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels,
             bool over_pixels)
      : spec_(spec), shape_(shape), kernels_(kernels), over_pixels_(over_pixels) {
    make_blocks();
    std::vector<Lattice> lattices = make_lattices(spec, shape);
    covered_ = lattices_cover(lattices, shape);
    for (Lattice& lattice : lattices) add_phase(std::move(lattice));
  }

  const char* pack_key() const override { return over_pixels_ ? "direct_px" : "direct_oc"; }
  size_t packed_floats() const override {
    return static_cast<size_t>(spec_.groups * group_floats_);
  }
  size_t workspace_bytes(int threads) const override {
    return static_cast<size_t>(threads * max_segments_) * sizeof(Segment);
  }
  void pack(const float* weight, float* packed) const override;
  void run(const ConvArgs& args) const override;

 private:
  void make_blocks();
  void add_phase(Lattice lattice);
  void set_chunks(Phase* phase) const;
  void run_item(const ConvArgs& args, int64_t item, Segment* segments) const;
  void run_tiles(const ConvArgs& args, const Phase& phase, int64_t n, int64_t g,
                 const ChannelBlock* blocks, size_t block_count, int64_t chunk,
                 Segment* segments) const;
  int64_t list_segments(const Phase& phase, int64_t q0, int64_t q1, const Tile& tile,
                        Segment* segments) const;

  int64_t block_groups() const { return over_pixels_ ? 1 : static_cast<int64_t>(blocks_.size()); }

  ConvSpec spec_;
  ConvShape shape_;
  const KernelTable& kernels_;
  bool over_pixels_;
  bool covered_ = true;
  std::vector<ChannelBlock> blocks_;
  int64_t lanes_ = 0;  // of all blocks
  std::vector<Phase> phases_;
  int64_t group_floats_ = 0;
  int64_t max_segments_ = 1;
  int64_t items_per_group_ = 0;
};

void DirectPlan::make_blocks() {
  const int64_t channels = spec_.out_per_group();
  const int64_t width = kernels_.width;
  if (over_pixels_) {
    const int64_t parts = ceil_div(channels, kernels_.px_m);
    for (int64_t p = 0; p < parts; ++p) {
      const int64_t first = channels * p / parts, count = channels * (p + 1) / parts - first;
      blocks_.push_back({first, count, count, lanes_, 1});
      lanes_ += count;
    }
    return;
  }
  for (int64_t first = 0; first < channels;) {
    const int64_t left = channels - first;
    const int vectors = left > width ? 2 : 1;
    const int64_t count = std::min<int64_t>(left, vectors * width);
    blocks_.push_back({first, count, vectors * width, lanes_, vectors});
    lanes_ += vectors * width;
    first += count;
  }
}

void DirectPlan::add_phase(Lattice lattice) {
  Phase phase{std::move(lattice), group_floats_, false, {}, 1};
  const LatticeAxis& row = phase.lattice.axis[2];
  const int64_t row_taps = static_cast<int64_t>(row.taps.size());
  const int64_t channels = spec_.in_per_group();
  const int64_t taps = phase.lattice.taps();
  phase.row_steps = row_taps > 1 && channels < row_taps;
  max_segments_ = std::max(max_segments_, phase.row_steps ? taps * channels : taps);
  group_floats_ += taps * channels * lanes_;
  for (int v = 1; v <= (over_pixels_ ? 1 : kMaxOcV); ++v) {
    if (over_pixels_) {
      add_tiles(row, 0, row.count, kernels_.px_v, kernels_.width, &phase.tiles[v]);
      continue;
    }
    for (int64_t start = 0; start < row.count;) {
      const int64_t end = row_part_end(row, start);
      add_tiles(row, start, end, kernels_.oc_m[v], 1, &phase.tiles[v]);
      start = end;
    }
  }
  set_chunks(&phase);
  items_per_group_ += phase.chunks * block_groups();
  phases_.push_back(std::move(phase));
}

// A chunk's input should stay in the L2 cache while all channel blocks pass over it; and there
// should be enough chunks for several threads.
void DirectPlan::set_chunks(Phase* phase) const {
  const int64_t tiles = phase->rows() * static_cast<int64_t>(phase->tiles[1].size());
  const double in_bytes =
      4.0 * static_cast<double>(shape_.in_plane()) * static_cast<double>(spec_.in_per_group());
  const double cache = static_cast<double>(cpu_info().l2_bytes) / 2;
  const int64_t for_cache = static_cast<int64_t>(std::min(1e6, in_bytes / cache)) + 1;
  constexpr int64_t kFewItems = 16;
  const int64_t others = block_groups() * spec_.groups;
  const int64_t for_threads = ceil_div(kFewItems, others);
  phase->chunks = std::max<int64_t>(1, std::min(tiles, std::max(for_cache, for_threads)));
  if (tiles == 0) phase->chunks = 0;
}

void DirectPlan::pack(const float* weight, float* packed) const {
  const int64_t in = spec_.in_per_group(), out = spec_.out_per_group(), kernel = spec_.taps();
  for (int64_t g = 0; g < spec_.groups; ++g) {
    for (const Phase& phase : phases_) {
      const Lattice& l = phase.lattice;
      const int64_t taps = l.taps();
      for (const ChannelBlock& block : blocks_) {
        float* dst = packed + g * group_floats_ + phase.weight_offset + block.offset * taps * in;
        int64_t tap = 0;
        for (const LatticeTap& t0 : l.axis[0].taps) {
          for (const LatticeTap& t1 : l.axis[1].taps) {
            for (const LatticeTap& t2 : l.axis[2].taps) {
              const int64_t k = t0.kernel * l.kernel_stride[0] + t1.kernel * l.kernel_stride[1] +
                                t2.kernel * l.kernel_stride[2];
              for (int64_t c = 0; c < in; ++c) {
                float* step = dst + (phase.row_steps ? c * taps + tap : tap * in + c) * block.lanes;
                for (int64_t j = 0; j < block.channels; ++j) {
                  const int64_t o = block.first + j;
                  step[j] =
                      weight[(spec_.transposed ? (g * in + c) * out + o : (g * out + o) * in + c) *
                                 kernel +
                             k];
                }
                std::fill(step + block.channels, step + block.lanes, 0.0f);
              }
              ++tap;
            }
          }
        }
      }
    }
  }
}

// The taps that tile `tile` of row (q0, q1) meets. Offsets are from the tile's first input pixel in
// the plane of channel 0.
int64_t DirectPlan::list_segments(const Phase& phase, int64_t q0, int64_t q1, const Tile& tile,
                                  Segment* segments) const {
  const Lattice& l = phase.lattice;
  const LatticeAxis &a0 = l.axis[0], &a1 = l.axis[1], &a2 = l.axis[2];
  const int64_t t1_count = static_cast<int64_t>(a1.taps.size());
  const int64_t t2_count = static_cast<int64_t>(a2.taps.size());
  const int64_t taps = l.taps(), in = spec_.in_per_group(), plane = shape_.in_plane();
  const int64_t start = tile.start, end = tile.start + tile.count;
  int64_t count = 0;
  for (int64_t c = 0; c < (phase.row_steps ? in : 1); ++c) {
    for (size_t i0 = 0; i0 < a0.taps.size(); ++i0) {
      const LatticeTap& t0 = a0.taps[i0];
      if (q0 < t0.lo || q0 >= t0.hi) continue;
      for (int64_t i1 = 0; i1 < t1_count; ++i1) {
        const LatticeTap& t1 = a1.taps[static_cast<size_t>(i1)];
        if (q1 < t1.lo || q1 >= t1.hi) continue;
        const int64_t row = c * plane + (q0 * a0.in_step + t0.offset) * l.in_stride[0] +
                            (q1 * a1.in_step + t1.offset) * l.in_stride[1];
        const int64_t tap = (static_cast<int64_t>(i0) * t1_count + i1) * t2_count;
        if (phase.row_steps && tile.interior) {
          segments[count++] = {row + a2.taps[0].offset, c * taps + tap, t2_count, 0, 0, 0};
          continue;
        }
        for (int64_t i2 = 0; i2 < t2_count; ++i2) {
          const LatticeTap& t2 = a2.taps[static_cast<size_t>(i2)];
          const int64_t lo = std::max(t2.lo, start), hi = std::min(t2.hi, end);
          if (lo >= hi) continue;
          Segment& s = segments[count++];
          s.input = row + t2.offset;
          s.weight = phase.row_steps ? c * taps + tap + i2 : (tap + i2) * in;
          s.k = phase.row_steps ? 1 : in;
          if (over_pixels_) {
            s.lo = static_cast<int32_t>(lo - start);
            s.hi = static_cast<int32_t>(hi - start);
            s.edge = lo != start || hi != end;
          } else {
            s.lo = static_cast<int32_t>(lo - start);
            s.hi = static_cast<int32_t>(end - hi);
            s.edge = 0;
          }
        }
      }
    }
  }
  return count;
}

void DirectPlan::run_tiles(const ConvArgs& args, const Phase& phase, int64_t n, int64_t g,
                           const ChannelBlock* blocks, size_t block_count, int64_t chunk,
                           Segment* segments) const {
  const Lattice& l = phase.lattice;
  const LatticeAxis& row = l.axis[2];
  const std::vector<Tile>& tiles = phase.tiles[blocks->vectors];
  const int64_t tile_count = static_cast<int64_t>(tiles.size());
  const int64_t all = phase.rows() * tile_count;
  const int64_t in = spec_.in_per_group(), out = spec_.out_per_group();
  const float* input = args.input + (n * spec_.in_channels + g * in) * shape_.in_plane();
  float* output = args.output + (n * spec_.out_channels + g * out) * shape_.out_plane();
  const float* weight = args.packed + g * group_floats_ + phase.weight_offset;
  const float* bias = args.bias ? args.bias + g * out : nullptr;
  const int64_t input_k =
      !phase.row_steps ? shape_.in_plane() : row.taps[1].offset - row.taps[0].offset;

  int64_t listed_row = -1;  // whose interior segments are in the list
  int64_t count = 0;
  for (int64_t u = all * chunk / phase.chunks, end = all * (chunk + 1) / phase.chunks; u < end;
       ++u) {
    const int64_t r = u / tile_count;
    const Tile& tile = tiles[static_cast<size_t>(u % tile_count)];
    const int64_t q0 = r / l.axis[1].count, q1 = r % l.axis[1].count;
    if (!tile.interior || listed_row != r) {
      count = list_segments(phase, q0, q1, tile, segments);
      listed_row = tile.interior ? r : -1;
    }
    const float* tile_input = input + tile.start * row.in_step;
    float* tile_output = output + (l.axis[0].start + q0 * l.axis[0].step) * l.out_stride[0] +
                         (l.axis[1].start + q1 * l.axis[1].step) * l.out_stride[1] + row.start +
                         tile.start * row.step;
    for (size_t b = 0; b < block_count; ++b) {
      const ChannelBlock& block = blocks[b];
      const float* block_weight = weight + block.offset * l.taps() * in;
      const float* block_bias = bias ? bias + block.first : nullptr;
      float* block_output = tile_output + block.first * shape_.out_plane();
      if (over_pixels_) {
        const PxTile t{
            tile_input, block_weight, segments,           count,     input_k, block.lanes,
            block_bias, block_output, shape_.out_plane(), tile.count};
        kernels_.px[block.channels][ceil_div(tile.count, kernels_.width)](&t);
      } else {
        const OcTile t{tile_input,    block_weight, segments,     count,    row.in_step,
                       input_k,       block_bias,   block_output, row.step, shape_.out_plane(),
                       block.channels};
        kernels_.oc[block.vectors][tile.count](&t);
      }
    }
  }
}

void DirectPlan::run_item(const ConvArgs& args, int64_t item, Segment* segments) const {
  const int64_t ng = item / items_per_group_;
  int64_t rest = item % items_per_group_;
  const int64_t n = ng / spec_.groups, g = ng % spec_.groups;
  for (const Phase& phase : phases_) {
    const int64_t items = phase.chunks * block_groups();
    if (rest >= items) {
      rest -= items;
      continue;
    }
    const int64_t chunk = rest / block_groups();
    if (over_pixels_)
      run_tiles(args, phase, n, g, blocks_.data(), blocks_.size(), chunk, segments);
    else
      run_tiles(args, phase, n, g, &blocks_[static_cast<size_t>(rest % block_groups())], 1, chunk,
                segments);
    return;
  }
}

void DirectPlan::run(const ConvArgs& args) const {
  if (!covered_) fill_bias(args, spec_.out_channels, shape_.out_plane());
  Segment* scratch = static_cast<Segment*>(args.workspace);
  parallel_for(
      args.batch * spec_.groups * items_per_group_, args.threads,
      [&](int64_t item, int thread) { run_item(args, item, scratch + thread * max_segments_); });
}

}  // namespace

bool supports_direct(const ConvSpec& spec, bool over_pixels) {
  if (spec.in_channels == 0) return false;
  // Pixels must be neighbours in input and output.
  return !over_pixels || spec.stride[2] == 1;
}

std::unique_ptr<ConvPlan> make_direct_plan(const ConvSpec& spec, const ConvShape& shape,
                                           const KernelTable& kernels, bool over_pixels) {
  return std::make_unique<DirectPlan>(spec, shape, kernels, over_pixels);
}

}  // namespace nnconv
