// Depthwise convolution with vectors over channels, of tensors in blocks of channels
// (kernel/blocked.h) or, copied to such blocks and back, of tensors as PyTorch has them. Each
// output element sums in one fixed order, whatever the batch, the thread or the tile.
#include <algorithm>

#include "algorithm/plan.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

class BlockedDepthwisePlan final : public ConvPlan {
 public:
  BlockedDepthwisePlan(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels,
                       Format format);

  const char* pack_key() const override { return "blocked_depthwise"; }
  size_t packed_floats() const override {
    return static_cast<size_t>(blocks_ * kernels_.width * spec_.taps());
  }
  void pack(const float* weight, float* packed) const override {
    const int64_t taps = spec_.taps();
    for (int64_t b = 0; b < blocks_; ++b) {
      for (int64_t k = 0; k < taps; ++k) {
        for (int64_t j = 0; j < kernels_.width; ++j)
          *packed++ = weight[(first_of(b) + j) * taps + k];
      }
    }
  }
  size_t workspace_bytes(int threads) const override {
    return static_cast<size_t>(threads * thread_floats()) * sizeof(float);
  }
  void run(const ConvArgs& args) const override;

 private:
  // The last block begins earlier where channels don't fill it.
  int64_t first_of(int64_t block) const {
    return std::min(block * kernels_.width, spec_.out_channels - kernels_.width);
  }
  // Input rows that output rows meet.
  Range input_rows(Range rows) const;
  int64_t thread_floats() const { return gathered_ + padded_ + 3 * computed_; }
  void run_item(const ConvArgs& args, int64_t n, int64_t block, Range rows, float* scratch) const;
  const float* pad(const float* from, Range rows, float* to) const;

  ConvSpec spec_;
  ConvShape shape_;
  const KernelTable& kernels_;
  bool plain_;
  int64_t blocks_;
  int64_t piece_, pieces_;  // output rows of an item, items of a plane
  int64_t met_;             // input pixels that a row of outputs meets, padding included
  bool pads_;               // rows are copied, with zeros around
  int64_t gathered_, padded_, computed_;  // floats of an item's input, in blocks, and of its output
};

BlockedDepthwisePlan::BlockedDepthwisePlan(const ConvSpec& spec, const ConvShape& shape,
                                           const KernelTable& kernels, Format format)
    : spec_(spec),
      shape_(shape),
      kernels_(kernels),
      plain_(format == Format::kPlain),
      blocks_(ceil_div(spec.out_channels, kernels.width)),
      met_((shape.out[2] - 1) * spec.stride[2] + (spec.kernel[2] - 1) * spec.dilation[2] + 1) {
  // Enough rows to be worth an item.
  constexpr int64_t kPixels = 512;
  piece_ = std::max<int64_t>(1, kPixels / std::max<int64_t>(1, shape.out[2]));
  piece_ = std::min(piece_, std::max<int64_t>(1, shape.out[1]));
  pieces_ = ceil_div(shape.out[1], piece_);
  // A pixel whose window leaves the row is computed alone, and each of its taps waits for the one
  // before; a copy with zeros around, which is a load and a store for each pixel, spares that.
  const int64_t beyond = std::max<int64_t>(0, met_ - spec.pad_low[2] - shape.in[2]);
  const int64_t alone = std::min(
      shape.out[2], ceil_div(spec.pad_low[2], spec.stride[2]) + ceil_div(beyond, spec.stride[2]));
  // Windows may also reach far beyond a row, which is not worth the memory.
  constexpr int64_t kWaits = 2, kCopy = 4, kBeyond = 256;
  pads_ = alone * spec.taps() * kWaits > met_ * kCopy && met_ <= kCopy * shape.in[2] + kBeyond;
  int64_t rows = (piece_ - 1) * spec.stride[1] + (spec.kernel[1] - 1) * spec.dilation[1] + 1;
  rows = std::min(rows, shape.in[1]);
  gathered_ = plain_ ? rows * shape.in[2] * kernels.width : 0;
  padded_ = pads_ ? rows * met_ * kernels.width : 0;
  computed_ = plain_ ? piece_ * shape.out[2] * kernels.width : 0;
}

Range BlockedDepthwisePlan::input_rows(Range rows) const {
  const int64_t top = rows.begin * spec_.stride[1] - spec_.pad_low[1];
  const int64_t last = (rows.end - 1) * spec_.stride[1] - spec_.pad_low[1] +
                       (spec_.kernel[1] - 1) * spec_.dilation[1];
  const int64_t begin = std::clamp<int64_t>(top, 0, shape_.in[1]);
  return {begin, std::clamp<int64_t>(last + 1, begin, shape_.in[1])};
}

// Rows of a block with zeros where a window meets no pixel.
const float* BlockedDepthwisePlan::pad(const float* from, Range rows, float* to) const {
  const int64_t width = kernels_.width, low = std::min(spec_.pad_low[2], met_);
  const int64_t inside = std::min(shape_.in[2], met_ - low);
  float* at = to;
  for (int64_t y = rows.begin; y < rows.end; ++y, from += shape_.in[2] * width) {
    at = std::fill_n(at, low * width, 0.0f);
    at = std::copy_n(from, inside * width, at);
    at = std::fill_n(at, (met_ - low - inside) * width, 0.0f);
  }
  return to;
}

void BlockedDepthwisePlan::run_item(const ConvArgs& args, int64_t n, int64_t block, Range rows,
                                    float* scratch) const {
  const ConvSpec& s = spec_;
  const int64_t width = kernels_.width, first = first_of(block);
  float *padded = scratch + gathered_, *computed = padded + padded_, *added = computed + computed_;
  const Range met = input_rows(rows);
  const float* input = args.input + (n * s.in_channels + first) * shape_.in_plane() +
                       met.begin * shape_.in[2] * (plain_ ? 1 : width);
  if (plain_) {
    const BlockedReorder gather{input, scratch, shape_.in_plane(),
                                (met.end - met.begin) * shape_.in[2]};
    kernels_.blocked.gather(&gather);
    input = scratch;
  }
  if (pads_) input = pad(input, met, padded);
  const int64_t row = (pads_ ? met_ : shape_.in[2]) * width, out_row = shape_.out[2] * width;
  // In blocks: of the whole plane.
  float* planes = args.output + (n * s.out_channels + first) * shape_.out_plane();
  float* out = plain_ ? computed - rows.begin * out_row : planes;
  float* const plain_out = planes + rows.begin * shape_.out[2];
  const int64_t pixels = (rows.end - rows.begin) * shape_.out[2];
  Finish finish{0, 0, 0};
  if (args.finish) finish = *args.finish;
  if (plain_ && finish.other) {
    const char* other = reinterpret_cast<const char*>(plain_out) + finish.other;
    const BlockedReorder gather{reinterpret_cast<const float*>(other), added, shape_.out_plane(),
                                pixels};
    kernels_.blocked.gather(&gather);
    finish.other = (added - computed) * static_cast<int64_t>(sizeof(float));
  }
  const BlockedDepthwise t{input - met.begin * row,
                           args.packed + block * width * s.taps(),
                           {s.kernel[1], s.kernel[2]},
                           {s.stride[1], s.stride[2]},
                           {s.dilation[1], s.dilation[2]},
                           {s.pad_low[1], pads_ ? 0 : s.pad_low[2]},
                           {shape_.in[1], pads_ ? met_ : shape_.in[2]},
                           shape_.out[2],
                           rows.begin,
                           rows.end,
                           args.bias ? args.bias + first : nullptr,
                           out,
                           args.finish ? &finish : nullptr};
  kernels_.blocked.depthwise(&t);
  if (!plain_) return;
  // What the block before computes, too, is left to it.
  const int64_t skip = block * width - first;
  float* to = skip > 0 ? added + computed_ : plain_out;
  const int64_t plane = skip > 0 ? pixels : shape_.out_plane();
  const BlockedReorder scatter{computed, to, plane, pixels};
  kernels_.blocked.scatter(&scatter);
  for (int64_t c = skip; skip > 0 && c < width; ++c)
    std::copy_n(to + c * plane, pixels, plain_out + c * shape_.out_plane());
}

void BlockedDepthwisePlan::run(const ConvArgs& args) const {
  parallel_for(args.batch * blocks_ * pieces_, args.threads, [&](int64_t item, int thread) {
    const int64_t piece = item % pieces_, plane = item / pieces_;
    run_item(args, plane / blocks_, plane % blocks_,
             {piece * piece_, std::min(shape_.out[1], (piece + 1) * piece_)},
             static_cast<float*>(args.workspace) + thread * thread_floats());
  });
}

}  // namespace

bool supports_blocked_depthwise(const ConvSpec& spec, const KernelTable& kernels, Format format) {
  if (spec.transposed || spec.dims == 3 || spec.groups != spec.in_channels ||
      spec.out_channels != spec.in_channels)
    return false;
  if (format == Format::kPlain) return spec.in_channels >= kernels.width;
  return spec.dims == 2 && spec.in_channels > 0 && spec.in_channels % kernels.width == 0;
}

std::unique_ptr<ConvPlan> make_blocked_depthwise_plan(const ConvSpec& spec, const ConvShape& shape,
                                                      const KernelTable& kernels, Format format) {
  return std::make_unique<BlockedDepthwisePlan>(spec, shape, kernels, format);
}

}  // namespace nnconv
