#include "algorithm/select.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "algorithm/lattice.h"
#include "algorithm/winograd_tiles.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

constexpr const char* kReference = "reference";
constexpr const char* kDepthwise = "depthwise";
constexpr const char* kDirectOc = "direct_oc";
constexpr const char* kDirectPx = "direct_px";
constexpr const char* kDirectPxPanel = "direct_px_panel";
constexpr const char* kWinograd4 = "winograd_4x4";
constexpr const char* kWinograd3 = "winograd_3x3";
constexpr const char* kWinograd2 = "winograd_2x2";
constexpr const char* kWinogradRow = "winograd_1x4";
constexpr const char* kPointwise = "pointwise";
constexpr const char* kIm2col = "im2col";
constexpr const char* kCol2im = "col2im";
constexpr const char* kBlocked1x1 = "blocked_1x1";
constexpr const char* kBlockedDepthwise = "blocked_depthwise";
constexpr const char* kAlgorithms[] = {
    kPointwise, kDirectOc,  kDirectPx,    kDirectPxPanel, kDepthwise, kBlockedDepthwise, kWinograd4,
    kWinograd3, kWinograd2, kWinogradRow, kIm2col,        kCol2im,    kReference};

struct WinogradChoice {
  const char* name;
  int height, width;  // outputs of a tile
};
constexpr WinogradChoice kWinograds[] = {
    {kWinograd4, 4, 4}, {kWinograd3, 3, 3}, {kWinograd2, 2, 2}, {kWinogradRow, 1, 4}};

// The kind behind a name for this spec, or -1.
int kind_of(const char* algorithm, const ConvSpec& spec) {
  for (const WinogradChoice& w : kWinograds) {
    if (algorithm == w.name) return winograd_kind(spec, w.height, w.width);
  }
  return -1;
}

bool supports(const char* algorithm, const ConvSpec& spec, const KernelTable& kernels) {
  if (algorithm == kBlockedDepthwise)
    return supports_blocked_depthwise(spec, kernels, Format::kPlain);
  if (algorithm == kDirectOc) return supports_direct_oc(spec);
  if (algorithm == kDirectPx) return supports_direct_px(spec);
  if (algorithm == kDirectPxPanel) return supports_direct_px_panel(spec);
  if (algorithm == kDepthwise) return supports_depthwise(spec);
  if (algorithm == kPointwise) return supports_pointwise(spec);
  if (algorithm == kIm2col) return supports_im2col(spec);
  if (algorithm == kCol2im) return supports_col2im(spec);
  return algorithm == kReference || kind_of(algorithm, spec) >= 0;
}

// Part of the vector lanes that hold pixels when a row is cut into whole vectors.
double pixel_lane_use(int64_t row, int width) {
  const int64_t vectors = (row + width - 1) / width;
  return static_cast<double>(row) / static_cast<double>(vectors * width);
}

double channel_lane_use(int64_t channels, int width) { return pixel_lane_use(channels, width); }

// The same of a direct sum. Where registers are few, tiles of a single vector of channels, which an
// odd number of them ends with, wait for their loads.
double channel_use(int64_t channels, const KernelTable& kernels) {
  constexpr double kSingle = 0.6;
  const double vectors = static_cast<double>(ceil_div(channels, kernels.width));
  const bool waits = ceil_div(channels, kernels.width) % 2 != 0 && kernels.oc_m[3] > 0;
  return channel_lane_use(channels, kernels.width) *
         (waits ? vectors / (vectors - 1 + 1 / kSingle) : 1);
}

// Costs are counted in multiply-accumulates at full speed, of one image.
constexpr double kEfficiency = 0.85;  // of a good inner loop

// Part of the taps along one dimension that direct summation does not skip: those that meet padding
// for at least `worth` outputs at an end.
double met_taps(const ConvSpec& spec, const ConvShape& shape, size_t d, int64_t worth) {
  if (spec.transposed || shape.out[d] == 0) return 1;
  const int64_t out = shape.out[d], stride = spec.stride[d];
  int64_t met = 0;
  for (int64_t tap = 0; tap < spec.kernel[d]; ++tap) {
    const int64_t offset = tap * spec.dilation[d] - spec.pad_low[d];
    const int64_t lo = std::clamp<int64_t>((stride - 1 - offset) / stride, 0, out);
    const int64_t hi = std::clamp<int64_t>((shape.in[d] - offset + stride - 1) / stride, lo, out);
    met += out - (lo >= worth ? lo : 0) - (out - hi >= worth ? out - hi : 0);
  }
  return static_cast<double>(met) / static_cast<double>(out * spec.kernel[d]);
}

double direct_cost(const ConvSpec& spec, const ConvShape& shape) {
  // Short rows leave tiles too small to hide the latency of the FMA units; a transposed layer's are
  // those of one phase.
  const int64_t row = spec.transposed ? shape.out[2] / spec.stride[2] : shape.out[2];
  const double tiles = row >= 12 ? 1.0 : 0.8;
  // Without dilation few do, which the figures of winograd_choice() were fitted to.
  const bool dilated = spec.dilation != Dims{1, 1, 1};
  const double met = dilated ? met_taps(spec, shape, 0, 1) * met_taps(spec, shape, 1, 1) *
                                   met_taps(spec, shape, 2, 4)
                             : 1;
  return met * multiply_accumulates(spec, ConvShape{true, 1, shape.in, shape.out}) /
         (kEfficiency * tiles);
}

// Products in the transformed domain, transforms on both sides, and the weights that stream through
// the cache.
double winograd_cost(const ConvSpec& layer, const ConvShape& shape, const KernelTable& kernels,
                     int kind) {
  const ConvSpec spec = winograd_phases(layer, kind).spec;
  const WinogradAxis& rows = kWinogradAxis[kWinogradPair[kind][0]];
  const WinogradAxis& columns = kWinogradAxis[kWinogradPair[kind][1]];
  const int width = kernels.width;
  const bool fused = winograd_fuses(layer, shape, kernels, kind, Use::kEager);
  const double points = rows.points * columns.points;
  const double plane_tiles =
      static_cast<double>(winograd_tiles(rows, spec.dilation[1], shape.out[1]) *
                          winograd_tiles(columns, spec.dilation[2], shape.out[2]));
  const double tiles = plane_tiles * static_cast<double>(shape.out[0]);
  const double in = static_cast<double>(spec.in_per_group());
  const double out = static_cast<double>(spec.out_per_group());
  const double taps = static_cast<double>(spec.kernel[0]);
  const double full = std::min(1.0, plane_tiles / 4.0);
  const double lanes = channel_lane_use(spec.out_per_group(), width);
  // Their transform, once for some tiles, and tiles that are low, as they were measured.
  const double passes = std::ceil(plane_tiles / kFusedTiles);
  const double weights =
      fused ? (width > 8 ? 1.25 : 1.0) * (1 + (spec.transposed ? 0.6 : 1.25) * passes / plane_tiles)
            : 1.0;
  const double products = weights * tiles * points * in * out * taps / (kEfficiency * full * lanes);
  // A point and channel, in or out, as it was measured: 4, 8 and 10 with 4, 8 and 16 lanes. Pixels
  // of a dilated row are gathered one by one.
  const double transform = std::min<double>(width, 6 + width / 4) * (spec.dilation[2] > 1 ? 2 : 1);
  const double transforms = transform * tiles * points * (in + out);
  const double bytes = 4.0 * in * out * (fused ? static_cast<double>(spec.taps()) : points * taps);
  // Of any CPU: the choice must not differ between machines.
  constexpr double kNear = 256 << 10, kFar = 16 << 20;
  const double far = bytes * static_cast<double>(spec.groups) >= kFar ? 3.5 : 1.0;
  // Fused ones arrive meanwhile.
  const double stream = fused ? 0.5 * bytes : far * bytes - 0.5 * std::min(bytes, kNear);
  return static_cast<double>(spec.groups) * (products + transforms + stream);
}

// Whole vectors of channels, which few channels don't fill.
constexpr int64_t kFewChannels = 8;

// Whether a product with vectors over output channels and taps together is worth the sum over taps
// that it leaves.
bool prefers_col2im(const ConvSpec& spec) {
  const int64_t out = spec.out_per_group();
  if (!supports_col2im(spec) || spec.taps() == 1) return false;
  if (!spec.transposed) return out == 1 && spec.in_per_group() >= 32;
  return supports_pointwise(spec) ? out == 1 : out < kFewChannels;
}

// Direct summation begins a tile of pixels with every row, and each tile reads all weights: rows of
// a few pixels are worth copying where many output channels share the copy. It leaves out taps on
// padding, which a panel holds as zeros.
bool prefers_im2col(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels) {
  if (!supports_im2col(spec) || spec.out_per_group() < 8 * kernels.width) return false;
  const bool plane = spec.taps() == 1 && spec.stride == Dims{1, 1, 1};
  const int64_t run = plane ? shape.out_plane() : shape.out[2];
  const double met =
      met_taps(spec, shape, 0, 1) * met_taps(spec, shape, 1, 1) * met_taps(spec, shape, 2, 1);
  constexpr int64_t kFewPixels = 3;
  return 2 * run <= kernels.oc_m[2] && (plane || run <= kFewPixels) && met >= 0.4 &&
         spec.in_per_group() * spec.taps() >= 256;
}

// Whether as many planes of so many floats meet in the same lines of the L1 cache, as those of a
// power of two do.
bool collisions(int64_t plane, int64_t planes) {
  constexpr int64_t kSetBytes = 4096, kWays = 8;
  return planes > kWays * (kSetBytes / std::gcd(plane * 4, kSetBytes));
}

// Whether a depthwise layer is faster with vectors over channels, its input copied to blocks of
// them and its output back: rows that fill vectors of pixels badly, and kernels that are not
// compiled for those. In cycles, as they were measured, for a channel.
bool prefers_blocks(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels) {
  if (!supports_blocked_depthwise(spec, kernels, Format::kPlain)) return false;
  const double width = kernels.width, taps = static_cast<double>(spec.taps());
  const double columns = static_cast<double>(spec.kernel[2]);
  const int64_t stride = spec.stride[2], row_vectors = ceil_div(shape.out[2], kernels.width);
  double vector = 6;  // of pixels
  if (depthwise_compiled(spec)) {
    const double loads = columns * static_cast<double>(3 * stride + spec.kernel[1]) / 4;
    vector += taps + (stride == 2 ? 2 * loads : 0);
    // Where registers are few they don't hold a column of seven taps.
    if (kernels.oc_m[3] > 0 && spec.kernel[1] == 7) vector += loads;
  } else if (stride > 2) {
    vector += 1.5 * taps * width;
  } else {
    const double column = 1 + 6 / static_cast<double>(row_vectors);
    vector += static_cast<double>(stride) * (1.1 * taps + columns * column);
  }
  const double in = static_cast<double>(shape.in_plane());
  const double out = static_cast<double>(shape.out_plane());
  constexpr double kMove = 0.35;  // a float to a block or from it
  const double collides = collisions(shape.in_plane(), kernels.width) ? 3 : 1;
  const double blocks =
      out * taps * met_taps(spec, shape, 1, 1) / width + kMove * (collides * in + out);
  const double rows = static_cast<double>(shape.out[1] * row_vectors);
  return rows * vector > 1.1 * blocks;
}

constexpr int64_t kFewInputs = 8;

// Whether the channels of a pixel compete for the cache so that a copy pays: every tap and block of
// output channels would fetch its pixels again, which a tile of eight channels doesn't wait for.
bool collide(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels) {
  constexpr int64_t kHides = 8, kWorthCopy = 18;
  const int64_t out = spec.out_per_group(), blocks = ceil_div(out, kernels.px_m[kMaxPxV]);
  const int64_t waits = std::max<int64_t>(0, kHides - ceil_div(out, blocks));
  return collisions(shape.in_plane(), spec.in_per_group()) &&
         blocks * spec.taps() * waits >= kWorthCopy;
}

// Vectors over pixels of a panel: sums so short that transposing their outputs would cost more than
// it takes to compute them, or so few channels that each tap is a step or two. Rows must be worth
// the copy and fill vectors as well as channels would; more channels than a tile of direct_oc has
// make that read its pixels again. Longer sums are worth it where rows fill vectors as well and a
// stride makes direct_oc copy as much. Few outputs are not worth a copy where one can do without,
// least of all for short rows.
bool prefers_px_panel(const ConvSpec& spec, int64_t row, const KernelTable& kernels) {
  constexpr int64_t kLeastRow = 14, kFewSteps = 160, kManySteps = 1024, kFewOutputs = 4;
  const int64_t in = spec.in_per_group(), out = spec.out_per_group(), steps = in * spec.taps();
  if (!supports_direct_px_panel(spec) || row < kLeastRow) return false;
  if (supports_direct_px(spec) && (out < kFewOutputs || (out <= 8 && row < 3 * kernels.width)))
    return false;
  const bool brief = in <= kFewInputs || steps <= kFewSteps;
  if (!brief && (steps > kManySteps || spec.stride[2] == 1)) return false;
  const double slack = !brief ? 0 : out > 2 * kernels.width ? 0.15 : 0.08;
  return pixel_lane_use(row, kernels.width) + slack >= channel_use(out, kernels);
}

// The Winograd algorithm that beats direct summation by a clear margin, or null.
const char* winograd_choice(const ConvSpec& spec, const ConvShape& shape,
                            const KernelTable& kernels) {
  const char* best = nullptr;
  double least = 0.9 * direct_cost(spec, shape);
  for (const WinogradChoice& w : kWinograds) {
    const int kind = kind_of(w.name, spec);
    if (kind < 0) continue;
    // Transforms work on whole vectors of channels.
    const int64_t in = winograd_phases(spec, kind).spec.in_per_group();
    if (std::min(in, spec.out_per_group()) < kFewChannels) continue;
    const double cost = winograd_cost(spec, shape, kernels, kind);
    if (cost < least) {
      least = cost;
      best = w.name;
    }
  }
  return best;
}

}  // namespace

Selection select_algorithm(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels,
                           bool strict) {
  if (spec.in_channels == 0) return {kReference, "no input channels: the output is the bias"};
  if (prefers_blocks(spec, shape, kernels))
    return {kBlockedDepthwise, "short rows or any kernel: vectors over channels, copied to blocks"};
  if (supports_depthwise(spec) && spec.out_per_group() <= 2)
    return {kDepthwise, "one input channel and at most two output channels a group"};
  const char* winograd = strict ? nullptr : winograd_choice(spec, shape, kernels);
  if (winograd) return {winograd, "fewer multiplications outweigh the transforms"};
  if (prefers_im2col(spec, shape, kernels))
    return {kIm2col, "short rows and many channels: tiles of pixels go on across rows and images"};
  if (prefers_col2im(spec))
    return {kCol2im, "few output channels: vectors over them and the taps together"};
  if (spec.transposed && supports_pointwise(spec))
    return {kPointwise, "kernel as large as the stride: every output meets one input pixel"};
  const double over_channels = channel_use(spec.out_per_group(), kernels);
  // Copying the input to panels pays where it is deep and used by many output channels.
  const bool panels =
      supports_pointwise(spec) && spec.in_per_group() >= 128 && spec.out_per_group() >= 64;
  if (panels && !supports_direct_px(spec))
    return {kPointwise, "pointwise with a stride: input copied to panels"};
  if (!supports_direct_oc(spec)) {
    const char* other = supports_direct_px(spec) ? kDirectPx : kReference;
    return {other, "too many rows of taps to list"};
  }
  const std::vector<Lattice> lattices = make_lattices(spec, shape);
  const int64_t row = lattices.empty() ? 0 : lattices[0].axis[2].count;
  const bool px_panel = prefers_px_panel(spec, row, kernels);
  constexpr const char* kCollide =
      "long rows of pixels, copied: the channels of a tile would compete for the cache";
  constexpr const char* kShortSums = "few channels and taps: vectors over pixels of copied rows";
  if (!supports_direct_px(spec)) {
    if (px_panel) return {kDirectPxPanel, kShortSums};
    return {kDirectOc, "stride along the row: pixels of a vector would not be neighbours"};
  }
  const double over_pixels = pixel_lane_use(row, kernels.width);
  // A tile's input should fit the L1 cache.
  constexpr int64_t kDeep = 512;
  const bool one_row = spec.kernel[0] == 1 && spec.kernel[1] == 1;
  const int64_t steps = spec.in_per_group() * spec.taps();
  // Each block of output channels reads a tile's input again, from as many pages as channels: a
  // panel is cheaper from here on.
  constexpr int64_t kManyOutputs = 128, kManySteps = 128;
  const bool in_place = spec.stride[2] == 1 && steps <= kDeep &&
                        (steps <= kManySteps || spec.out_per_group() < kManyOutputs);
  const bool narrow = px_panel && spec.taps() > 1 && spec.in_per_group() <= kFewInputs;
  const bool collides = collide(spec, shape, kernels);
  if (one_row && over_pixels >= 0.9 && in_place && !narrow) {
    if (!collides) return {kDirectPx, "taps in one long row of pixels: input and output in place"};
    if (steps < kDeep && supports_direct_px_panel(spec)) return {kDirectPxPanel, kCollide};
  }
  if (panels) return {kPointwise, "pointwise: input copied to panels"};
  if (px_panel) return {kDirectPxPanel, kShortSums};
  // One or two accumulators a vector of pixels would wait for themselves; spreading costs besides.
  const bool spreads = spec.stride[2] > 1 && spec.out_per_group() < 3;
  // Few channels are not worth a copy, as above.
  const bool few = std::max(spec.in_per_group(), spec.out_per_group()) <= kFewInputs;
  if (over_pixels > over_channels + (few ? -0.1 : 0.1) && !spreads) {
    if (collides && supports_direct_px_panel(spec)) return {kDirectPxPanel, kCollide};
    return {kDirectPx, "pixels fill vectors better than output channels"};
  }
  return {kDirectOc, "output channels fill vectors"};
}

std::vector<std::string> algorithms_for(const ConvSpec& spec, const ConvShape& shape,
                                        const KernelTable& kernels) {
  const char* selected = select_algorithm(spec, shape, kernels, false).algorithm;
  std::vector<std::string> names = {selected};
  for (const char* name : kAlgorithms) {
    if (name != selected && supports(name, spec, kernels)) names.push_back(name);
  }
  return names;
}

std::unique_ptr<ConvPlan> make_plan(const std::string& algorithm, const ConvSpec& spec,
                                    const ConvShape& shape, const KernelTable& kernels, Use use) {
  for (const char* name : kAlgorithms) {
    if (algorithm != name || !supports(name, spec, kernels)) continue;
    if (name == kDirectOc) return make_direct_oc_plan(spec, shape, kernels, Format::kPlain);
    if (name == kDirectPx) return make_direct_px_plan(spec, shape, kernels);
    if (name == kDirectPxPanel) return make_direct_px_panel_plan(spec, shape, kernels);
    if (name == kDepthwise) return make_depthwise_plan(spec, shape, kernels);
    if (name == kBlockedDepthwise)
      return make_blocked_depthwise_plan(spec, shape, kernels, Format::kPlain);
    if (name == kPointwise) return make_pointwise_plan(spec, shape, kernels);
    if (name == kIm2col) return make_im2col_plan(spec, shape, kernels);
    if (name == kCol2im) return make_col2im_plan(spec, shape, kernels);
    const int kind = kind_of(name, spec);
    if (kind >= 0) return make_winograd_plan(spec, shape, kernels, kind, {}, use);
    return make_reference_plan(spec, shape);
  }
  return nullptr;
}

BlockedSelection select_blocked(const ConvSpec& spec, const ConvShape& shape,
                                const KernelTable& kernels, bool strict) {
  if (spec.dims != 2 || spec.in_channels == 0) return {};
  const double macs = multiply_accumulates(spec, ConvShape{true, 1, shape.in, shape.out});
  // Depthwise: no lanes lost at the ends of rows, no masks, no shuffles for a stride.
  if (supports_blocked_depthwise(spec, kernels, Format::kBlocked))
    return {kBlockedDepthwise, nullptr, 1.5 * macs};
  // Pointwise: nothing is copied or transposed.
  if (supports_blocked_1x1(spec, kernels)) return {kBlocked1x1, nullptr, 0.15 * macs};
  const char* selected = select_algorithm(spec, shape, kernels, strict).algorithm;
  if (spec.out_per_group() % kernels.width != 0) return {};
  const int kind = kind_of(selected, spec);
  if (kind < 0) {
    // Vectors over pixels would have to be transposed.
    const bool direct = selected == kDirectOc || selected == kDirectPxPanel;
    return {nullptr, direct && !spec.transposed ? kDirectOc : nullptr, 0};
  }
  // Winograd need not transpose then, but for the phases of a stride.
  const bool whole = spec.in_per_group() % kernels.width == 0 && !winograd_phases(spec, kind).any();
  constexpr double kGain = 1.0;
  const double elements =
      static_cast<double>(spec.in_channels) * static_cast<double>(shape.in_plane()) +
      static_cast<double>(spec.out_channels) * static_cast<double>(shape.out_plane());
  return {whole ? selected : nullptr, selected, kGain * elements};
}

std::unique_ptr<ConvPlan> make_blocked_plan(const std::string& algorithm, const ConvSpec& spec,
                                            const ConvShape& shape, const KernelTable& kernels,
                                            Format input) {
  if (algorithm == kBlocked1x1) return make_blocked_1x1_plan(spec, shape, kernels);
  if (algorithm == kBlockedDepthwise)
    return make_blocked_depthwise_plan(spec, shape, kernels, Format::kBlocked);
  if (algorithm == kDirectOc && input == Format::kPlain)
    return make_direct_oc_plan(spec, shape, kernels, Format::kBlocked);
  for (const WinogradChoice& w : kWinograds) {
    if (algorithm == w.name)
      return make_winograd_plan(spec, shape, kernels, winograd_kind(spec, w.height, w.width),
                                {input, Format::kBlocked}, Use::kNetwork);
  }
  return nullptr;
}

int threads_for(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels) {
  // A float read or written takes as long as so many multiply-accumulates.
  constexpr double kFloat = 15.0;
  const double floats =
      static_cast<double>(shape.batch) *
          (static_cast<double>(spec.in_channels) * static_cast<double>(shape.in_plane()) +
           static_cast<double>(spec.out_channels) * static_cast<double>(shape.out_plane())) +
      static_cast<double>(spec.weight_size());
  const double work = multiply_accumulates(spec, shape) + kFloat * floats;
  // Some ten times what waking a thread costs.
  const double per_thread = 62.5e3 * kernels.width;
  return static_cast<int>(std::clamp(work / per_thread, 1.0, static_cast<double>(num_threads())));
}

}  // namespace nnconv
