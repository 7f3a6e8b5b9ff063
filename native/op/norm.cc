#include "op/norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "op/work.h"

namespace nnconv {
namespace {

struct Moments {
  double mean, var;  // biased
};

// y = (x - center) * scale + shift. The center is the mean as near as a float comes, so that little
// is lost where the mean is large beside the deviation; the shift makes up for the rest.
struct Affine {
  float center, scale, shift;
};

Affine make_affine(const Moments& m, const NormParameters& p, int64_t channel) {
  const double weight = p.weight ? p.weight[channel] : 1.0;
  const double bias = p.bias ? p.bias[channel] : 0.0;
  const double scale = weight / std::sqrt(m.var + p.eps);
  const float center = static_cast<float>(m.mean);
  return {center, static_cast<float>(scale), static_cast<float>(bias - (m.mean - center) * scale)};
}

Moments moments(const float* x, int64_t count, const KernelTable& kernels) {
  const double n = static_cast<double>(count);
  const double mean = kernels.reduce.sum(x, count) / n;
  return {mean, kernels.reduce.squares(x, count, mean) / n};
}

// Of one channel over the batch.
Moments moments(const ChannelShape& s, const float* x, int64_t channel,
                const KernelTable& kernels) {
  const double n = static_cast<double>(s.batch) * static_cast<double>(s.plane);
  const float* const first = x + channel * s.plane;
  const int64_t step = s.channels * s.plane;
  double sum = 0.0, squares = 0.0;
  for (int64_t i = 0; i < s.batch; ++i) sum += kernels.reduce.sum(first + i * step, s.plane);
  const double mean = sum / n;
  for (int64_t i = 0; i < s.batch; ++i)
    squares += kernels.reduce.squares(first + i * step, s.plane, mean);
  return {mean, squares / n};
}

// Rows of `plane` elements, each under the affine map that `map` gives for its number.
template <typename Map>
void apply(const ChannelShape& s, const float* x, float* y, const KernelTable& kernels,
           const Map& map) {
  parallel_units(s.batch * s.channels, s.plane, [&](int64_t row, int) {
    const Affine a = map(row);
    const NormRow tile{x + row * s.plane, y + row * s.plane, s.plane, a.center,
                       a.scale,           a.shift,           nullptr, nullptr};
    kernels.norm.row(&tile);
  });
}

// The same map of each channel for the whole batch.
void apply_to_channels(const ChannelShape& s, const float* x, float* y,
                       const std::vector<Affine>& affines, const KernelTable& kernels) {
  if (s.plane != 1) {
    apply(s, x, y, kernels, [&](int64_t row) { return affines[row % s.channels]; });
    return;
  }
  std::vector<float> values(3 * affines.size());
  float* const center = values.data();
  float* const scale = center + s.channels;
  float* const shift = scale + s.channels;
  for (int64_t c = 0; c < s.channels; ++c) {
    center[c] = affines[c].center;
    scale[c] = affines[c].scale;
    shift[c] = affines[c].shift;
  }
  parallel_units(s.batch, s.channels, [&](int64_t i, int) {
    const NormVector tile{x + i * s.channels, y + i * s.channels, s.channels, center, scale, shift};
    kernels.norm.vector(&tile);
  });
}

// `n` values were behind the moments: the variance that is kept is the unbiased one.
void move_running(const RunningStatistics& running, int64_t channel, const Moments& m, double n,
                  double momentum) {
  const auto move = [&](float* kept, double value) {
    *kept = static_cast<float>(momentum * value + (1.0 - momentum) * *kept);
  };
  if (running.mean) move(running.mean + channel, m.mean);
  if (running.var) move(running.var + channel, m.var * n / (n - 1.0));
}

}  // namespace

void channel_norm(const ChannelShape& s, const float* x, const NormParameters& p,
                  const RunningStatistics& running, float* y, const KernelTable& kernels) {
  std::vector<Affine> affines(s.channels);
  for (int64_t c = 0; c < s.channels; ++c)
    affines[c] = make_affine({running.mean[c], running.var[c]}, p, c);
  apply_to_channels(s, x, y, affines, kernels);
}

void batch_norm(const ChannelShape& s, const float* x, const NormParameters& p,
                const RunningStatistics& running, double momentum, float* y,
                const KernelTable& kernels) {
  const int64_t n = s.batch * s.plane;
  if (n == 0) return;
  std::vector<Affine> affines(s.channels);
  parallel_units(s.channels, 2 * n, [&](int64_t c, int) {
    const Moments m = moments(s, x, c, kernels);
    affines[c] = make_affine(m, p, c);
    move_running(running, c, m, static_cast<double>(n), momentum);
  });
  apply_to_channels(s, x, y, affines, kernels);
}

void instance_norm(const ChannelShape& s, const float* x, const NormParameters& p,
                   const RunningStatistics& running, double momentum, float* y,
                   const KernelTable& kernels) {
  if (s.plane == 0) return;
  std::vector<Moments> all(s.batch * s.channels);
  parallel_units(s.batch * s.channels, 2 * s.plane, [&](int64_t row, int) {
    all[row] = moments(x + row * s.plane, s.plane, kernels);
  });
  apply(s, x, y, kernels, [&](int64_t row) { return make_affine(all[row], p, row % s.channels); });
  if (!running.mean) return;
  for (int64_t c = 0; c < s.channels; ++c) {
    Moments mean{0.0, 0.0};
    for (int64_t i = 0; i < s.batch; ++i) {
      mean.mean += all[i * s.channels + c].mean;
      mean.var += all[i * s.channels + c].var;
    }
    mean.mean /= static_cast<double>(s.batch);
    mean.var /= static_cast<double>(s.batch);
    move_running(running, c, mean, static_cast<double>(s.plane), momentum);
  }
}

void group_norm(const ChannelShape& s, int64_t groups, const float* x, const NormParameters& p,
                float* y, const KernelTable& kernels) {
  const int64_t per_group = s.channels / groups, count = per_group * s.plane;
  if (s.batch * count == 0) return;
  std::vector<Moments> all(s.batch * groups);
  parallel_units(s.batch * groups, 2 * count, [&](int64_t group, int) {
    all[group] = moments(x + group * count, count, kernels);
  });
  apply(s, x, y, kernels,
        [&](int64_t row) { return make_affine(all[row / per_group], p, row % s.channels); });
}

void layer_norm(const AxisShape& s, const float* x, const NormParameters& p, float* y,
                const KernelTable& kernels) {
  if (s.length == 0) return;
  const NormParameters plain{nullptr, nullptr, p.eps};
  parallel_units(s.outer, 3 * s.length, [&](int64_t row, int) {
    const float* const from = x + row * s.length;
    const Affine a = make_affine(moments(from, s.length, kernels), plain, 0);
    const NormRow tile{from,    y + row * s.length, s.length, a.center, a.scale,
                       a.shift, p.weight,           p.bias};
    kernels.norm.row(&tile);
  });
}

void response_norm(const ChannelShape& s, const float* x, const ResponseNorm& p, float* y,
                   const KernelTable& kernels) {
  if (s.plane == 0) return;
  const int64_t before = p.size / 2, after = (p.size - 1) / 2;
  const int64_t neighbours = std::min(p.size, s.channels);
  parallel_units(s.batch * s.channels, s.plane * (neighbours + 2), [&](int64_t row, int) {
    const int64_t c = row % s.channels;
    const int64_t first = std::max<int64_t>(0, c - before);
    const int64_t last = std::min(s.channels - 1, c + after);
    const NormResponse tile{x + row * s.plane,
                            x + (row - c + first) * s.plane,
                            last - first + 1,
                            s.plane,
                            y + row * s.plane,
                            s.plane,
                            static_cast<float>(p.alpha / static_cast<double>(p.size)),
                            static_cast<float>(p.k),
                            p.beta};
    kernels.norm.response(&tile);
  });
}

void softmax(const AxisShape& s, bool log, const float* x, float* y, const KernelTable& kernels) {
  if (s.outer * s.length * s.inner == 0) return;
  if (s.inner == 1) {
    parallel_units(s.outer, 3 * s.length, [&](int64_t row, int) {
      const SoftmaxTile tile{x + row * s.length, y + row * s.length, s.length, 1, 1, log};
      kernels.norm.softmax_row(&tile);
    });
    return;
  }
  const int64_t width = kernels.width, vectors = (s.inner + width - 1) / width;
  parallel_units(s.outer * vectors, 3 * s.length * width, [&](int64_t unit, int) {
    const int64_t column = unit % vectors * width;
    const int64_t at = unit / vectors * s.length * s.inner + column;
    const SoftmaxTile tile{x + at, y + at, s.length, s.inner, std::min(width, s.inner - column),
                           log};
    kernels.norm.softmax_columns(&tile);
  });
}

}  // namespace nnconv
