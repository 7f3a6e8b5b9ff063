// Convolution of small planes with many channels: a product
//   (pixels x in_channels * taps) (in_channels * taps x out_channels)
// whose rows are copied to panels [tile][tap, channel][pixel] first (im2col). Each tile of pixels
// reads all weights, which are far more than pixels here: a tile goes on across rows of the plane,
// and from one image of the batch to the next, where direct summation begins a new one. Each output
// sums taps and then channels in one fixed order, whatever is in its tile.
#include <algorithm>
#include <cmath>
#include <vector>

#include "algorithm/plan.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

class Im2colPlan final : public ConvPlan {
 public:
  Im2colPlan(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels)
      : spec_(spec),
        shape_(shape),
        kernels_(kernels),
        steps_(spec.in_per_group() * spec.taps()),
        lanes_(2 * kernels.width),
        tile_(kernels.oc_m[2]) {
    chunk_ = std::clamp<int64_t>(cpu_info().l2_bytes / 2 / 4 / panel_floats(), 1, kMostTiles);
  }

  const char* pack_key() const override { return "im2col"; }
  // Then whether a weight is not finite.
  size_t packed_floats() const override {
    return static_cast<size_t>(spec_.groups * group_floats() + 1);
  }
  void pack(const float* weight, float* packed) const override;
  size_t workspace_bytes(int threads) const override {
    return static_cast<size_t>(threads * thread_floats()) * sizeof(float);
  }
  void run(const ConvArgs& args) const override;

 private:
  static constexpr int64_t kMostTiles = 64;  // of a chunk

  int64_t blocks() const { return ceil_div(spec_.out_per_group(), lanes_); }
  int64_t group_floats() const { return blocks() * lanes_ * steps_; }
  int64_t panel_floats() const { return ceil_div(steps_ * tile_, 16) * 16; }
  int64_t thread_floats() const { return chunk_ * panel_floats() + lanes_ * tile_; }

  // Where a tap of an output lies in its input plane; -1 on padding.
  int64_t input_of(int64_t pixel, int64_t tap) const;
  void copy_panel(const ConvArgs& args, int64_t g, Range pixels, Range taps, float* panel) const;
  void run_tile(const ConvArgs& args, int64_t g, int64_t block, Range pixels, const float* panel,
                const std::vector<Segment>& segments, int64_t index, float* scratch) const;
  void run_pixel(const ConvArgs& args, int64_t g, int64_t pixel, float* scratch) const;

  ConvSpec spec_;
  ConvShape shape_;
  const KernelTable& kernels_;
  int64_t steps_, lanes_, tile_;
  int64_t chunk_;  // tiles whose panels stay in the L2 cache for all blocks of output channels
};

void Im2colPlan::pack(const float* weight, float* packed) const {
  const int64_t in = spec_.in_per_group(), out = spec_.out_per_group(), taps = spec_.taps();
  bool finite = true;
  for (int64_t i = 0; i < spec_.weight_size(); ++i) finite = finite && std::isfinite(weight[i]);
  packed[spec_.groups * group_floats()] = finite ? 0.0f : 1.0f;
  for (int64_t g = 0; g < spec_.groups; ++g) {
    for (int64_t first = 0; first < out; first += lanes_) {
      for (int64_t t = 0; t < taps; ++t) {
        for (int64_t c = 0; c < in; ++c) {
          for (int64_t o = first; o < first + lanes_; ++o)
            *packed++ = o < out ? weight[((g * out + o) * in + c) * taps + t] : 0.0f;
        }
      }
    }
  }
}

int64_t Im2colPlan::input_of(int64_t pixel, int64_t tap) const {
  const Dims at{pixel / (shape_.out[1] * shape_.out[2]), pixel / shape_.out[2] % shape_.out[1],
                pixel % shape_.out[2]};
  const Dims of{tap / (spec_.kernel[1] * spec_.kernel[2]), tap / spec_.kernel[2] % spec_.kernel[1],
                tap % spec_.kernel[2]};
  int64_t result = 0;
  for (size_t d = 0; d < kMaxDims; ++d) {
    const int64_t i = at[d] * spec_.stride[d] + of[d] * spec_.dilation[d] - spec_.pad_low[d];
    if (i < 0 || i >= shape_.in[d]) return -1;
    result = result * shape_.in[d] + i;
  }
  return result;
}

// `pixels` count through all images.
void Im2colPlan::copy_panel(const ConvArgs& args, int64_t g, Range pixels, Range taps,
                            float* panel) const {
  const int64_t in = spec_.in_per_group(), plane = shape_.in_plane();
  const int64_t count = pixels.end - pixels.begin, out_plane = shape_.out_plane();
  static constexpr float kPadding = 0.0f;
  const float* from[kMaxOcM];
  int64_t step[kMaxOcM];
  panel += taps.begin * in * count;
  for (int64_t tap = taps.begin; tap < taps.end; ++tap) {
    for (int64_t m = 0; m < count; ++m) {
      const int64_t n = (pixels.begin + m) / out_plane;
      const int64_t at = input_of((pixels.begin + m) % out_plane, tap);
      from[m] = at < 0 ? &kPadding : args.input + (n * spec_.in_channels + g * in) * plane + at;
      step[m] = at < 0 ? 0 : plane;
    }
    for (int64_t c = 0; c < in; ++c) {
      for (int64_t m = 0; m < count; ++m) {
        *panel++ = *from[m];
        from[m] += step[m];
      }
    }
  }
}

void Im2colPlan::run_tile(const ConvArgs& args, int64_t g, int64_t block, Range pixels,
                          const float* panel, const std::vector<Segment>& segments, int64_t index,
                          float* scratch) const {
  const int64_t count = pixels.end - pixels.begin, plane = shape_.out_plane();
  const int64_t channels = std::min(lanes_, spec_.out_per_group() - block * lanes_);
  const int64_t first = g * spec_.out_per_group() + block * lanes_;
  const auto output_of = [&](int64_t pixel) {
    return args.output + (pixel / plane * spec_.out_channels + first) * plane + pixel % plane;
  };
  const float* weight = args.packed + g * group_floats() + block * lanes_ * steps_;
  OcTile t{panel,
           weight,
           segments.data(),
           static_cast<int64_t>(segments.size()),
           nullptr,
           0,
           count,
           args.bias ? args.bias + first : nullptr,
           output_of(pixels.begin),
           1,
           plane,
           channels,
           args.finish,
           next_weights(weight, steps_, lanes_, index)};
  if (pixels.begin / plane == (pixels.end - 1) / plane) {
    kernels_.oc[2][count](&t);
    return;
  }
  // Outputs of several images are no neighbours.
  t.out = scratch;
  t.out_c = count;
  t.finish = nullptr;
  kernels_.oc[2][count](&t);
  for (int64_t m = 0; m < count; ++m) {
    float* out = output_of(pixels.begin + m);
    for (int64_t c = 0; c < channels; ++c, out += plane)
      *out = finish_value(args.finish, scratch[c * count + m], out);
  }
}

// A pixel alone, without the taps on padding: where a weight is infinite, its product with a zero
// would be no zero.
void Im2colPlan::run_pixel(const ConvArgs& args, int64_t g, int64_t pixel, float* scratch) const {
  std::vector<Segment> inside;
  const int64_t in = spec_.in_per_group();
  for (int64_t tap = 0; tap < spec_.taps(); ++tap) {
    if (input_of(pixel % shape_.out_plane(), tap) >= 0)
      inside.push_back({tap * in, tap * in, in, 0, 0, 0});
  }
  const Range only{pixel, pixel + 1};
  copy_panel(args, g, only, {0, spec_.taps()}, scratch);
  for (int64_t block = 0; block < blocks(); ++block)
    run_tile(args, g, block, only, scratch, inside, 0, nullptr);
}

void Im2colPlan::run(const ConvArgs& args) const {
  const int64_t pixels = args.batch * shape_.out_plane();
  if (args.packed[spec_.groups * group_floats()] != 0) {
    parallel_for(pixels * spec_.groups, args.threads, [&](int64_t i, int thread) {
      run_pixel(args, i % spec_.groups, i / spec_.groups,
                static_cast<float*>(args.workspace) + thread * thread_floats());
    });
    return;
  }
  const int64_t tiles = ceil_div(pixels, tile_), chunks = ceil_div(tiles, chunk_);
  const int64_t items = spec_.groups * chunks;
  const std::vector<Segment> all = {{0, 0, steps_, 0, 0, 0}};
  float* workspace = static_cast<float*>(args.workspace);
  const auto copy = [&](int64_t item, int64_t tile, Range taps, float* panels) {
    const Range here = part_of(tiles, item % chunks, chunks);
    copy_panel(args, item / chunks, part_of(pixels, here.begin + tile, tiles), taps,
               panels + tile * panel_floats());
  };
  const auto run_block = [&](int64_t item, int64_t block, Range some, const float* panels,
                             int thread) {
    const int64_t first = part_of(tiles, item % chunks, chunks).begin;
    float* scratch = workspace + thread * thread_floats() + chunk_ * panel_floats();
    for (int64_t t = some.begin; t < some.end; ++t)
      run_tile(args, item / chunks, block, part_of(pixels, first + t, tiles),
               panels + t * panel_floats(), all, t - some.begin, scratch);
  };
  if (args.threads == 1 || items >= 4 * args.threads) {
    parallel_for(items, args.threads, [&](int64_t item, int thread) {
      const Range here = part_of(tiles, item % chunks, chunks);
      float* panels = workspace + thread * thread_floats();
      for (int64_t t = 0; t < here.end - here.begin; ++t) copy(item, t, {0, spec_.taps()}, panels);
      for (int64_t block = 0; block < blocks(); ++block)
        run_block(item, block, {0, here.end - here.begin}, panels, thread);
    });
    return;
  }
  // Few chunks: threads share the panels of each and then its outputs.
  for (int64_t item = 0; item < items; ++item) {
    const Range here = part_of(tiles, item % chunks, chunks);
    const int64_t count = here.end - here.begin;
    parallel_for(count * spec_.taps(), args.threads, [&](int64_t i, int) {
      const int64_t tap = i % spec_.taps();
      copy(item, i / spec_.taps(), {tap, tap + 1}, workspace);
    });
    const int64_t parts = std::min(count, ceil_div(2 * args.threads, blocks()));
    parallel_for(blocks() * parts, args.threads, [&](int64_t i, int thread) {
      run_block(item, i / parts, part_of(count, i % parts, parts), workspace, thread);
    });
  }
}

}  // namespace

bool supports_im2col(const ConvSpec& spec) {
  constexpr int64_t kMostSteps = 1 << 18;  // of a panel
  return !spec.transposed && spec.in_channels > 0 &&
         spec.taps() <= kMostSteps / spec.in_per_group();
}

std::unique_ptr<ConvPlan> make_im2col_plan(const ConvSpec& spec, const ConvShape& shape,
                                           const KernelTable& kernels) {
  return std::make_unique<Im2colPlan>(spec, shape, kernels);
}

}  // namespace nnconv
