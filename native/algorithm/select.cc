#include "algorithm/select.h"

#include <algorithm>
#include <cstring>

#include "algorithm/lattice.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

constexpr const char* kReference = "reference";
constexpr const char* kDepthwise = "depthwise";
constexpr const char* kDirectOc = "direct_oc";
constexpr const char* kDirectPx = "direct_px";
constexpr const char* kAlgorithms[] = {kDirectOc, kDirectPx, kDepthwise, kReference};

bool supports(const char* algorithm, const ConvSpec& spec) {
  if (algorithm == kDirectOc) return supports_direct(spec, false);
  if (algorithm == kDirectPx) return supports_direct(spec, true);
  if (algorithm == kDepthwise) return supports_depthwise(spec);
  return true;
}

// Part of the vector lanes that hold pixels when a row is cut into whole vectors.
double pixel_lane_use(int64_t row, int width) {
  const int64_t vectors = (row + width - 1) / width;
  return static_cast<double>(row) / static_cast<double>(vectors * width);
}

double channel_lane_use(int64_t channels, int width) { return pixel_lane_use(channels, width); }

}  // namespace

Selection select_algorithm(const ConvSpec& spec, const ConvShape& shape,
                           const KernelTable& kernels) {
  if (spec.in_channels == 0) return {kReference, "no input channels: the output is the bias"};
  if (supports_depthwise(spec) && spec.out_per_group() <= 2)
    return {kDepthwise, "one input channel and at most two output channels a group"};
  const double over_channels = channel_lane_use(spec.out_per_group(), kernels.width);
  if (!supports_direct(spec, true))
    return {kDirectOc, "stride along the row: pixels of a vector would not be neighbours"};
  const std::vector<Lattice> lattices = make_lattices(spec, shape);
  const int64_t row = lattices.empty() ? 0 : lattices[0].axis[2].count;
  const double over_pixels = pixel_lane_use(row, kernels.width);
  const bool pointwise = spec.taps() == 1;
  constexpr int64_t kLongRow = 256;
  if (pointwise && row >= kLongRow)
    return {kDirectPx, "pointwise over a long row of pixels: input and output in place"};
  // A transposed store costs about as much as this many steps.
  constexpr int64_t kShortReduction = 32;
  if (spec.in_per_group() * spec.taps() <= kShortReduction && over_pixels >= 0.75)
    return {kDirectPx, "short reduction: pixels are stored as computed"};
  if (over_pixels > over_channels + 0.1)
    return {kDirectPx, "pixels fill vectors better than output channels"};
  return {kDirectOc, "output channels fill vectors; input read in place"};
}

std::vector<std::string> algorithms_for(const ConvSpec& spec, const ConvShape& shape,
                                        const KernelTable& kernels) {
  const char* selected = select_algorithm(spec, shape, kernels).algorithm;
  std::vector<std::string> names = {selected};
  for (const char* name : kAlgorithms) {
    if (name != selected && supports(name, spec)) names.push_back(name);
  }
  return names;
}

std::unique_ptr<ConvPlan> make_plan(const std::string& algorithm, const ConvSpec& spec,
                                    const ConvShape& shape, const KernelTable& kernels) {
  for (const char* name : kAlgorithms) {
    if (algorithm != name || !supports(name, spec)) continue;
    if (name == kDirectOc) return make_direct_plan(spec, shape, kernels, false);
    if (name == kDirectPx) return make_direct_plan(spec, shape, kernels, true);
    if (name == kDepthwise) return make_depthwise_plan(spec, shape, kernels);
    return make_reference_plan(spec, shape);
  }
  return nullptr;
}

int threads_for(double macs) {
  constexpr double kMacsPerThread = 250e3;  // some ten times what waking a thread costs
  const int most = num_threads();
  return static_cast<int>(std::clamp(macs / kMacsPerThread, 1.0, static_cast<double>(most)));
}

}  // namespace nnconv
