// Depthwise convolution: each group has one input channel. No reduction over channels, so planes
// are walked by vectors of pixels, and weights need no packing.
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
    return static_cast<size_t>(threads * spec_.kernel[0]) * sizeof(DepthwisePlane);
  }
  void run(const ConvArgs& args) const override {
    DepthwisePlane* scratch = static_cast<DepthwisePlane*>(args.workspace);
    const int64_t items = args.batch * spec_.out_channels * shape_.out[0];
    parallel_for(items, args.threads, [&](int64_t item, int thread) {
      run_plane(args, item / shape_.out[0], item % shape_.out[0],
                scratch + thread * spec_.kernel[0]);
    });
  }

 private:
  // One depth of one output channel; `channel` counts through the batch.
  void run_plane(const ConvArgs& args, int64_t channel, int64_t depth,
                 DepthwisePlane* planes) const {
    const ConvSpec& s = spec_;
    const int64_t o = channel % s.out_channels;
    const float* input = args.input + channel / s.out_per_group() * shape_.in_plane();
    int64_t count = 0;
    for (int64_t k = 0; k < s.kernel[0]; ++k) {
      const int64_t d = depth * s.stride[0] + k * s.dilation[0] - s.pad_low[0];
      if (d < 0 || d >= shape_.in[0]) continue;
      planes[count++] = {input + d * shape_.in[1] * shape_.in[2],
                         args.packed + (o * s.kernel[0] + k) * s.kernel[1] * s.kernel[2]};
    }
    const DepthwiseTile tile{
        planes,
        count,
        {s.kernel[1], s.kernel[2]},
        {s.stride[1], s.stride[2]},
        {s.dilation[1], s.dilation[2]},
        {s.pad_low[1], s.pad_low[2]},
        {shape_.in[1], shape_.in[2]},
        {shape_.out[1], shape_.out[2]},
        args.bias ? args.bias[o] : 0.0f,
        args.output + channel * shape_.out_plane() + depth * shape_.out[1] * shape_.out[2],
        args.finish};
    kernels_.depthwise(&tile);
  }

  ConvSpec spec_;
  ConvShape shape_;
  const KernelTable& kernels_;
};

}  // namespace

bool supports_depthwise(const ConvSpec& spec) {
  return !spec.transposed && spec.in_per_group() == 1;
}

bool depthwise_compiled(const ConvSpec& spec) {
  const int64_t kernel = spec.kernel[1], stride = spec.stride[1];
  const bool square = kernel == spec.kernel[2] && stride == spec.stride[2] &&
                      spec.dilation[1] == 1 && spec.dilation[2] == 1;
  return square && kernel >= 3 && kernel <= 7 && kernel % 2 != 0 && stride <= 2;
}

std::unique_ptr<ConvPlan> make_depthwise_plan(const ConvSpec& spec, const ConvShape& shape,
                                              const KernelTable& kernels) {
  return std::make_unique<DepthwisePlan>(spec, shape, kernels);
}

}  // namespace nnconv
