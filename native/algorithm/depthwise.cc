// Depthwise convolution: each group has one input channel. No reduction over channels, so rows are
// walked pixel vector by pixel vector, and weights need no packing.
#include <algorithm>

#include "algorithm/plan.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

class DepthwisePlan final : public ConvPlan {
 public:
  DepthwisePlan(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels)
      : spec_(spec), shape_(shape), kernels_(kernels) {}

  const char* pack_key() const override { return "plain"; }
  size_t packed_floats() const override { return static_cast<size_t>(spec_.weight_size()); }
  void pack(const float* weight, float* packed) const override {
    std::copy_n(weight, spec_.weight_size(), packed);
  }
  size_t workspace_bytes(int threads) const override {
    return static_cast<size_t>(threads * rows_per_output()) * sizeof(DepthwiseRow);
  }
  void run(const ConvArgs& args) const override {
    DepthwiseRow* scratch = static_cast<DepthwiseRow*>(args.workspace);
    const int64_t items = args.batch * spec_.out_channels * shape_.out[0];
    parallel_for(items, args.threads, [&](int64_t item, int thread) {
      run_plane(args, item / shape_.out[0], item % shape_.out[0],
                scratch + thread * rows_per_output());
    });
  }

 private:
  int64_t rows_per_output() const { return spec_.kernel[0] * spec_.kernel[1]; }

  // One depth of one output channel; `channel` counts through the batch.
  void run_plane(const ConvArgs& args, int64_t channel, int64_t depth, DepthwiseRow* rows) const {
    const int64_t o = channel % spec_.out_channels;
    const int64_t multiplier = spec_.out_per_group();
    const float* input = args.input + channel / multiplier * shape_.in_plane();
    const float* weight = args.packed + o * spec_.taps();
    float* out = args.output + channel * shape_.out_plane() + depth * shape_.out[1] * shape_.out[2];
    DepthwiseTile tile{rows,
                       0,
                       spec_.kernel[2],
                       spec_.dilation[2],
                       spec_.stride[2],
                       spec_.pad_low[2],
                       shape_.in[2],
                       args.bias ? args.bias[o] : 0.0f,
                       out,
                       shape_.out[2]};
    for (int64_t h = 0; h < shape_.out[1]; ++h, tile.out += shape_.out[2]) {
      tile.row_count = 0;
      for (int64_t kd = 0; kd < spec_.kernel[0]; ++kd) {
        const int64_t d = depth * spec_.stride[0] + kd * spec_.dilation[0] - spec_.pad_low[0];
        if (d < 0 || d >= shape_.in[0]) continue;
        for (int64_t kh = 0; kh < spec_.kernel[1]; ++kh) {
          const int64_t y = h * spec_.stride[1] + kh * spec_.dilation[1] - spec_.pad_low[1];
          if (y < 0 || y >= shape_.in[1]) continue;
          rows[tile.row_count++] = {input + (d * shape_.in[1] + y) * shape_.in[2],
                                    weight + (kd * spec_.kernel[1] + kh) * spec_.kernel[2]};
        }
      }
      kernels_.depthwise(&tile);
    }
  }

  ConvSpec spec_;
  ConvShape shape_;
  const KernelTable& kernels_;
};

}  // namespace

bool supports_depthwise(const ConvSpec& spec) {
  return !spec.transposed && spec.in_per_group() == 1;
}

std::unique_ptr<ConvPlan> make_depthwise_plan(const ConvSpec& spec, const ConvShape& shape,
                                              const KernelTable& kernels) {
  return std::make_unique<DepthwisePlan>(spec, shape, kernels);
}

}  // namespace nnconv
