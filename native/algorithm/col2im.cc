// Convolution without strides, or transposed convolution, with few output channels: a product
//   (pixels x in_channels) (in_channels x out_channels * taps)
// whose vectors run over output channels and taps together, and then a sum that brings every
// product to the output it belongs to (col2im). A chunk of outputs at a time, so that its products
// stay in the cache; the few products that neighbouring chunks share are computed by both. Each
// output sums channels and then taps in one fixed order.
#include <algorithm>
#include <cstring>

#include "algorithm/plan.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

// A part of a plane, input or output.
struct Box {
  Range axis[kMaxDims];
  int64_t size(int d) const { return axis[d].end - axis[d].begin; }
  int64_t pixels() const { return size(0) * size(1) * size(2); }
};

int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

class Col2imPlan final : public ConvPlan {
 public:
  Col2imPlan(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels)
      : spec_(spec),
        shape_(shape),
        kernels_(kernels),
        columns_(spec.out_per_group() * spec.taps()),
        lanes_(2 * kernels.width),
        tile_(kernels.oc_m[2]) {
    // A convolution without strides is a transposed one whose taps run backwards.
    for (size_t d = 0; d < kMaxDims; ++d)
      crop_[d] = spec.transposed ? spec.pad_low[d]
                                 : (spec.kernel[d] - 1) * spec.dilation[d] - spec.pad_low[d];
    while (cut_ + 1 < kMaxDims && shape.out[at(cut_)] == 1) ++cut_;
    // Outputs along the axis that is cut: what they need of the input and its products should fit
    // the L2 cache, but neighbours share a few rows, which must not be most of them.
    const size_t a = at(cut_);
    const int64_t reach = (spec.kernel[a] - 1) * spec.dilation[a];
    const int64_t slab = shape.in_plane() / std::max<int64_t>(1, shape.in[a]) *
                         (spec.in_per_group() + blocks() * lanes_);
    const int64_t fit = cpu_info().l2_bytes / 2 / 4 / std::max<int64_t>(1, slab) * spec.stride[a];
    const int64_t chunk = std::max<int64_t>({1, fit - reach, 4 * reach});
    chunks_ = ceil_div(shape.out[a], chunk);
    for (int64_t i = 0; i < chunks_; ++i)
      box_pixels_ = std::max(box_pixels_, needed_by(outputs_of(i)).pixels());
    box_pixels_ = ceil_div(box_pixels_, 16) * 16;
    row_floats_ = phases() * phase_floats();
  }

  const char* pack_key() const override { return "col2im"; }
  size_t packed_floats() const override {
    return static_cast<size_t>(spec_.groups * blocks() * lanes_ * spec_.in_per_group());
  }
  void pack(const float* weight, float* packed) const override;
  size_t workspace_bytes(int threads) const override {
    return static_cast<size_t>(threads * thread_floats()) * sizeof(float);
  }
  void run(const ConvArgs& args) const override;

 private:
  static size_t at(int d) { return static_cast<size_t>(d); }
  int64_t blocks() const { return ceil_div(columns_, lanes_); }
  // A row of outputs by phase of the stride, each phase's as neighbours.
  int64_t phases() const { return std::min(spec_.stride[2], shape_.out[2]); }
  int64_t phase_floats() const { return ceil_div(shape_.out[2], spec_.stride[2]); }
  // Pixels that are copied at a time, [channel][pixel]; the pitch keeps channels off each other's
  // cache sets.
  static constexpr int64_t kPiece = 96, kPitch = kPiece + 16;
  int64_t panel_floats() const { return kPitch * spec_.in_per_group(); }
  int64_t thread_floats() const {
    return ceil_div(panel_floats() + row_floats_, 16) * 16 + blocks() * lanes_ * box_pixels_;
  }

  Box outputs_of(int64_t chunk) const {
    Box box;
    for (int d = 0; d < kMaxDims; ++d)
      box.axis[d] =
          d == cut_ ? part_of(shape_.out[at(d)], chunk, chunks_) : Range{0, shape_.out[at(d)]};
    return box;
  }
  Box needed_by(const Box& outputs) const;
  void multiply(const float* input, const float* packed, const Box& box, float* panel,
                float* products) const;
  void sum_row(const Box& box, const float* products, int64_t o, int64_t d, int64_t h,
               float* row) const;
  void store_row(const Finish* finish, const float* row, Range x, float* out) const;

  ConvSpec spec_;
  ConvShape shape_;
  const KernelTable& kernels_;
  Dims crop_;        // outputs of the full transposed convolution before the first one
  int64_t columns_;  // of the product
  int64_t lanes_, tile_;
  int cut_ = 0;  // the axis along which outputs are cut to chunks
  int64_t chunks_ = 1;
  int64_t box_pixels_ = 0;
  int64_t row_floats_ = 0;
};

// Inputs that the outputs meet.
Box Col2imPlan::needed_by(const Box& outputs) const {
  Box box;
  for (int d = 0; d < kMaxDims; ++d) {
    const size_t a = at(d);
    const Range o = outputs.axis[d];
    const int64_t reach = (spec_.kernel[a] - 1) * spec_.dilation[a];
    const int64_t first = -floor_div(reach - o.begin - crop_[a], spec_.stride[a]);
    const int64_t last = floor_div(o.end - 1 + crop_[a], spec_.stride[a]);
    const int64_t begin = std::clamp<int64_t>(first, 0, shape_.in[a]);
    box.axis[d] = {begin, std::clamp<int64_t>(last + 1, begin, shape_.in[a])};
  }
  return box;
}

void Col2imPlan::pack(const float* weight, float* packed) const {
  const int64_t in = spec_.in_per_group(), out = spec_.out_per_group(), taps = spec_.taps();
  for (int64_t g = 0; g < spec_.groups; ++g) {
    for (int64_t b = 0; b < blocks(); ++b) {
      for (int64_t c = 0; c < in; ++c) {
        for (int64_t j = b * lanes_; j < (b + 1) * lanes_; ++j) {
          const int64_t o = j / taps, tap = j % taps;
          const int64_t index = spec_.transposed ? ((g * in + c) * out + o) * taps + tap
                                                 : ((g * out + o) * in + c) * taps + taps - 1 - tap;
          *packed++ = j < columns_ ? weight[index] : 0.0f;
        }
      }
    }
  }
}

// Products of a box: [column][pixel].
void Col2imPlan::multiply(const float* input, const float* packed, const Box& box, float* panel,
                          float* products) const {
  const int64_t in = spec_.in_per_group(), plane = shape_.in_plane();
  const int64_t width = box.size(2), pieces = ceil_div(width, kPiece);
  const Segment segment{0, 0, in, 0, 0, 0};
  int64_t pixel = 0;
  for (int64_t d = box.axis[0].begin; d < box.axis[0].end; ++d) {
    for (int64_t h = box.axis[1].begin; h < box.axis[1].end; ++h) {
      const float* row = input + (d * shape_.in[1] + h) * shape_.in[2] + box.axis[2].begin;
      for (int64_t i = 0; i < pieces; ++i) {
        const Range piece = part_of(width, i, pieces);
        const int64_t count = piece.end - piece.begin, tiles = ceil_div(count, tile_);
        for (int64_t c = 0; c < in; ++c)
          std::copy_n(row + c * plane + piece.begin, count, panel + c * kPitch);
        for (int64_t b = 0; b < blocks(); ++b) {
          OcTile tile{panel,       packed + b * lanes_ * in,
                      &segment,    1,
                      nullptr,     0,
                      kPitch,      nullptr,
                      nullptr,     1,
                      box_pixels_, lanes_,
                      nullptr,     nullptr};
          for (int64_t t = 0; t < tiles; ++t) {
            const Range x = part_of(count, t, tiles);
            tile.input = panel + x.begin;
            tile.out = products + b * lanes_ * box_pixels_ + pixel + piece.begin + x.begin;
            kernels_.oc[2][x.end - x.begin](&tile);
          }
        }
      }
      pixel += width;
    }
  }
}

// Adds to a row of outputs of one channel, sorted by phase, what it meets.
void Col2imPlan::sum_row(const Box& box, const float* products, int64_t o, int64_t d, int64_t h,
                         float* row) const {
  const Dims &kernel = spec_.kernel, &stride = spec_.stride, &dilation = spec_.dilation;
  const auto input_of = [&](int a, int64_t output, int64_t tap) {
    const int64_t i = output + crop_[at(a)] - tap * dilation[at(a)];
    if (i < 0 || i % stride[at(a)] != 0) return int64_t{-1};
    const int64_t pixel = i / stride[at(a)];
    return pixel >= box.axis[a].begin && pixel < box.axis[a].end ? pixel - box.axis[a].begin : -1;
  };
  for (int64_t kd = 0; kd < kernel[0]; ++kd) {
    const int64_t id = input_of(0, d, kd);
    for (int64_t kh = 0; id >= 0 && kh < kernel[1]; ++kh) {
      const int64_t ih = input_of(1, h, kh);
      if (ih < 0) continue;
      for (int64_t kw = 0; kw < kernel[2]; ++kw) {
        const int64_t column = ((o * kernel[0] + kd) * kernel[1] + kh) * kernel[2] + kw;
        const float* p = products + column * box_pixels_ + (id * box.size(1) + ih) * box.size(2);
        // Input x goes to output x * stride + shift.
        const int64_t shift = kw * dilation[2] - crop_[2] + box.axis[2].begin * stride[2];
        const int64_t lo = std::max<int64_t>(0, -floor_div(shift, stride[2]));
        const int64_t hi =
            std::min(box.size(2), floor_div(shape_.out[2] - 1 - shift, stride[2]) + 1);
        const int64_t to = floor_div(shift, stride[2]);
        float* phase = row + (shift - to * stride[2]) * phase_floats() + to;
        for (int64_t x = lo; x < hi; ++x) phase[x] += p[x];
      }
    }
  }
}

// Outputs [x.begin, x.end) of a row, from their phases.
void Col2imPlan::store_row(const Finish* finish, const float* row, Range x, float* out) const {
  const int64_t stride = spec_.stride[2];
  for (int64_t r = 0; r < phases(); ++r) {
    const float* phase = row + r * phase_floats();
    const int64_t first = x.begin <= r ? 0 : ceil_div(x.begin - r, stride);
    const int64_t end = x.end <= r ? 0 : ceil_div(x.end - r, stride);
    float* to = out + r;
    if (finish) {
      for (int64_t q = first; q < end; ++q)
        to[q * stride] = finish_value(finish, phase[q], to + q * stride);
    } else {
      for (int64_t q = first; q < end; ++q) to[q * stride] = phase[q];
    }
  }
}

void Col2imPlan::run(const ConvArgs& args) const {
  const int64_t out = spec_.out_per_group(), width = shape_.out[2];
  float* workspace = static_cast<float*>(args.workspace);
  parallel_for(args.batch * spec_.groups * chunks_, args.threads, [&](int64_t item, int thread) {
    const int64_t ng = item / chunks_, n = ng / spec_.groups, g = ng % spec_.groups;
    float* panel = workspace + thread * thread_floats();
    float* row = panel + panel_floats();
    float* products = panel + ceil_div(panel_floats() + row_floats_, 16) * 16;
    const Box outputs = outputs_of(item % chunks_), box = needed_by(outputs);
    multiply(args.input + (n * spec_.in_channels + g * spec_.in_per_group()) * shape_.in_plane(),
             args.packed + g * blocks() * lanes_ * spec_.in_per_group(), box, panel, products);
    for (int64_t o = 0; o < out; ++o) {
      const float bias = args.bias ? args.bias[g * out + o] : 0.0f;
      for (int64_t d = outputs.axis[0].begin; d < outputs.axis[0].end; ++d) {
        for (int64_t h = outputs.axis[1].begin; h < outputs.axis[1].end; ++h) {
          std::fill_n(row, row_floats_, bias);
          sum_row(box, products, o, d, h, row);
          float* to = args.output + (n * spec_.out_channels + g * out + o) * shape_.out_plane() +
                      (d * shape_.out[1] + h) * width;
          store_row(args.finish, row, outputs.axis[2], to);
        }
      }
    }
  });
}

}  // namespace

bool supports_col2im(const ConvSpec& spec) {
  return spec.in_channels > 0 && (spec.transposed || spec.stride == Dims{1, 1, 1});
}

std::unique_ptr<ConvPlan> make_col2im_plan(const ConvSpec& spec, const ConvShape& shape,
                                           const KernelTable& kernels) {
  return std::make_unique<Col2imPlan>(spec, shape, kernels);
}

}  // namespace nnconv
