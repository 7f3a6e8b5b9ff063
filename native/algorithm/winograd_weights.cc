#include "algorithm/winograd_weights.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace nnconv {
namespace {

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

// G along one dimension, a row for each point: (1, p, p^2, ...), and (..., 0, 1) for infinity, each
// at the taps of its part. What it lacks to the textbook's, 1 / prod(p - other points), is in the
// outputs' transform: fewer roundings.
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
    for (double p : finite_points(part.outputs + part.taps - 1)) {
      double value = 1;
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

}  // namespace

WinogradWeights::WinogradWeights(const ConvSpec& spec, const WinogradPhases& phases,
                                 const WinogradAxis& height, const WinogradAxis& width,
                                 int64_t vector_width, bool fused)
    : spec_(spec),
      phases_(phases),
      height_(height),
      width_axis_(width),
      width_(vector_width),
      fused_(fused) {
  for (int64_t first = 0; first < spec.out_per_group();) {
    const int64_t left = spec.out_per_group() - first;
    const int vectors = left > width_ && !fused_ ? 2 : 1;
    blocks_.push_back({first, std::min<int64_t>(left, vectors * width_), vectors, lanes_});
    lanes_ += vectors * width_;
    first += vectors * width_;
  }
}

int64_t WinogradWeights::pair_offset(int64_t g, int64_t out, int64_t in) const {
  const int64_t ins = spec_.in_per_group(), outs = spec_.out_per_group();
  return (spec_.transposed ? (g * ins + in) * outs + out : (g * outs + out) * ins + in) *
         spec_.taps();
}

const float* WinogradWeights::kernel_of(const float* weight, int64_t g, int64_t out, int64_t in,
                                        int64_t depth_tap, float* phase) const {
  const Dims& count = phases_.count;
  const float* kernel =
      weight + pair_offset(g, out, in / (count[1] * count[2])) + depth_tap * plane_taps();
  if (!phases_.any()) return kernel;
  for (int64_t y = 0; y < phases_.spec.kernel[1]; ++y) {
    for (int64_t x = 0; x < phases_.spec.kernel[2]; ++x) {
      const int64_t tap_y = phases_.kernel_tap(spec_, 1, y, in / count[2] % count[1]);
      const int64_t tap_x = phases_.kernel_tap(spec_, 2, x, in % count[2]);
      const bool none = tap_y < 0 || tap_x < 0;
      phase[y * phases_.spec.kernel[2] + x] = none ? 0.0f : kernel[tap_y * spec_.kernel[2] + tap_x];
    }
  }
  return phase;
}

void WinogradWeights::pack(const float* weight, float* packed) const {
  const auto gh = kernel_transform(height_), gw = kernel_transform(width_axis_);
  const int64_t in = in_per_group(), taps = plane_taps();
  float phase[kMostTaps * kMostTaps];
  float* to = packed;
  for (int64_t g = 0; g < spec_.groups; ++g) {
    for (const WinogradBlock& block : blocks_) {
      const int64_t lanes = this->lanes(block);
      for (int64_t kd = 0; kd < depth_taps(); ++kd, to += depth_tap_floats() * lanes) {
        for (int64_t c = 0; c < in; ++c) {
          for (int64_t j = 0; j < lanes; ++j) {
            const float* w =
                j < block.channels ? kernel_of(weight, g, block.first + j, c, kd, phase) : nullptr;
            if (!fused_) {
              const int64_t pass = c / kWinogradPass * kWinogradPass;
              const int64_t channels = std::min(kWinogradPass, in - pass);
              float* u = to + (pass * height_.points * width_axis_.points + c - pass) * lanes + j;
              transform_kernel(gh, gw, w, height_.kernel, width_axis_.kernel, u, channels * lanes);
              continue;
            }
            for (int64_t k = 0; k < taps; ++k) to[(c * taps + k) * lanes + j] = w ? w[k] : 0.0f;
          }
        }
      }
    }
  }
  if (!fused_) std::copy_n(weight, spec_.weight_size(), to);
}

float WinogradWeights::value(const float* packed, int64_t g, int64_t out, int64_t in,
                             int64_t tap) const {
  if (!fused_) return packed[spec_.groups * group_floats() + pair_offset(g, out, in) + tap];
  const WinogradBlock& block = blocks_[static_cast<size_t>(out / width_)];
  return packed_of(
      packed, g, block,
      tap / plane_taps())[(in * plane_taps() + tap % plane_taps()) * width_ + out - block.first];
}

}  // namespace nnconv
