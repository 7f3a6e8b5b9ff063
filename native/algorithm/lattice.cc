#include "algorithm/lattice.h"

#include <algorithm>
#include <map>

namespace nnconv {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }

LatticeTap make_tap(const LatticeAxis& axis, int64_t kernel, int64_t offset) {
  LatticeTap tap{kernel, offset, 0, 0};
  tap.lo = std::clamp<int64_t>(ceil_div(-offset, axis.in_step), 0, axis.count);
  tap.hi = std::clamp<int64_t>(ceil_div(axis.in_size - offset, axis.in_step), tap.lo, axis.count);
  return tap;
}

std::vector<LatticeAxis> make_axes(const ConvSpec& spec, const ConvShape& shape, int d) {
  const int64_t stride = spec.stride[d], pad = spec.pad_low[d], dilation = spec.dilation[d];
  std::vector<LatticeAxis> axes;
  if (!spec.transposed) {
    LatticeAxis axis{0, 1, shape.out[d], stride, shape.in[d], {}};
    for (int64_t k = 0; k < spec.kernel[d]; ++k)
      axis.taps.push_back(make_tap(axis, k, k * dilation - pad));
    axes.push_back(std::move(axis));
    return axes;
  }
  std::map<int64_t, size_t> by_start;
  for (int64_t k = 0; k < spec.kernel[d]; ++k) {
    const int64_t start = ((k * dilation - pad) % stride + stride) % stride;
    const auto [entry, added] = by_start.emplace(start, axes.size());
    if (added) {
      const int64_t count = std::max<int64_t>(0, ceil_div(shape.out[d] - start, stride));
      axes.push_back(LatticeAxis{start, stride, count, 1, shape.in[d], {}});
    }
    LatticeAxis& axis = axes[entry->second];
    axis.taps.push_back(make_tap(axis, k, (start + pad - k * dilation) / stride));
  }
  return axes;
}

// Joins dimension d with the last one where a step along d is a whole row of the last, in input and
// output alike; a pointwise convolution becomes one long row.
void join_rows(Lattice* l, int d) {
  const LatticeAxis& inner = l->axis[2];
  LatticeAxis& outer = l->axis[d];
  const bool plain = inner.taps.size() == 1 && inner.taps[0].offset == 0 && inner.in_step == 1 &&
                     inner.step == 1 && inner.count == inner.in_size;
  const bool adjacent = l->in_stride[d] == inner.in_size && l->out_stride[d] == inner.count;
  if (!plain || !adjacent || outer.in_step != 1 || outer.step != 1) return;
  const int64_t width = inner.count;
  LatticeAxis joined{0, 1, outer.count * width, 1, outer.in_size * width, {}};
  for (const LatticeTap& t : outer.taps)
    joined.taps.push_back({t.kernel, t.offset * width, t.lo * width, t.hi * width});
  const int64_t kernel_stride = l->kernel_stride[d];
  outer = LatticeAxis{0, 1, 1, 1, 1, {{0, 0, 0, 1}}};
  l->axis[2] = std::move(joined);
  l->kernel_stride[2] = kernel_stride;
}

}  // namespace

bool lattices_cover(const std::vector<Lattice>& lattices, const ConvShape& shape) {
  int64_t outputs = 0;
  for (const Lattice& l : lattices) outputs += l.axis[0].count * l.axis[1].count * l.axis[2].count;
  return outputs == shape.out_plane();
}

std::vector<Lattice> make_lattices(const ConvSpec& spec, const ConvShape& shape) {
  const std::vector<LatticeAxis> depth = make_axes(spec, shape, 0);
  const std::vector<LatticeAxis> height = make_axes(spec, shape, 1);
  const std::vector<LatticeAxis> width = make_axes(spec, shape, 2);
  std::vector<Lattice> lattices;
  for (const LatticeAxis& d : depth) {
    for (const LatticeAxis& h : height) {
      for (const LatticeAxis& w : width) {
        Lattice l{{d, h, w},
                  {shape.in[1] * shape.in[2], shape.in[2], 1},
                  {shape.out[1] * shape.out[2], shape.out[2], 1},
                  {spec.kernel[1] * spec.kernel[2], spec.kernel[2], 1}};
        join_rows(&l, 1);
        join_rows(&l, 0);
        lattices.push_back(std::move(l));
      }
    }
  }
  return lattices;
}

}  // namespace nnconv
