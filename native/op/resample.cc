// Resampling row by row of the output, by a table of each dimension's taps. Interpolation resamples
// the rows of the input that an output row is made of along the row first, and keeps them for the
// output rows that follow; then it joins them.
#include "op/resample.h"

#include <algorithm>
#include <cstring>

#include "op/work.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

constexpr int kMostTaps = 4;  // rows of the input in one of the output: 2 x 2, or 4

// Nearest elements, each twice.
void double_row(const float* __restrict in, int64_t count, float* __restrict out) {
  for (int64_t i = 0; i < count; ++i) out[2 * i] = out[2 * i + 1] = in[i];
}

void nearest_row(const float* __restrict in, const int64_t* __restrict index, int64_t count,
                 float* __restrict out) {
  for (int64_t i = 0; i < count; ++i) out[i] = in[index[i]];
}

template <int kTaps>
void weigh_columns(const float* __restrict in, const int64_t* __restrict index,
                   const float* __restrict weight, int64_t count, float* __restrict out) {
  for (int64_t i = 0; i < count; ++i, index += kTaps, weight += kTaps) {
    float sum = weight[0] * in[index[0]];
    for (int t = 1; t < kTaps; ++t) sum += weight[t] * in[index[t]];
    out[i] = sum;
  }
}

template <int kTaps>
void join_rows(const float* const* rows, const float* weight, int64_t count,
               float* __restrict out) {
  for (int64_t i = 0; i < count; ++i) {
    float sum = weight[0] * rows[0][i];
    for (int t = 1; t < kTaps; ++t) sum += weight[t] * rows[t][i];
    out[i] = sum;
  }
}

// Rows of the input, resampled along the row.
struct Slots {
  int64_t row[kMostTaps];
  float* data[kMostTaps];
};

class Resample {
 public:
  Resample(const ResampleSpec& spec, const ResampleShape& shape)
      : shape_(shape),
        depth_(resample_axis(spec, shape, 0)),
        rows_(resample_axis(spec, shape, 1)),
        columns_(resample_axis(spec, shape, 2)),
        width_(shape.out[2]),
        out_rows_(shape.out[0] * shape.out[1]),
        rows_per_unit_(std::clamp<int64_t>(kPiece / width_, 1, out_rows_)),
        blocks_((out_rows_ + rows_per_unit_ - 1) / rows_per_unit_) {
    doubles_ = columns_.taps == 1 && columns_.out == 2 * columns_.in;
    for (int64_t i = 0; doubles_ && i < width_; ++i) doubles_ = columns_.index[i] == i / 2;
  }

  void run(const float* input, float* output, Workspace* workspace) const {
    // Another environment may change the number while this runs.
    const ThreadCount same(num_threads());
    const int taps = depth_.taps * rows_.taps;
    // Whole cache lines, so that threads don't share any.
    const int64_t stride = taps == 1 ? 0 : (width_ + 15) / 16 * 16;
    float* const scratch = static_cast<float*>(
        workspace->get(static_cast<size_t>(num_threads() * taps * stride) * sizeof(float)));
    const int64_t floats = rows_per_unit_ * std::max(width_, columns_.in);
    parallel_units(shape_.planes * blocks_, floats, [&](int64_t unit, int thread) {
      const int64_t plane = unit / blocks_, begin = unit % blocks_ * rows_per_unit_;
      const int64_t end = std::min(out_rows_, begin + rows_per_unit_);
      const float* in = input + plane * shape_.in_plane();
      float* out = output + plane * shape_.out_plane();
      if (taps == 1) {
        single_rows(in, begin, end, out);
        return;
      }
      Slots slots;
      for (int t = 0; t < taps; ++t) {
        slots.row[t] = -1;
        slots.data[t] = scratch + (thread * taps + t) * stride;
      }
      for (int64_t row = begin; row < end; ++row) joined_row(in, row, out + row * width_, &slots);
    });
  }

 private:
  void resample_columns(const float* in, float* out) const {
    const int64_t* index = columns_.index.data();
    const float* weight = columns_.weight.data();
    if (doubles_)
      double_row(in, columns_.in, out);
    else if (columns_.taps == 1)
      nearest_row(in, index, width_, out);
    else if (columns_.taps == 2)
      weigh_columns<2>(in, index, weight, width_, out);
    else
      weigh_columns<4>(in, index, weight, width_, out);
  }

  // Output rows that are made of one row of the input each; neighbours often of the same.
  void single_rows(const float* in, int64_t begin, int64_t end, float* out) const {
    int64_t last = -1;
    for (int64_t row = begin; row < end; ++row) {
      float* const to = out + row * width_;
      const int64_t from =
          depth_.index[row / shape_.out[1]] * shape_.in[1] + rows_.index[row % shape_.out[1]];
      if (from == last)
        std::memcpy(to, to - width_, static_cast<size_t>(width_) * sizeof(float));
      else
        resample_columns(in + from * shape_.in[2], to);
      last = from;
    }
  }

  void joined_row(const float* in, int64_t row, float* out, Slots* slots) const {
    const int taps = depth_.taps * rows_.taps;
    const int64_t d = row / shape_.out[1] * depth_.taps, h = row % shape_.out[1] * rows_.taps;
    int64_t wanted[kMostTaps];
    float weight[kMostTaps];
    for (int t = 0; t < taps; ++t) {
      const int td = t / rows_.taps, th = t % rows_.taps;
      wanted[t] = depth_.index[d + td] * shape_.in[1] + rows_.index[h + th];
      weight[t] = (depth_.taps > 1 ? depth_.weight[d + td] : 1.0f) * rows_.weight[h + th];
    }
    const float* rows[kMostTaps];
    for (int t = 0; t < taps; ++t) rows[t] = resampled(in, wanted[t], wanted, taps, slots);
    if (taps == 2)
      join_rows<2>(rows, weight, width_, out);
    else
      join_rows<4>(rows, weight, width_, out);
  }

  // Row `row` of the input, from a slot; one that holds none of the `wanted` rows is free.
  const float* resampled(const float* in, int64_t row, const int64_t* wanted, int taps,
                         Slots* slots) const {
    int free = 0;
    for (int s = 0; s < taps; ++s) {
      if (slots->row[s] == row) return slots->data[s];
      if (std::find(wanted, wanted + taps, slots->row[s]) == wanted + taps) free = s;
    }
    slots->row[free] = row;
    resample_columns(in + row * shape_.in[2], slots->data[free]);
    return slots->data[free];
  }

  const ResampleShape& shape_;
  const ResampleAxis depth_, rows_, columns_;
  const int64_t width_, out_rows_, rows_per_unit_, blocks_;
  bool doubles_;  // each column twice
};

}  // namespace

void resample(const ResampleSpec& spec, const ResampleShape& shape, const float* input,
              float* output, Workspace* workspace) {
  if (shape.planes == 0) return;
  Resample(spec, shape).run(input, output, workspace);
}

}  // namespace nnconv
