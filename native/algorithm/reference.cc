// The definition, written down: one output element at a time, summed in double. The oracle that
// every other algorithm is tested against; shares nothing with them.
#include <algorithm>

#include "algorithm/plan.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

class ReferencePlan final : public ConvPlan {
 public:
  ReferencePlan(const ConvSpec& spec, const ConvShape& shape) : spec_(spec), shape_(shape) {}

  const char* pack_key() const override { return "plain"; }
  size_t packed_floats() const override { return static_cast<size_t>(spec_.weight_size()); }
  void pack(const float* weight, float* packed) const override {
    std::copy_n(weight, spec_.weight_size(), packed);
  }
  size_t workspace_bytes(int) const override { return 0; }
  void run(const ConvArgs& args) const override {
    parallel_for(args.batch * spec_.out_channels, args.threads, [&](int64_t item, int) {
      const int64_t n = item / spec_.out_channels, o = item % spec_.out_channels;
      float* out = args.output + item * shape_.out_plane();
      for (int64_t d = 0; d < shape_.out[0]; ++d)
        for (int64_t h = 0; h < shape_.out[1]; ++h)
          for (int64_t w = 0; w < shape_.out[2]; ++w, ++out)
            *out =
                finish_value(args.finish, static_cast<float>(element(args, n, o, {d, h, w})), out);
    });
  }

 private:
  // The input position that output position `out` meets under kernel index `k`; false on padding.
  bool input_position(int d, int64_t out, int64_t k, int64_t* in) const {
    if (!spec_.transposed) {
      *in = out * spec_.stride[d] + k * spec_.dilation[d] - spec_.pad_low[d];
    } else {
      const int64_t scaled = out + spec_.pad_low[d] - k * spec_.dilation[d];
      if (scaled % spec_.stride[d] != 0) return false;
      *in = scaled / spec_.stride[d];
    }
    return *in >= 0 && *in < shape_.in[d];
  }

  double element(const ConvArgs& args, int64_t n, int64_t o, const Dims& at) const {
    const int64_t in = spec_.in_per_group(), out = spec_.out_per_group();
    const int64_t g = o / out;
    const float* input = args.input + (n * spec_.in_channels + g * in) * shape_.in_plane();
    double sum = args.bias ? args.bias[o] : 0.0;
    int64_t d, h, w;
    for (int64_t kd = 0; kd < spec_.kernel[0]; ++kd) {
      if (!input_position(0, at[0], kd, &d)) continue;
      for (int64_t kh = 0; kh < spec_.kernel[1]; ++kh) {
        if (!input_position(1, at[1], kh, &h)) continue;
        for (int64_t kw = 0; kw < spec_.kernel[2]; ++kw) {
          if (!input_position(2, at[2], kw, &w)) continue;
          const int64_t k = (kd * spec_.kernel[1] + kh) * spec_.kernel[2] + kw;
          const int64_t i = (d * shape_.in[1] + h) * shape_.in[2] + w;
          for (int64_t c = 0; c < in; ++c) {
            const int64_t row = spec_.transposed ? (g * in + c) * out + (o - g * out) : o * in + c;
            sum += static_cast<double>(args.packed[row * spec_.taps() + k]) *
                   static_cast<double>(input[c * shape_.in_plane() + i]);
          }
        }
      }
    }
    return sum;
  }

  ConvSpec spec_;
  ConvShape shape_;
};

}  // namespace

std::unique_ptr<ConvPlan> make_reference_plan(const ConvSpec& spec, const ConvShape& shape) {
  return std::make_unique<ReferencePlan>(spec, shape);
}

}  // namespace nnconv
