// Padding row by row of the output: one copy for the middle, single elements at the ends.
#include "op/pad.h"

#include <algorithm>

#include "op/work.h"
#include "problem/conv_problem.h"

namespace nnconv {
namespace {

class Pad {
 public:
  Pad(const PadSpec& spec, const PadShape& shape)
      : mode_(spec.mode), value_(static_cast<float>(spec.value)), planes_(shape.planes) {
    // Dimensions that stay as they are count as planes while no other is before them.
    for (const PadAxis& axis : shape.axes) {
      const bool same = axis.out == axis.in && axis.low == 0 && axis.offset == 0;
      if (axes_.empty() && same)
        planes_ *= axis.in;
      else
        axes_.push_back(axis);
    }
    if (!axes_.empty()) return;
    PadAxis all;
    all.in = all.out = all.size = planes_;
    axes_.push_back(all);
    planes_ = 1;
  }

  void run(const float* input, float* output) const {
    const PadAxis& row = axes_.back();
    int64_t rows = planes_;
    for (size_t d = 0; d + 1 < axes_.size(); ++d) rows *= axes_[d].out;
    // The columns that are in the input as they are in the output.
    const int64_t begin = std::clamp<int64_t>(row.low, 0, row.out);
    const int64_t end = std::clamp<int64_t>(row.low + row.size, begin, row.out);
    parallel_units(rows, row.out, [&](int64_t r, int) {
      float* out = output + r * row.out;
      const int64_t source = source_row(r);
      if (source < 0) {
        std::fill_n(out, row.out, value_);
        return;
      }
      const float* in = input + source * row.in;
      const auto one = [&](int64_t i) {
        const int64_t at = row.source(mode_, i);
        out[i] = at < 0 ? value_ : in[at];
      };
      for (int64_t i = 0; i < begin; ++i) one(i);
      if (begin < end) std::copy_n(in + row.offset + begin - row.low, end - begin, out + begin);
      for (int64_t i = end; i < row.out; ++i) one(i);
    });
  }

 private:
  // The row of the input that row `r` of the output is made of; -1 for the constant.
  int64_t source_row(int64_t r) const {
    int64_t row = 0, rows = 1;
    for (size_t d = axes_.size() - 1; d-- > 0;) {
      const PadAxis& axis = axes_[d];
      const int64_t at = axis.source(mode_, r % axis.out);
      if (at < 0) return -1;
      row += at * rows;
      rows *= axis.in;
      r /= axis.out;
    }
    return row + r * rows;
  }

  const PaddingMode mode_;
  const float value_;
  int64_t planes_;
  std::vector<PadAxis> axes_;
};

}  // namespace

void pad(const PadSpec& spec, const PadShape& shape, const float* input, float* output) {
  if (checked_product(shape.out) == 0) return;
  Pad(spec, shape).run(input, output);
}

}  // namespace nnconv
