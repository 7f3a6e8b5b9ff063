// Both kinds of convolution as one thing: outputs on a lattice, each the sum over taps whose input
// lies at a fixed offset.
//
// A convolution is one lattice: every output, input position = q * stride + tap * dilation - pad.
// A transposed convolution splits into stride phases: the outputs o with (o + pad) mod stride = r
// are met only by taps with tap * dilation mod stride = r, and among those neighbouring outputs
// read neighbouring inputs.
#pragma once

#include <vector>

#include "problem/conv_problem.h"

namespace nnconv {

struct LatticeTap {
  int64_t kernel;  // index in the kernel
  int64_t offset;  // input position for q = 0
  int64_t lo;      // outputs q in [lo, hi) read inside the input
  int64_t hi;
};

// One dimension of a lattice: output position = start + q * step, q in [0, count); input position =
// q * in_step + tap.offset.
struct LatticeAxis {
  int64_t start;
  int64_t step;
  int64_t count;
  int64_t in_step;
  int64_t in_size;
  std::vector<LatticeTap> taps;
};

struct Lattice {
  LatticeAxis axis[kMaxDims];
  // Distances along each axis in the input's and the output's plane and in the kernel.
  int64_t in_stride[kMaxDims];
  int64_t out_stride[kMaxDims];
  int64_t kernel_stride[kMaxDims];
  int64_t taps() const {
    return static_cast<int64_t>(axis[0].taps.size() * axis[1].taps.size() * axis[2].taps.size());
  }
};

// The lattices of a problem that have taps, in an order that depends on the spec alone (one may
// have no outputs at this size).
std::vector<Lattice> make_lattices(const ConvSpec& spec, const ConvShape& shape);

// Whether every output is on a lattice. Where a transposed convolution's stride exceeds its kernel,
// some outputs meet no tap and hold just the bias.
bool lattices_cover(const std::vector<Lattice>& lattices, const ConvShape& shape);

}  // namespace nnconv
