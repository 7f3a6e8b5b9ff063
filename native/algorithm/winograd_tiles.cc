// Which problems Winograd's algorithms can run.
#include "algorithm/winograd_tiles.h"

namespace nnconv {
namespace {

// Weights are transformed on the way to their product where the tiles of a plane are few, and few
// for so many bytes of transformed weights. A network has many layers, whose weights are seldom in
// a cache and take memory together.
constexpr int64_t kFewTiles = 16, kBytesPerTile = 1 << 20, kBytesPerNetworkTile = 512 << 10;

bool fits(const ConvSpec& spec, int d, const WinogradAxis& axis) {
  if (spec.kernel[d] != axis.kernel || spec.stride[d] != axis.stride) return false;
  // A strip holds the pixels between those that a dilated tile meets, too.
  constexpr int64_t kMostDilation = 64;
  const int64_t dilation = effective_dilation(axis, spec.dilation[d]);
  if (dilation != 1 && (axis.stride != 1 || axis.transposed || dilation > kMostDilation))
    return false;
  if (axis.transposed) return spec.pad_low[d] % 2 == 1;
  return true;
}

bool fits(const ConvSpec& spec, int kind) {
  const WinogradAxis& height = kWinogradAxis[kWinogradPair[kind][0]];
  const WinogradAxis& width = kWinogradAxis[kWinogradPair[kind][1]];
  return width.transposed == spec.transposed && fits(spec, 1, height) && fits(spec, 2, width);
}

}  // namespace

int64_t winograd_tiles(const WinogradAxis& axis, int64_t spec_dilation, int64_t outputs) {
  const int64_t dilation = effective_dilation(axis, spec_dilation);
  const int64_t group = axis.outputs * dilation;
  return outputs / group * dilation + std::min(dilation, outputs % group);
}

bool winograd_fuses(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels,
                    int kind, Use use) {
  if (winograd_phases(spec, kind).any()) return false;
  const WinogradAxis& rows = kWinogradAxis[kWinogradPair[kind][0]];
  const WinogradAxis& columns = kWinogradAxis[kWinogradPair[kind][1]];
  const int64_t tiles = winograd_tiles(rows, spec.dilation[1], shape.out[1]) *
                        winograd_tiles(columns, spec.dilation[2], shape.out[2]);
  const double bytes = 4.0 * rows.points * columns.points *
                       static_cast<double>(spec.in_per_group()) *
                       static_cast<double>(spec.out_per_group());
  const int64_t enough = use == Use::kNetwork ? kBytesPerNetworkTile : kBytesPerTile;
  return kernels.winograd.kinds[kind].fused[0][1] && tiles <= kFewTiles &&
         bytes >= static_cast<double>(tiles * enough);
}

int winograd_kind(const ConvSpec& spec, int m_height, int m_width) {
  const bool depth = spec.dilation[0] == 1 && (!spec.transposed || spec.dims < 3);
  if (!depth || spec.in_channels == 0) return -1;
  // Phases are for strides that no kind has.
  for (const ConvSpec& candidate : {spec, split_phases(spec).spec}) {
    for (int kind = 0; kind < kWinogradKinds; ++kind) {
      if (kWinogradAxis[kWinogradPair[kind][0]].outputs == m_height &&
          kWinogradAxis[kWinogradPair[kind][1]].outputs == m_width && fits(candidate, kind))
        return kind;
    }
  }
  return -1;
}

WinogradPhases winograd_phases(const ConvSpec& spec, int kind) {
  return fits(spec, kind) ? WinogradPhases{spec} : split_phases(spec);
}

}  // namespace nnconv
