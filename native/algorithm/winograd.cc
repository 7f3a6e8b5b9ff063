// Winograd convolution F(m, 3): kernels of three taps in the width, or in height and width, stride
// 1; depth taps, if any, are summed in the transformed domain. After Lavin and Gray, "Fast
// Algorithms for Convolutional Neural Networks" (2016); points and the summation in chunks keep
// errors at the level of direct summation.
//
// A strip of tiles at a time: its input is transformed for all channels, then for each block of
// output channels the products are summed and transformed back, so that V and M stay in the cache.
// A tile that comes out with a value that is not finite is computed again by definition: Inf and
// NaN must not spread beyond their own windows.
#include <algorithm>
#include <cmath>
#include <vector>

#include "algorithm/plan.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Channels after which a sum starts anew.
constexpr int64_t kChunk = 64;
// Floats between the points of V and M beyond their data: equal addresses modulo 4096 would compete
// for the same cache sets.
constexpr int64_t kSkew = 16;

// G of F(m, 3), row by row: (1, p, p^2) / prod(p - other points), and (0, 0, 1) for infinity.
std::vector<std::array<double, 3>> kernel_transform(int m) {
  if (m == 1) return {{1, 0, 0}};
  const double a = std::sqrt(0.5), b = std::sqrt(2.0);
  const std::vector<double> points =
      m == 2 ? std::vector<double>{0, 1, -1} : std::vector<double>{0, a, -a, b, -b};
  std::vector<std::array<double, 3>> rows;
  for (double p : points) {
    double scale = 1;
    for (double other : points) scale *= other == p ? 1 : p - other;
    rows.push_back({1 / scale, p / scale, p * p / scale});
  }
  rows.push_back({0, 0, 1});
  return rows;
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

class WinogradPlan final : public ConvPlan {
 public:
  WinogradPlan(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels, int kind)
      : spec_(spec),
        shape_(shape),
        kernels_(kernels),
        kind_(kind),
        functions_(kernels.winograd.kinds[kind]),
        width_(kernels.width) {
    mh_ = functions_.m_height;
    mw_ = functions_.m_width;
    ph_ = mh_ == 1 ? 1 : mh_ + 2;
    pw_ = mw_ + 2;
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
    return mh_ == 1 ? "winograd_1x4" : mh_ == 2 ? "winograd_2x2" : "winograd_4x4";
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
  void transform_output(const ConvArgs& args, const Item& item, const Block& block, int64_t depth,
                        const float* m) const;
  void recompute(const ConvArgs& args, int64_t n, int64_t g, int64_t first, int64_t count,
                 int64_t depth, int64_t y0, int64_t x0) const;

  int64_t xis() const { return ph_ * pw_; }
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
  int kind_;
  const WinogradKernels& functions_;
  int64_t width_;
  int64_t mh_, mw_, ph_, pw_;
  int64_t channels_;  // input channels of a group, in whole vectors
  std::vector<Block> blocks_;
  int64_t lanes_ = 0;
  std::vector<Strip> strips_;
  int64_t max_tiles_ = 0;
  int64_t strip_pixels_ = 0;
};

void WinogradPlan::make_strips() {
  const int64_t tiles_y = ceil_div(shape_.out[1], mh_), tiles_x = ceil_div(shape_.out[2], mw_);
  // V and M of a strip should fit the L2 cache, but a strip must be worth streaming U for.
  const int64_t floats = cpu_info().l2_bytes / 4 / xis();
  const int64_t most =
      std::max<int64_t>(24, floats / (depth_taps() * channels_ + 2 * width_) / 12 * 12);
  const int64_t nx = ceil_div(tiles_x, most);
  const int64_t rows = nx > 1 ? 1 : std::max<int64_t>(1, most / tiles_x);
  const int64_t ny = ceil_div(tiles_y, rows);
  for (int64_t y = 0; y < ny; ++y) {
    for (int64_t x = 0; x < nx; ++x) {
      const Strip s{tiles_y * y / ny, tiles_y * (y + 1) / ny, tiles_x * x / nx,
                    tiles_x * (x + 1) / nx};
      max_tiles_ = std::max(max_tiles_, s.tiles());
      const int64_t pixel_rows = (s.y1 - s.y0) * mh_ + ph_ - mh_;
      const int64_t pixel_columns = (s.x1 - s.x0) * mw_ + pw_ - mw_;
      strip_pixels_ =
          std::max(strip_pixels_, pixel_rows * ceil_div(pixel_columns, width_) * width_);
      strips_.push_back(s);
    }
  }
}

void WinogradPlan::pack(const float* weight, float* packed) const {
  const auto gh = kernel_transform(static_cast<int>(mh_));
  const auto gw = kernel_transform(static_cast<int>(mw_));
  const int64_t in = spec_.in_per_group(), out = spec_.out_per_group();
  const int64_t kh = spec_.kernel[1];
  for (int64_t g = 0; g < spec_.groups; ++g) {
    for (const Block& block : blocks_) {
      const int64_t lanes = block.vectors * width_;
      float* u = packed + g * group_floats() + block.offset * depth_taps() * xis() * in;
      for (int64_t kd = 0; kd < depth_taps(); ++kd) {
        float* slice = u + kd * xis() * in * lanes;
        for (int64_t c = 0; c < in; ++c) {
          for (int64_t j = 0; j < lanes; ++j) {
            double half[6][3] = {};
            if (j < block.channels) {
              const float* w =
                  weight + (((g * out + block.first + j) * in + c) * depth_taps() + kd) * kh * 3;
              for (int64_t y = 0; y < ph_; ++y)
                for (int64_t k = 0; k < kh; ++k)
                  for (int64_t x = 0; x < 3; ++x)
                    half[y][x] += gh[static_cast<size_t>(y)][static_cast<size_t>(k)] * w[k * 3 + x];
            }
            for (int64_t y = 0; y < ph_; ++y) {
              for (int64_t x = 0; x < pw_; ++x) {
                const auto& row = gw[static_cast<size_t>(x)];
                slice[((y * pw_ + x) * in + c) * lanes + j] = static_cast<float>(
                    row[0] * half[y][0] + row[1] * half[y][1] + row[2] * half[y][2]);
              }
            }
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
    const int64_t first = std::max<int64_t>(0, d - spec_.pad_low[0]);
    const int64_t last = std::min(shape_.in[0] - 1, d - spec_.pad_low[0] + taps - 1);
    for (int64_t i = std::max(first, transformed + 1); i <= last; ++i) {
      transform_input(args, item, i, strip, v + i % taps * v_floats());
      transformed = i;
    }
    for (int64_t b = item.block0; b < item.block1; ++b) {
      const Block& block = blocks_[static_cast<size_t>(b)];
      const int64_t lanes = block.vectors * width_;
      const float* u = args.packed + item.g * group_floats() + block.offset * taps * xis() * in;
      const int64_t parts = ceil_div(tiles, kernels_.winograd.product_tiles);
      for (int64_t xi = 0; xi < xis(); ++xi) {
        for (int64_t i = first; i <= last; ++i) {
          const int64_t kd = i - (d - spec_.pad_low[0]);
          for (int64_t p = 0; p < parts; ++p) {
            const int64_t t0 = tiles * p / parts, t1 = tiles * (p + 1) / parts;
            const WinogradProduct product{v + i % taps * v_floats() + xi * v_xi() + t0 * channels_,
                                          channels_,
                                          u + (kd * xis() + xi) * in * lanes,
                                          in,
                                          kChunk,
                                          m + xi * m_xi() + t0 * lanes,
                                          i > first};
            kernels_.winograd.product[block.vectors][t1 - t0](&product);
          }
        }
        if (first > last) std::fill_n(m + xi * m_xi(), tiles * lanes, 0.0f);
      }
      transform_output(args, item, block, d, m);
    }
  }
}

void WinogradPlan::transform_input(const ConvArgs& args, const Item& item, int64_t depth,
                                   float* strip, float* v) const {
  const Strip& s = *item.strip;
  const int64_t in = spec_.in_per_group();
  const int64_t tile_rows = s.y1 - s.y0, tile_columns = s.x1 - s.x0;
  const int64_t columns = tile_columns * mw_ + pw_ - mw_;
  const int64_t strip_row = ceil_div(columns, width_) * width_ * width_;
  for (int64_t c = 0; c < in; c += width_) {
    const WinogradGather gather{
        args.input + (item.n * spec_.in_channels + item.g * in + c) * shape_.in_plane() +
            depth * shape_.in[1] * shape_.in[2],
        shape_.in_plane(),
        shape_.in[2],
        std::min(width_, in - c),
        s.y0 * mh_ - spec_.pad_low[1],
        s.x0 * mw_ - spec_.pad_low[2],
        shape_.in[1],
        shape_.in[2],
        tile_rows * mh_ + ph_ - mh_,
        columns,
        strip};
    kernels_.winograd.gather(&gather);
    for (int64_t y = 0; y < tile_rows; ++y) {
      const WinogradInput input{strip + y * mh_ * strip_row,          strip_row, tile_columns,
                                v + y * tile_columns * channels_ + c, v_xi(),    channels_};
      functions_.input(&input);
    }
  }
}

void WinogradPlan::transform_output(const ConvArgs& args, const Item& item, const Block& block,
                                    int64_t depth, const float* m) const {
  const Strip& s = *item.strip;
  const int64_t lanes = block.vectors * width_;
  const int64_t group = item.g * spec_.out_per_group();
  for (int64_t y = s.y0; y < s.y1; ++y) {
    for (int64_t x = s.x0; x < s.x1; ++x) {
      const float* tile = m + ((y - s.y0) * (s.x1 - s.x0) + x - s.x0) * lanes;
      for (int64_t c = 0; c < block.channels; c += width_) {
        const int64_t o = group + block.first + c;
        const int64_t count = std::min(width_, block.channels - c);
        const WinogradOutput output{tile + c,
                                    m_xi(),
                                    args.bias ? args.bias + o : nullptr,
                                    count,
                                    args.output +
                                        (item.n * spec_.out_channels + o) * shape_.out_plane() +
                                        (depth * shape_.out[1] + y * mh_) * shape_.out[2] + x * mw_,
                                    shape_.out_plane(),
                                    shape_.out[2],
                                    std::min(mh_, shape_.out[1] - y * mh_),
                                    std::min(mw_, shape_.out[2] - x * mw_),
                                    args.finish};
        if (functions_.output(&output))
          recompute(args, item.n, item.g, o, count, depth, y * mh_, x * mw_);
      }
    }
  }
}

void WinogradPlan::recompute(const ConvArgs& args, int64_t n, int64_t g, int64_t first,
                             int64_t count, int64_t depth, int64_t y0, int64_t x0) const {
  const int64_t in = spec_.in_per_group(), taps = spec_.taps();
  const float* weight = args.packed + spec_.groups * group_floats();
  const float* input = args.input + (n * spec_.in_channels + g * in) * shape_.in_plane();
  for (int64_t o = first; o < first + count; ++o) {
    for (int64_t y = y0; y < std::min(y0 + mh_, shape_.out[1]); ++y) {
      for (int64_t x = x0; x < std::min(x0 + mw_, shape_.out[2]); ++x) {
        double sum = args.bias ? args.bias[o] : 0.0;
        for (int64_t kd = 0; kd < spec_.kernel[0]; ++kd) {
          const int64_t id = depth + kd - spec_.pad_low[0];
          if (id < 0 || id >= shape_.in[0]) continue;
          for (int64_t kh = 0; kh < spec_.kernel[1]; ++kh) {
            const int64_t iy = y + kh - spec_.pad_low[1];
            if (iy < 0 || iy >= shape_.in[1]) continue;
            for (int64_t kw = 0; kw < spec_.kernel[2]; ++kw) {
              const int64_t ix = x + kw - spec_.pad_low[2];
              if (ix < 0 || ix >= shape_.in[2]) continue;
              const int64_t k = (kd * spec_.kernel[1] + kh) * spec_.kernel[2] + kw;
              const int64_t i = (id * shape_.in[1] + iy) * shape_.in[2] + ix;
              for (int64_t c = 0; c < in; ++c)
                sum += static_cast<double>(weight[(o * in + c) * taps + k]) *
                       static_cast<double>(input[c * shape_.in_plane() + i]);
            }
          }
        }
        float* out = args.output +
                     (((n * spec_.out_channels + o) * shape_.out[0] + depth) * shape_.out[1] + y) *
                         shape_.out[2] +
                     x;
        *out = finish_value(args.finish, static_cast<float>(sum), out);
      }
    }
  }
}

}  // namespace

bool supports_winograd(const ConvSpec& spec, int m_height) {
  const Dims one{1, 1, 1};
  return !spec.transposed && spec.in_channels > 0 && spec.stride == one && spec.dilation == one &&
         spec.kernel[1] == (m_height == 1 ? 1 : 3) && spec.kernel[2] == 3;
}

std::unique_ptr<ConvPlan> make_winograd_plan(const ConvSpec& spec, const ConvShape& shape,
                                             const KernelTable& kernels, int m_height,
                                             int m_width) {
  for (int kind = 0; kind < kWinogradKinds; ++kind) {
    const WinogradKernels& k = kernels.winograd.kinds[kind];
    if (k.m_height == m_height && k.m_width == m_width)
      return std::make_unique<WinogradPlan>(spec, shape, kernels, kind);
  }
  return nullptr;
}

}  // namespace nnconv
