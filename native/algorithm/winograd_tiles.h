// How the outputs of a Winograd convolution are cut into tiles along one dimension.
#pragma once

#include <algorithm>
#include <cstdint>

#include "algorithm/plan.h"
#include "algorithm/winograd_phases.h"

namespace nnconv {

// One tap has no neighbours that a dilation could move away.
inline int64_t effective_dilation(const WinogradAxis& axis, int64_t dilation) {
  return axis.kernel > 1 ? dilation : 1;
}

// The tiles along one dimension, in the order of their first outputs. With a dilation of d, d tiles
// interleave.
struct TileAxis {
  TileAxis(const WinogradAxis& a, int64_t spec_dilation, int64_t size)
      : axis(a), dilation(effective_dilation(a, spec_dilation)), outputs(size) {}

  const WinogradAxis& axis;
  int64_t dilation;
  int64_t outputs;  // of the whole dimension

  int64_t tiles() const { return winograd_tiles(axis, dilation, outputs); }
  int64_t first_output(int64_t tile) const {
    return tile / dilation * axis.outputs * dilation + tile % dilation;
  }
  // Outputs of a tile that exist.
  int64_t outputs_of(int64_t tile) const {
    return std::min<int64_t>(axis.outputs, ceil_div(outputs - first_output(tile), dilation));
  }
  // Of the input, counted from the first tile's.
  int64_t first_pixel(int64_t tile) const {
    return tile / dilation * axis.step * dilation + tile % dilation;
  }
  // Input pixels from the first one of tile `begin` to the last one of tile `end - 1`.
  int64_t pixels(int64_t begin, int64_t end) const {
    return first_pixel(end - 1) - first_pixel(begin) + (axis.span - 1) * dilation + 1;
  }
};

// What a kind computes of a problem that it can run.
WinogradPhases winograd_phases(const ConvSpec& spec, int kind);

}  // namespace nnconv
