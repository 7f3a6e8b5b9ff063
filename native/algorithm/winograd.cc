// Winograd convolution: fewer multiplications along height and width, or along width alone, for the
// kernels and strides of kernel/winograd.h; depth taps, if any, are summed in the transformed
// domain. After Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016); points
// and the summation in chunks keep errors at the level of direct summation.
//
// A strip of tiles at a time: its input is transformed for all channels, then for each block of
// output channels the products are summed and transformed back, so that V and M stay in the cache.
// A plane of few tiles takes the weights as they are and transforms them on the way: there are
// fewer of them to read from memory. Images that are smaller than a strip share one. A tile that
// comes out with a value that is not finite is computed again by definition: Inf and NaN must not
// spread beyond their own windows.
#include <algorithm>
#include <vector>

#include "algorithm/plan.h"
#include "algorithm/winograd_tiles.h"
#include "algorithm/winograd_weights.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

// Channels after which a sum starts anew.
constexpr int64_t kChunk = 32;
// Floats between the points of V and M beyond their data: equal addresses modulo 4096 would compete
// for the same cache sets.
constexpr int64_t kSkew = 16;

struct Strip {
  int64_t y0, y1, x0, x1;  // tiles
  int64_t tiles() const { return (y1 - y0) * (x1 - x0); }
};

class WinogradPlan final : public ConvPlan {
 public:
  WinogradPlan(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels, int kind,
               ConvFormats formats, Use use)
      : spec_(spec),
        phases_(winograd_phases(spec, kind)),
        shape_(shape),
        kernels_(kernels),
        functions_(kernels.winograd.kinds[kind]),
        rows_(kWinogradAxis[kWinogradPair[kind][0]], spec.dilation[1], shape.out[1]),
        columns_(kWinogradAxis[kWinogradPair[kind][1]], spec.dilation[2], shape.out[2]),
        width_(kernels.width),
        formats_(formats),
        fused_(winograd_fuses(spec, shape, kernels, kind, use)),
        weights_(spec, phases_, rows_.axis, columns_.axis, width_, fused_) {
    make_strips();
  }

  const char* pack_key() const override {
    return fused_                    ? "winograd_fused"
           : rows_.axis.outputs == 1 ? "winograd_1x4"
           : rows_.axis.outputs == 2 ? "winograd_2x2"
           : rows_.axis.outputs == 3 ? "winograd_3x3"
                                     : "winograd_4x4";
  }
  size_t packed_floats() const override { return static_cast<size_t>(weights_.packed_floats()); }
  void pack(const float* weight, float* packed) const override { weights_.pack(weight, packed); }
  size_t workspace_bytes(int threads) const override {
    return static_cast<size_t>(threads * thread_floats()) * sizeof(float);
  }
  void run(const ConvArgs& args) const override;

 private:
  // The same strip of some images.
  struct Item {
    int64_t n0, n1, g;
    const Strip* strip;
    int64_t block0, block1;
    int64_t depth0, depth1;
  };
  struct Scratch {
    float* strip;
    float* v;     // fused: V before it goes to panels
    float* ring;  // what the products read, of as many input depths as there are depth taps
    float* sums;  // M
  };

  void make_strips();
  void run_item(const ConvArgs& args, const Item& item, const Scratch& scratch) const;
  void run_shared(const ConvArgs& args, const Item& item) const;
  void transform_depth(const ConvArgs& args, const Item& item, int64_t depth, Range pass,
                       Range channels, float* strip, const Scratch& scratch) const;
  void run_block(const ConvArgs& args, const Item& item, int64_t depth, Range channels, int64_t b,
                 const Scratch& scratch, float* sums) const;
  void transform_input(const ConvArgs& args, const Item& item, int64_t n, int64_t depth,
                       Range channels, float* strip, float* v) const;
  void make_panels(int64_t tiles, int64_t channels, const float* v, float* panels) const;
  void multiply(const WinogradBlock& block, int64_t tiles, Range channels, const float* v,
                const float* u, float* m, bool add) const;
  void multiply_point(const WinogradBlock& block, int64_t tiles, int64_t in, const float* v,
                      const float* u, float* m, bool add) const;
  void multiply_fused(int64_t tiles, const float* panels, const float* weights, float* m,
                      bool add) const;
  void transform_output(const ConvArgs& args, const Item& item, const WinogradBlock& block,
                        int64_t n, int64_t depth, const float* m) const;
  void recompute(const ConvArgs& args, int64_t n, int64_t g, int64_t first, int64_t count,
                 int64_t depth, int64_t ty, int64_t tx) const;
  double output_at(const ConvArgs& args, int64_t n, int64_t g, int64_t o, const Dims& at) const;
  int64_t input_of(const Dims& at, int64_t k) const;

  // The first input pixel of tile 0.
  int64_t first_input(const WinogradAxis& axis, int d) const {
    const int64_t pad = phases_.spec.pad_low[d];
    return axis.transposed ? (pad - axis.lead) / axis.stride : -pad;
  }
  // Channels that are transformed: an input channel's phases are some.
  int64_t in_per_group() const { return phases_.spec.in_per_group(); }
  int64_t xis() const { return rows_.axis.points * columns_.axis.points; }
  int64_t depth_taps() const { return spec_.kernel[0]; }
  int64_t v_xi() const { return max_tiles_ * channels_ + kSkew; }
  int64_t m_xi() const { return max_tiles_ * 2 * width_ + kSkew; }
  int64_t v_floats() const { return xis() * v_xi(); }
  int64_t m_floats() const { return xis() * m_xi(); }
  // Blocks whose sums wait for another pass.
  int64_t m_blocks() const {
    return channels_ < in_per_group() ? static_cast<int64_t>(weights_.blocks().size()) : 1;
  }
  int64_t strip_floats() const { return strip_pixels_ * width_; }
  // What the products read of one depth: V, or panels.
  int64_t row_panel_floats() const { return columns_.axis.points * kFusedTiles * channels_; }
  int64_t depth_floats() const {
    return fused_ ? ceil_div(max_tiles_, kFusedTiles) * rows_.axis.points * row_panel_floats()
                  : v_floats();
  }
  // The input depths that an output depth meets.
  Range depths_of(int64_t depth) const {
    const int64_t first = depth * spec_.stride[0] - spec_.pad_low[0];
    return {std::max<int64_t>(0, first), std::min(shape_.in[0], first + depth_taps())};
  }
  Scratch scratch_of(float* floats) const {
    float* v = floats + strip_floats();
    float* ring = v + (fused_ ? v_floats() : 0);
    return {floats, v, ring, ring + depth_taps() * depth_floats()};
  }
  int64_t thread_floats() const {
    return strip_floats() + (fused_ ? v_floats() : 0) + depth_taps() * depth_floats() +
           m_blocks() * m_floats();
  }

  ConvSpec spec_;
  WinogradPhases phases_;
  ConvShape shape_;
  const KernelTable& kernels_;
  const WinogradKernels& functions_;
  TileAxis rows_, columns_;
  int64_t width_;  // of a vector
  ConvFormats formats_;
  bool fused_;  // weights are transformed on the way to their product
  WinogradWeights weights_;
  std::vector<Strip> strips_;
  int64_t channels_ = 0;  // of a group's input that a pass takes, in whole vectors
  int64_t images_ = 1;    // at most so many share a strip
  int64_t max_tiles_ = 0;
  int64_t strip_pixels_ = 0;
};

void WinogradPlan::make_strips() {
  const int64_t tiles_y = rows_.tiles(), tiles_x = columns_.tiles();
  // V and M of a strip should fit the L2 cache, but a strip must be worth streaming U for. Where
  // all channels' V would not, passes over some of them leave their sums in M, of all blocks.
  constexpr int64_t kWorthwhile = 32;
  const int64_t floats = cpu_info().l2_bytes / 4 / xis();
  const auto fitting = [&](int64_t channels) {
    return floats / (depth_taps() * channels + 2 * width_) / 12 * 12;
  };
  channels_ = ceil_div(in_per_group(), width_) * width_;
  const bool few = fitting(channels_) < std::min(kWorthwhile, tiles_y * tiles_x);
  if (few && !fused_ && depth_taps() == 1) channels_ = std::min(channels_, kWinogradPass);
  const int64_t most = std::max(fused_ ? kWorthwhile / 2 : kWorthwhile, fitting(channels_));
  const int64_t nx = ceil_div(tiles_x, most);
  const int64_t rows = nx > 1 ? 1 : std::max<int64_t>(1, most / tiles_x);
  int64_t ny = ceil_div(tiles_y, rows);
  // Two threads share an even number.
  if (nx * ny > 1 && nx * ny % 2 == 1 && ny < tiles_y) ++ny;
  if (nx * ny == 1) images_ = std::max<int64_t>(1, most / (tiles_y * tiles_x));
  for (int64_t y = 0; y < ny; ++y) {
    for (int64_t x = 0; x < nx; ++x) {
      const Strip s{tiles_y * y / ny, tiles_y * (y + 1) / ny, tiles_x * x / nx,
                    tiles_x * (x + 1) / nx};
      max_tiles_ = std::max(max_tiles_, images_ * s.tiles());
      const int64_t pixel_rows = rows_.pixels(s.y0, s.y1);
      const int64_t pixel_columns = columns_.pixels(s.x0, s.x1);
      strip_pixels_ =
          std::max(strip_pixels_, pixel_rows * ceil_div(pixel_columns, width_) * width_);
      strips_.push_back(s);
    }
  }
}

void WinogradPlan::run(const ConvArgs& args) const {
  const int64_t blocks = static_cast<int64_t>(weights_.blocks().size());
  const int64_t threads = args.threads;
  const int64_t strips = static_cast<int64_t>(strips_.size());
  const int64_t images = ceil_div(args.batch, images_);
  const int64_t planes = images * spec_.groups * strips;
  // Depth is cut where there are fewer strips than threads could share evenly.
  const int64_t depths =
      planes < 4 * threads ? std::min(shape_.out[0], threads > 1 ? 2 * threads : 1) : 1;
  const int64_t items = planes * depths;
  // Where that is not enough, blocks. Threads share what is transformed of a plane where there are
  // many; where there are few, or depth taps share it already, each transforms it for itself.
  const bool uneven = threads > 1 && items < 4 * threads && items % threads != 0;
  const bool shared = uneven && depth_taps() == 1 && blocks >= 2 * threads;
  const int64_t cuts = uneven && !shared ? std::min(blocks, threads) : 1;
  const auto item_of = [&](int64_t i) {
    const int64_t cut = i % cuts, depth = i / cuts % depths, plane = i / cuts / depths;
    const int64_t group = plane / strips;
    const Range n = part_of(args.batch, group / spec_.groups, images);
    const Range share = part_of(blocks, cut, cuts), out = part_of(shape_.out[0], depth, depths);
    return Item{n.begin,
                n.end,
                group % spec_.groups,
                &strips_[static_cast<size_t>(plane % strips)],
                share.begin,
                share.end,
                out.begin,
                out.end};
  };
  if (shared) {
    for (int64_t i = 0; i < items; ++i) run_shared(args, item_of(i));
    return;
  }
  float* workspace = static_cast<float*>(args.workspace);
  parallel_for(items * cuts, args.threads, [&](int64_t i, int thread) {
    run_item(args, item_of(i), scratch_of(workspace + thread * thread_floats()));
  });
}

void WinogradPlan::run_item(const ConvArgs& args, const Item& item, const Scratch& scratch) const {
  const int64_t in = in_per_group();
  int64_t transformed = -1;  // the last input depth in the ring
  for (int64_t d = item.depth0; d < item.depth1; ++d) {
    const Range met = depths_of(d);
    for (int64_t c = 0; c < in; c += channels_) {
      const Range pass{c, std::min(in, c + channels_)};
      for (int64_t i = std::max(met.begin, transformed + 1); i < met.end; ++i)
        transform_depth(args, item, i, pass, pass, scratch.strip, scratch);
      if (pass.end == in) transformed = met.end - 1;
      for (int64_t b = item.block0; b < item.block1; ++b)
        run_block(args, item, d, pass, b, scratch, scratch.sums);
    }
  }
}

// All threads on one item: on its channels, then on its blocks.
void WinogradPlan::run_shared(const ConvArgs& args, const Item& item) const {
  float* workspace = static_cast<float*>(args.workspace);
  const Scratch shared = scratch_of(workspace);
  const auto own = [&](int thread) { return scratch_of(workspace + thread * thread_floats()); };
  const int64_t in = in_per_group();
  for (int64_t d = item.depth0; d < item.depth1; ++d) {
    const Range met = depths_of(d);
    for (int64_t c = 0; c < in; c += channels_) {
      const Range pass{c, std::min(in, c + channels_)};
      const int64_t vectors = ceil_div(pass.end - c, width_);
      const int64_t parts = std::min<int64_t>(vectors, 4 * args.threads);
      for (int64_t i = met.begin; i < met.end; ++i) {
        parallel_for(parts, args.threads, [&](int64_t part, int thread) {
          const Range share = part_of(vectors, part, parts);
          const Range channels{c + share.begin * width_,
                               std::min(pass.end, c + share.end * width_)};
          transform_depth(args, item, i, pass, channels, own(thread).strip, shared);
        });
      }
      parallel_for(item.block1 - item.block0, args.threads, [&](int64_t b, int thread) {
        run_block(args, item, d, pass, item.block0 + b, shared,
                  m_blocks() > 1 ? shared.sums : own(thread).sums);
      });
    }
  }
}

// Some channels of a pass at one input depth, for all images of an item, to the ring.
void WinogradPlan::transform_depth(const ConvArgs& args, const Item& item, int64_t depth,
                                   Range pass, Range channels, float* strip,
                                   const Scratch& scratch) const {
  const int64_t plane_tiles = item.strip->tiles(), before = channels.begin - pass.begin;
  float* slot = scratch.ring + depth % depth_taps() * depth_floats();
  float* v = (fused_ ? scratch.v : slot) + before;
  for (int64_t n = item.n0; n < item.n1; ++n)
    transform_input(args, item, n, depth, channels, strip,
                    v + (n - item.n0) * plane_tiles * channels_);
  if (fused_)
    make_panels((item.n1 - item.n0) * plane_tiles, channels.end - channels.begin, v,
                slot + before * columns_.axis.points * kFusedTiles);
}

// The products of one block, and its outputs when those of all channels are summed.
void WinogradPlan::run_block(const ConvArgs& args, const Item& item, int64_t depth, Range channels,
                             int64_t b, const Scratch& scratch, float* sums) const {
  const WinogradBlock& block = weights_.blocks()[static_cast<size_t>(b)];
  const Range met = depths_of(depth);
  const int64_t lanes = weights_.lanes(block), plane_tiles = item.strip->tiles();
  const int64_t tiles = (item.n1 - item.n0) * plane_tiles;
  float* m = sums + (m_blocks() > 1 ? b - item.block0 : 0) * m_floats();
  for (int64_t i = met.begin; i < met.end; ++i) {
    const float* slot = scratch.ring + i % depth_taps() * depth_floats();
    const float* weights = weights_.packed_of(args.packed, item.g, block,
                                              i - depth * spec_.stride[0] + spec_.pad_low[0]);
    const bool add = i > met.begin || channels.begin > 0;
    if (fused_)
      multiply_fused(tiles, slot, weights, m, add);
    else
      multiply(block, tiles, channels, slot, weights + channels.begin * xis() * lanes, m, add);
  }
  for (int64_t xi = 0; met.begin >= met.end && xi < xis(); ++xi)
    std::fill_n(m + xi * m_xi(), tiles * lanes, 0.0f);
  for (int64_t n = item.n0; channels.end == in_per_group() && n < item.n1; ++n)
    transform_output(args, item, block, n, depth, m + (n - item.n0) * plane_tiles * lanes);
}

void WinogradPlan::make_panels(int64_t tiles, int64_t channels, const float* v,
                               float* panels) const {
  const int64_t points = columns_.axis.points;
  for (int64_t t = 0; t < tiles; t += kFusedTiles) {
    for (int64_t row = 0; row < rows_.axis.points; ++row, panels += row_panel_floats()) {
      const WinogradPanel panel{
          v + row * points * v_xi() + t * channels_, v_xi(),   channels_, points,
          std::min<int64_t>(kFusedTiles, tiles - t), channels, panels};
      kernels_.winograd.panel(&panel);
    }
  }
}

// All tiles and points use a chunk of weights while it is in the cache.
void WinogradPlan::multiply_fused(int64_t tiles, const float* panels, const float* weights,
                                  float* m, bool add) const {
  const int64_t in = spec_.in_per_group(), taps = spec_.kernel[1] * spec_.kernel[2];
  const int64_t points = columns_.axis.points, fetch = fused_fetch(rows_.axis, columns_.axis);
  for (int64_t c = 0; c < in; c += kChunk) {
    const int64_t channels = std::min(kChunk, in - c);
    const float* chunk = weights + c * taps * width_;
    const float *panel = panels + c * points * kFusedTiles,
                *next = chunk + channels * taps * width_;
    for (int64_t t = 0; t < tiles; t += kFusedTiles) {
      const int64_t count = std::min<int64_t>(kFusedTiles, tiles - t);
      for (int64_t row = 0; row < rows_.axis.points; ++row, panel += row_panel_floats()) {
        const WinogradFused fused{
            panel,  chunk,        channels, m + row * points * m_xi() + t * width_,
            m_xi(), add || c > 0, next};
        functions_.fused[row][count](&fused);
        // A part each time; the last one again when all are on their way.
        if (t == 0 && row + 1 < rows_.axis.points) next += fetch * width_ * channels;
      }
    }
  }
}

void WinogradPlan::multiply(const WinogradBlock& block, int64_t tiles, Range channels,
                            const float* v, const float* u, float* m, bool add) const {
  for (int64_t c = channels.begin; c < channels.end; c += kWinogradPass) {
    const int64_t count = std::min(kWinogradPass, channels.end - c);
    for (int64_t xi = 0; xi < xis(); ++xi, u += count * weights_.lanes(block))
      multiply_point(block, tiles, count, v + xi * v_xi() + c - channels.begin, u, m + xi * m_xi(),
                     add || c > channels.begin);
  }
}

// One point of a strip's tiles.
void WinogradPlan::multiply_point(const WinogradBlock& block, int64_t tiles, int64_t in,
                                  const float* v, const float* u, float* m, bool add) const {
  const int64_t lanes = weights_.lanes(block);
  const int64_t parts = ceil_div(tiles, kernels_.winograd.product_tiles);
  const int64_t least = tiles / parts, longer = tiles % parts;
  // All tiles use a chunk of weights while it is in the cache.
  for (int64_t c = 0; c < in; c += kChunk) {
    const int64_t channels = std::min(kChunk, in - c);
    const int64_t next = c + channels < in ? channels : v_xi() - c;
    for (int64_t t0 = 0, p = 0; p < parts; ++p) {
      const int64_t count = least + (p < longer ? 1 : 0);
      const float* tile = v + t0 * channels_ + c;
      const WinogradProduct product{tile,           channels_,    u + c * lanes, channels,
                                    m + t0 * lanes, add || c > 0, tile + next};
      kernels_.winograd.product[block.vectors][count](&product);
      t0 += count;
    }
  }
}

void WinogradPlan::transform_input(const ConvArgs& args, const Item& item, int64_t n, int64_t depth,
                                   Range channels, float* strip, float* v) const {
  const Strip& s = *item.strip;
  const int64_t group = n * spec_.in_channels + item.g * spec_.in_per_group();
  const int64_t tile_columns = s.x1 - s.x0;
  const int64_t columns = columns_.pixels(s.x0, s.x1);
  const int64_t strip_row = ceil_div(columns, width_) * width_ * width_;
  for (int64_t c = channels.begin; c < channels.end; c += width_) {
    const bool blocked = formats_.input == Format::kBlocked;
    const int64_t pixel = blocked ? width_ : 1;
    const WinogradGather gather{args.input + (group + (phases_.any() ? 0 : c)) * shape_.in_plane() +
                                    depth * shape_.in[1] * shape_.in[2] * pixel,
                                blocked ? 0 : shape_.in_plane(),
                                shape_.in[2] * pixel,
                                std::min(width_, channels.end - c),
                                rows_.first_pixel(s.y0) + first_input(rows_.axis, 1),
                                columns_.first_pixel(s.x0) + first_input(columns_.axis, 2),
                                shape_.in[1],
                                shape_.in[2],
                                rows_.pixels(s.y0, s.y1),
                                columns,
                                phases_.count[1],
                                phases_.count[2],
                                c,
                                strip};
    kernels_.winograd.gather(&gather);
    for (int64_t y = s.y0; y < s.y1; ++y) {
      const float* row = strip + (rows_.first_pixel(y) - rows_.first_pixel(s.y0)) * strip_row;
      float* v_row = v + (y - s.y0) * tile_columns * channels_ + c - channels.begin;
      // Tiles at one distance.
      for (int64_t x = s.x0, next; x < s.x1; x = next) {
        const int64_t d = columns_.dilation;
        next = d == 1 ? s.x1 : std::min(s.x1, (x / d + 1) * d);
        const WinogradInput input{
            row + (columns_.first_pixel(x) - columns_.first_pixel(s.x0)) * width_,
            strip_row * rows_.dilation,
            d,
            d == 1 ? columns_.axis.step : 1,
            next - x,
            v_row + (x - s.x0) * channels_,
            v_xi(),
            channels_};
        functions_.input(&input);
      }
    }
  }
}

void WinogradPlan::transform_output(const ConvArgs& args, const Item& item,
                                    const WinogradBlock& block, int64_t n, int64_t depth,
                                    const float* m) const {
  const Strip& s = *item.strip;
  const int64_t lanes = weights_.lanes(block);
  const int64_t first = item.g * spec_.out_per_group();
  const bool blocked = formats_.output == Format::kBlocked;
  const int64_t pixel = blocked ? width_ : 1;
  // Tiles whose rows are stored together.
  const int64_t group = blocked || columns_.dilation > 1
                            ? 1
                            : winograd_row_tiles(static_cast<int>(width_), columns_.axis.outputs);
  for (int64_t ty = s.y0; ty < s.y1; ++ty) {
    for (int64_t tx = s.x0, next; tx < s.x1; tx = next) {
      const int64_t y = rows_.first_output(ty), x = columns_.first_output(tx);
      const float* tile = m + ((ty - s.y0) * (s.x1 - s.x0) + tx - s.x0) * lanes;
      next = std::min(s.x1, tx + group);
      for (int64_t c = 0; c < block.channels; c += width_) {
        const int64_t o = first + block.first + c;
        const int64_t count = std::min(width_, block.channels - c);
        float* out = args.output + (n * spec_.out_channels + o) * shape_.out_plane() +
                     ((depth * shape_.out[1] + y) * shape_.out[2] + x) * pixel;
        const WinogradOutput output{
            tile + c,
            m_xi(),
            next - tx,
            lanes,
            args.bias ? args.bias + o : nullptr,
            count,
            out,
            blocked ? 0 : shape_.out_plane(),
            rows_.dilation * shape_.out[2] * pixel,
            columns_.dilation,
            rows_.outputs_of(ty),
            (next - 1 - tx) * columns_.axis.outputs + columns_.outputs_of(next - 1),
            args.finish};
        const uint32_t bad = functions_.output(&output);
        for (int64_t i = 0; bad >> i; ++i) {
          if (bad >> i & 1) recompute(args, n, item.g, o, count, depth, ty, tx + i);
        }
      }
    }
  }
}

void WinogradPlan::recompute(const ConvArgs& args, int64_t n, int64_t g, int64_t first,
                             int64_t count, int64_t depth, int64_t ty, int64_t tx) const {
  const bool blocked = formats_.output == Format::kBlocked;
  const int64_t pixel = blocked ? width_ : 1, channel = blocked ? 1 : shape_.out_plane();
  float* output = args.output + (n * spec_.out_channels + first) * shape_.out_plane() +
                  depth * shape_.out[1] * shape_.out[2] * pixel;
  for (int64_t o = first; o < first + count; ++o, output += channel) {
    for (int64_t i = 0; i < rows_.outputs_of(ty); ++i) {
      for (int64_t j = 0; j < columns_.outputs_of(tx); ++j) {
        const int64_t y = rows_.first_output(ty) + i * rows_.dilation;
        const int64_t x = columns_.first_output(tx) + j * columns_.dilation;
        float* out = output + (y * shape_.out[2] + x) * pixel;
        const double sum = output_at(args, n, g, o, Dims{depth, y, x});
        *out = finish_value(args.finish, static_cast<float>(sum), out);
      }
    }
  }
}

// One output by definition.
double WinogradPlan::output_at(const ConvArgs& args, int64_t n, int64_t g, int64_t o,
                               const Dims& at) const {
  const int64_t in = spec_.in_per_group(), lane = o - g * spec_.out_per_group();
  const float* input = args.input + (n * spec_.in_channels + g * in) * shape_.in_plane();
  const bool blocked = formats_.input == Format::kBlocked;
  const int64_t pixel = blocked ? width_ : 1;
  const auto channel = [&](int64_t c) {
    return blocked ? c / width_ * width_ * shape_.in_plane() + c % width_ : c * shape_.in_plane();
  };
  double sum = args.bias ? args.bias[o] : 0.0;
  for (int64_t k = 0; k < spec_.taps(); ++k) {
    const int64_t i = input_of(at, k);
    for (int64_t c = 0; i >= 0 && c < in; ++c)
      sum += static_cast<double>(weights_.value(args.packed, g, lane, c, k)) *
             static_cast<double>(input[channel(c) + i * pixel]);
  }
  return sum;
}

// The pixel of a plane that an output meets under tap k, or -1.
int64_t WinogradPlan::input_of(const Dims& at, int64_t k) const {
  const Dims tap{k / (spec_.kernel[1] * spec_.kernel[2]), k / spec_.kernel[2] % spec_.kernel[1],
                 k % spec_.kernel[2]};
  int64_t pixel = 0;
  for (int d = 0; d < kMaxDims; ++d) {
    int64_t i;
    if (spec_.transposed) {
      i = at[d] + spec_.pad_low[d] - tap[d];
      if (i % spec_.stride[d] != 0) return -1;
      i /= spec_.stride[d];
    } else {
      i = at[d] * spec_.stride[d] + tap[d] * spec_.dilation[d] - spec_.pad_low[d];
    }
    if (i < 0 || i >= shape_.in[d]) return -1;
    pixel = pixel * shape_.in[d] + i;
  }
  return pixel;
}

}  // namespace

std::unique_ptr<ConvPlan> make_winograd_plan(const ConvSpec& spec, const ConvShape& shape,
                                             const KernelTable& kernels, int kind,
                                             ConvFormats formats, Use use) {
  return std::make_unique<WinogradPlan>(spec, shape, kernels, kind, formats, use);
}

}  // namespace nnconv
