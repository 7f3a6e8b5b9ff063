// Winograd convolution: fewer multiplications along height and width, or along width alone, for the
// kernels and strides of kernel/winograd.h; depth taps, if any, are summed in the transformed
// domain. After Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016); points
// and the summation in chunks keep errors at the level of direct summation.
//
// A strip of tiles at a time: its input is transformed for all channels, then for each block of
// output channels the products are summed and transformed back, so that V and M stay in the cache.
// A tile that comes out with a value that is not finite is computed again by definition: Inf and
// NaN must not spread beyond their own windows.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "algorithm/plan.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

// Channels after which a sum starts anew.
constexpr int64_t kChunk = 32;
// Floats between the points of V and M beyond their data: equal addresses modulo 4096 would compete
// for the same cache sets.
constexpr int64_t kSkew = 16;

// The finite points of kernel/winograd.inl; infinity is one more.
std::vector<double> finite_points(int points) {
  const double a = std::sqrt(0.5), b = std::sqrt(2.0);
  switch (points) {
    case 3:
      return {0, 1};
    case 4:
      return {0, 1, -1};
    case 5:
      return {0.5, -0.5, 1.25, -1.25};
    default:
      return {0, a, -a, b, -b};
  }
}

constexpr int kMostPoints = 10, kMostTaps = 5;
using TapRow = std::array<double, kMostTaps>;

// G along one dimension, a row for each point: (1, p, p^2, ...) / prod(p - other points), and
// (..., 0, 1) for infinity, each at the taps of its part.
std::vector<TapRow> kernel_transform(const WinogradAxis& axis) {
  std::vector<TapRow> rows;
  for (int i = 0; i < axis.part_count; ++i) {
    const WinogradPart& part = axis.parts[i];
    const auto tap = [&](int t) { return static_cast<size_t>(part.tap + t * part.tap_step); };
    if (part.taps == 1) {
      TapRow row{};
      row[tap(0)] = 1;
      rows.insert(rows.end(), static_cast<size_t>(part.outputs), row);
      continue;
    }
    const std::vector<double> points = finite_points(part.outputs + part.taps - 1);
    for (double p : points) {
      double value = 1;
      for (double other : points) value /= other == p ? 1 : p - other;
      TapRow row{};
      for (int t = 0; t < part.taps; ++t, value *= p) row[tap(t)] = value;
      rows.push_back(row);
    }
    TapRow last{};
    last[tap(part.taps - 1)] = 1;
    rows.push_back(last);
  }
  return rows;
}

// G w G^T of one kernel; zeros where there is none.
void transform_kernel(const std::vector<TapRow>& gh, const std::vector<TapRow>& gw, const float* w,
                      int kh, int kw, float* u, int64_t u_xi) {
  double half[kMostPoints][kMostTaps] = {};
  for (size_t y = 0; w && y < gh.size(); ++y)
    for (int k = 0; k < kh; ++k)
      for (int x = 0; x < kw; ++x) half[y][x] += gh[y][static_cast<size_t>(k)] * w[k * kw + x];
  for (size_t y = 0; y < gh.size(); ++y) {
    for (const TapRow& row : gw) {
      double sum = 0;
      for (int x = 0; x < kw; ++x) sum += row[static_cast<size_t>(x)] * half[y][x];
      *u = static_cast<float>(sum);
      u += u_xi;
    }
  }
}

struct Block {
  int64_t first;
  int64_t channels;
  int vectors;
  int64_t offset;  // lanes of the blocks before
};

struct Strip {
  int64_t y0, y1, x0, x1;  // tiles
  int64_t tiles() const { return (y1 - y0) * (x1 - x0); }
};

// One tap has no neighbours that a dilation could move away.
int64_t effective_dilation(const WinogradAxis& axis, int64_t dilation) {
  return axis.kernel > 1 ? dilation : 1;
}

// The tiles along one dimension, in the order of their first outputs. With a dilation of d, d tiles
// interleave.
struct TileAxis {
  TileAxis(const WinogradAxis& a, int64_t spec_dilation, int64_t size)
      : axis(a), dilation(effective_dilation(a, spec_dilation)), outputs(size) {}

  const WinogradAxis& axis;
  int64_t dilation;
  int64_t outputs;  // of the whole dimension

  int64_t tiles() const { return winograd_tiles(axis, dilation, outputs); }
  int64_t first_output(int64_t tile) const {
    return tile / dilation * axis.outputs * dilation + tile % dilation;
  }
  // Outputs of a tile that exist.
  int64_t outputs_of(int64_t tile) const {
    return std::min<int64_t>(axis.outputs, ceil_div(outputs - first_output(tile), dilation));
  }
  // Of the input, counted from the first tile's.
  int64_t first_pixel(int64_t tile) const {
    return tile / dilation * axis.step * dilation + tile % dilation;
  }
  // Input pixels from the first one of tile `begin` to the last one of tile `end - 1`.
  int64_t pixels(int64_t begin, int64_t end) const {
    return first_pixel(end - 1) - first_pixel(begin) + (axis.span - 1) * dilation + 1;
  }
};

class WinogradPlan final : public ConvPlan {
 public:
  WinogradPlan(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels, int kind,
               ConvFormats formats)
      : spec_(spec),
        shape_(shape),
        kernels_(kernels),
        functions_(kernels.winograd.kinds[kind]),
        rows_(kWinogradAxis[kWinogradPair[kind][0]], spec.dilation[1], shape.out[1]),
        columns_(kWinogradAxis[kWinogradPair[kind][1]], spec.dilation[2], shape.out[2]),
        width_(kernels.width),
        formats_(formats) {
    channels_ = ceil_div(spec.in_per_group(), width_) * width_;
    for (int64_t first = 0; first < spec.out_per_group();) {
      const int64_t left = spec.out_per_group() - first;
      const int vectors = left > width_ ? 2 : 1;
      blocks_.push_back({first, std::min<int64_t>(left, vectors * width_), vectors, lanes_});
      lanes_ += vectors * width_;
      first += vectors * width_;
    }
    make_strips();
  }

  const char* pack_key() const override {
    return rows_.axis.outputs == 1   ? "winograd_1x4"
           : rows_.axis.outputs == 2 ? "winograd_2x2"
                                     : "winograd_4x4";
  }
  // The transformed weights, then the weights as they are for recomputed tiles.
  size_t packed_floats() const override {
    return static_cast<size_t>(spec_.groups * group_floats() + spec_.weight_size());
  }
  void pack(const float* weight, float* packed) const override;
  size_t workspace_bytes(int threads) const override {
    return static_cast<size_t>(threads * thread_floats()) * sizeof(float);
  }
  void run(const ConvArgs& args) const override;

 private:
  struct Item {
    int64_t n, g;
    const Strip* strip;
    int64_t block0, block1;
    int64_t depth0, depth1;
  };

  void make_strips();
  void run_item(const ConvArgs& args, const Item& item, float* scratch) const;
  void transform_input(const ConvArgs& args, const Item& item, int64_t depth, float* strip,
                       float* v) const;
  void multiply(const Block& block, int64_t tiles, const float* v, const float* u, float* m,
                bool add) const;
  void transform_output(const ConvArgs& args, const Item& item, const Block& block, int64_t depth,
                        const float* m) const;
  void recompute(const ConvArgs& args, int64_t n, int64_t g, int64_t first, int64_t count,
                 int64_t depth, int64_t ty, int64_t tx) const;
  double output_at(const ConvArgs& args, int64_t n, int64_t g, int64_t o, const Dims& at) const;
  int64_t input_of(const Dims& at, int64_t k) const;

  // The first input pixel of tile 0.
  int64_t first_input(const WinogradAxis& axis, int d) const {
    return axis.transposed ? (spec_.pad_low[d] - axis.lead) / axis.stride : -spec_.pad_low[d];
  }
  int64_t xis() const { return rows_.axis.points * columns_.axis.points; }
  int64_t depth_taps() const { return spec_.kernel[0]; }
  int64_t group_floats() const { return depth_taps() * xis() * spec_.in_per_group() * lanes_; }
  int64_t v_xi() const { return max_tiles_ * channels_ + kSkew; }
  int64_t m_xi() const { return max_tiles_ * 2 * width_ + kSkew; }
  int64_t v_floats() const { return xis() * v_xi(); }
  int64_t strip_floats() const { return strip_pixels_ * width_; }
  int64_t thread_floats() const {
    return strip_floats() + depth_taps() * v_floats() + xis() * m_xi();
  }

  ConvSpec spec_;
  ConvShape shape_;
  const KernelTable& kernels_;
  const WinogradKernels& functions_;
  TileAxis rows_, columns_;
  int64_t width_;  // of a vector
  ConvFormats formats_;
  int64_t channels_;  // input channels of a group, in whole vectors
  std::vector<Block> blocks_;
  int64_t lanes_ = 0;
  std::vector<Strip> strips_;
  int64_t max_tiles_ = 0;
  int64_t strip_pixels_ = 0;
};

void WinogradPlan::make_strips() {
  const int64_t tiles_y = rows_.tiles(), tiles_x = columns_.tiles();
  // V and M of a strip should fit the L2 cache, but a strip must be worth streaming U for.
  const int64_t floats = cpu_info().l2_bytes / 4 / xis();
  const int64_t most =
      std::max<int64_t>(32, floats / (depth_taps() * channels_ + 2 * width_) / 12 * 12);
  const int64_t nx = ceil_div(tiles_x, most);
  const int64_t rows = nx > 1 ? 1 : std::max<int64_t>(1, most / tiles_x);
  const int64_t ny = ceil_div(tiles_y, rows);
  for (int64_t y = 0; y < ny; ++y) {
    for (int64_t x = 0; x < nx; ++x) {
      const Strip s{tiles_y * y / ny, tiles_y * (y + 1) / ny, tiles_x * x / nx,
                    tiles_x * (x + 1) / nx};
      max_tiles_ = std::max(max_tiles_, s.tiles());
      const int64_t pixel_rows = rows_.pixels(s.y0, s.y1);
      const int64_t pixel_columns = columns_.pixels(s.x0, s.x1);
      strip_pixels_ =
          std::max(strip_pixels_, pixel_rows * ceil_div(pixel_columns, width_) * width_);
      strips_.push_back(s);
    }
  }
}

void WinogradPlan::pack(const float* weight, float* packed) const {
  const auto gh = kernel_transform(rows_.axis), gw = kernel_transform(columns_.axis);
  const int64_t in = spec_.in_per_group(), out = spec_.out_per_group(), taps = spec_.taps();
  for (int64_t g = 0; g < spec_.groups; ++g) {
    for (const Block& block : blocks_) {
      const int64_t lanes = block.vectors * width_;
      float* u = packed + g * group_floats() + block.offset * depth_taps() * xis() * in;
      for (int64_t kd = 0; kd < depth_taps(); ++kd, u += xis() * in * lanes) {
        for (int64_t c = 0; c < in; ++c) {
          for (int64_t j = 0; j < lanes; ++j) {
            const int64_t o = block.first + j;
            const int64_t pair = spec_.transposed ? (g * in + c) * out + o : (g * out + o) * in + c;
            const float* w =
                j < block.channels ? weight + pair * taps + kd * taps / depth_taps() : nullptr;
            transform_kernel(gh, gw, w, rows_.axis.kernel, columns_.axis.kernel, u + c * lanes + j,
                             in * lanes);
          }
        }
      }
    }
  }
  std::copy_n(weight, spec_.weight_size(), packed + spec_.groups * group_floats());
}

void WinogradPlan::run(const ConvArgs& args) const {
  const int64_t blocks = static_cast<int64_t>(blocks_.size());
  const int64_t threads = args.threads;
  const int64_t planes = args.batch * spec_.groups * static_cast<int64_t>(strips_.size());
  // Depth is cut where there are fewer strips than threads could share evenly; then channels, for
  // which the input is transformed again.
  const int64_t depths =
      planes < 4 * threads ? std::min(shape_.out[0], threads > 1 ? 2 * threads : 1) : 1;
  const int64_t items = planes * depths;
  const int64_t cuts = items < 4 * threads && items % threads != 0 ? std::min(blocks, threads) : 1;
  float* workspace = static_cast<float*>(args.workspace);
  parallel_for(items * cuts, args.threads, [&](int64_t i, int thread) {
    const int64_t cut = i % cuts, depth = i / cuts % depths, plane = i / cuts / depths;
    const int64_t strips = static_cast<int64_t>(strips_.size());
    const int64_t ng = plane / strips;
    const Item item{ng / spec_.groups,
                    ng % spec_.groups,
                    &strips_[static_cast<size_t>(plane % strips)],
                    blocks * cut / cuts,
                    blocks * (cut + 1) / cuts,
                    shape_.out[0] * depth / depths,
                    shape_.out[0] * (depth + 1) / depths};
    run_item(args, item, workspace + thread * thread_floats());
  });
}

void WinogradPlan::run_item(const ConvArgs& args, const Item& item, float* scratch) const {
  float* strip = scratch;
  float* v = strip + strip_floats();
  float* m = v + depth_taps() * v_floats();
  const int64_t in = spec_.in_per_group(), taps = depth_taps();
  const int64_t tiles = item.strip->tiles();
  int64_t transformed = -1;  // the last input depth in the ring of V
  for (int64_t d = item.depth0; d < item.depth1; ++d) {
    const int64_t tap0 = d * spec_.stride[0] - spec_.pad_low[0];
    const int64_t first = std::max<int64_t>(0, tap0);
    const int64_t last = std::min(shape_.in[0] - 1, tap0 + taps - 1);
    for (int64_t i = std::max(first, transformed + 1); i <= last; ++i) {
      transform_input(args, item, i, strip, v + i % taps * v_floats());
      transformed = i;
    }
    for (int64_t b = item.block0; b < item.block1; ++b) {
      const Block& block = blocks_[static_cast<size_t>(b)];
      const int64_t lanes = block.vectors * width_;
      const float* u = args.packed + item.g * group_floats() + block.offset * taps * xis() * in;
      for (int64_t xi = 0; xi < xis(); ++xi) {
        float* m_xi = m + xi * this->m_xi();
        for (int64_t i = first; i <= last; ++i)
          multiply(block, tiles, v + i % taps * v_floats() + xi * v_xi(),
                   u + ((i - tap0) * xis() + xi) * in * lanes, m_xi, i > first);
        if (first > last) std::fill_n(m_xi, tiles * lanes, 0.0f);
      }
      transform_output(args, item, block, d, m);
    }
  }
}

// One point of a strip's tiles.
void WinogradPlan::multiply(const Block& block, int64_t tiles, const float* v, const float* u,
                            float* m, bool add) const {
  const int64_t in = spec_.in_per_group(), lanes = block.vectors * width_;
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

void WinogradPlan::transform_input(const ConvArgs& args, const Item& item, int64_t depth,
                                   float* strip, float* v) const {
  const Strip& s = *item.strip;
  const int64_t in = spec_.in_per_group();
  const int64_t tile_columns = s.x1 - s.x0;
  const int64_t columns = columns_.pixels(s.x0, s.x1);
  const int64_t strip_row = ceil_div(columns, width_) * width_ * width_;
  for (int64_t c = 0; c < in; c += width_) {
    const bool blocked = formats_.input == Format::kBlocked;
    const int64_t pixel = blocked ? width_ : 1;
    const WinogradGather gather{
        args.input + (item.n * spec_.in_channels + item.g * in + c) * shape_.in_plane() +
            depth * shape_.in[1] * shape_.in[2] * pixel,
        blocked ? 0 : shape_.in_plane(),
        shape_.in[2] * pixel,
        std::min(width_, in - c),
        rows_.first_pixel(s.y0) + first_input(rows_.axis, 1),
        columns_.first_pixel(s.x0) + first_input(columns_.axis, 2),
        shape_.in[1],
        shape_.in[2],
        rows_.pixels(s.y0, s.y1),
        columns,
        strip};
    kernels_.winograd.gather(&gather);
    for (int64_t y = s.y0; y < s.y1; ++y) {
      const float* row = strip + (rows_.first_pixel(y) - rows_.first_pixel(s.y0)) * strip_row;
      float* v_row = v + (y - s.y0) * tile_columns * channels_ + c;
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

void WinogradPlan::transform_output(const ConvArgs& args, const Item& item, const Block& block,
                                    int64_t depth, const float* m) const {
  const Strip& s = *item.strip;
  const int64_t lanes = block.vectors * width_;
  const int64_t group = item.g * spec_.out_per_group();
  const bool blocked = formats_.output == Format::kBlocked;
  const int64_t pixel = blocked ? width_ : 1;
  for (int64_t ty = s.y0; ty < s.y1; ++ty) {
    for (int64_t tx = s.x0; tx < s.x1; ++tx) {
      const int64_t y = rows_.first_output(ty), x = columns_.first_output(tx);
      const float* tile = m + ((ty - s.y0) * (s.x1 - s.x0) + tx - s.x0) * lanes;
      for (int64_t c = 0; c < block.channels; c += width_) {
        const int64_t o = group + block.first + c;
        const int64_t count = std::min(width_, block.channels - c);
        const WinogradOutput output{tile + c,
                                    m_xi(),
                                    args.bias ? args.bias + o : nullptr,
                                    count,
                                    args.output +
                                        (item.n * spec_.out_channels + o) * shape_.out_plane() +
                                        ((depth * shape_.out[1] + y) * shape_.out[2] + x) * pixel,
                                    blocked ? 0 : shape_.out_plane(),
                                    rows_.dilation * shape_.out[2] * pixel,
                                    columns_.dilation,
                                    rows_.outputs_of(ty),
                                    columns_.outputs_of(tx),
                                    args.finish};
        if (functions_.output(&output)) recompute(args, item.n, item.g, o, count, depth, ty, tx);
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
  const int64_t in = spec_.in_per_group(), out = spec_.out_per_group(), taps = spec_.taps();
  const float* weight = args.packed + spec_.groups * group_floats();
  const float* input = args.input + (n * spec_.in_channels + g * in) * shape_.in_plane();
  const bool blocked = formats_.input == Format::kBlocked;
  const int64_t pixel = blocked ? width_ : 1;
  const auto channel = [&](int64_t c) {
    return blocked ? c / width_ * width_ * shape_.in_plane() + c % width_ : c * shape_.in_plane();
  };
  const int64_t first = spec_.transposed ? g * in * out + o - g * out : o * in;
  const int64_t step = spec_.transposed ? out : 1;
  double sum = args.bias ? args.bias[o] : 0.0;
  for (int64_t k = 0; k < taps; ++k) {
    const int64_t i = input_of(at, k);
    for (int64_t c = 0; i >= 0 && c < in; ++c)
      sum += static_cast<double>(weight[(first + c * step) * taps + k]) *
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

bool fits(const ConvSpec& spec, int d, const WinogradAxis& axis) {
  if (spec.kernel[d] != axis.kernel || spec.stride[d] != axis.stride) return false;
  // A strip holds the pixels between those that a dilated tile meets, too.
  constexpr int64_t kMostDilation = 64;
  const int64_t dilation = effective_dilation(axis, spec.dilation[d]);
  if (dilation != 1 && (axis.stride != 1 || axis.transposed || dilation > kMostDilation))
    return false;
  if (axis.transposed) return spec.pad_low[d] % 2 == 1;
  return true;
}

}  // namespace

int64_t winograd_tiles(const WinogradAxis& axis, int64_t spec_dilation, int64_t outputs) {
  const int64_t dilation = effective_dilation(axis, spec_dilation);
  const int64_t group = axis.outputs * dilation;
  return outputs / group * dilation + std::min(dilation, outputs % group);
}

int winograd_kind(const ConvSpec& spec, int m_height, int m_width) {
  const bool depth = spec.dilation[0] == 1 && (!spec.transposed || spec.dims < 3);
  if (!depth || spec.in_channels == 0) return -1;
  for (int kind = 0; kind < kWinogradKinds; ++kind) {
    const WinogradAxis& height = kWinogradAxis[kWinogradPair[kind][0]];
    const WinogradAxis& width = kWinogradAxis[kWinogradPair[kind][1]];
    if (height.outputs == m_height && width.outputs == m_width &&
        width.transposed == spec.transposed && fits(spec, 1, height) && fits(spec, 2, width))
      return kind;
  }
  return -1;
}

std::unique_ptr<ConvPlan> make_winograd_plan(const ConvSpec& spec, const ConvShape& shape,
                                             const KernelTable& kernels, int kind,
                                             ConvFormats formats) {
  return std::make_unique<WinogradPlan>(spec, shape, kernels, kind, formats);
}

}  // namespace nnconv
