// What an algorithm makes of one problem: how weights are packed, how much scratch it needs, and
// the run itself. A plan is for one layer and one spatial size; the batch may vary.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernel/kernel.h"
#include "problem/conv_problem.h"

namespace nnconv {

// How a tensor lies in memory: as PyTorch has it, or in blocks of channels as kernel/blocked.h has
// it, for which channels (of each group) must be whole vectors.
enum class Format { kPlain, kBlocked };

struct ConvFormats {
  Format input = Format::kPlain, output = Format::kPlain;
};

// Where a layer is used: alone, or as one of a network's.
enum class Use { kEager, kNetwork };

// Rounded up; of numbers that are not negative.
inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// [begin, end) of some whole.
struct Range {
  int64_t begin, end;
};
inline Range part_of(int64_t whole, int64_t index, int64_t parts) {
  return {whole * index / parts, whole * (index + 1) / parts};
}

// The same with the longer parts first.
inline Range longer_first(int64_t whole, int64_t index, int64_t parts) {
  const auto begin = [&](int64_t i) { return i * (whole / parts) + std::min(i, whole % parts); };
  return {begin(index), begin(index + 1)};
}

// What the index-th tile of a block asks for of the next block's weights, 64 bytes for each of its
// steps, or null when the tiles before have asked for all, or the cache would lose them again;
// weights are packed [block][step][lanes].
inline const float* next_weights(const float* block, int64_t steps, int64_t lanes, int64_t index) {
  constexpr int64_t kLine = 64 / sizeof(float), kMost = 1 << 18;
  return index * kLine < lanes && steps * lanes < kMost ? block + steps * (lanes + index * kLine)
                                                        : nullptr;
}

struct ConvArgs {
  const float* input;   // (batch, in_channels, D, H, W)
  const float* packed;  // what pack() wrote
  const float* bias;    // (out_channels), or null
  float* output;        // (batch, out_channels, D', H', W')
  int64_t batch;
  void* workspace;  // workspace_bytes(threads), aligned to 64
  int threads;
  const Finish* finish = nullptr;  // what it adds must not overlap the output
};

class ConvPlan {
 public:
  virtual ~ConvPlan() = default;

  // Plans of one layer with the same key and instruction set share packed weights.
  virtual const char* pack_key() const = 0;
  virtual size_t packed_floats() const = 0;
  virtual void pack(const float* weight, float* packed) const = 0;
  // Whether each weight is in what is packed, behind anything that is not a weight or a zero.
  virtual bool packs_all_weights() const { return true; }
  virtual size_t workspace_bytes(int threads) const = 0;
  virtual void run(const ConvArgs& args) const = 0;
};

// What the kernels do to a value on its way to `out`.
float finish_value(const Finish* finish, float y, const float* out);

// Fills the whole output with the bias, for algorithms that don't reach every element.
void fill_bias(const ConvArgs& args, int64_t out_channels, int64_t out_plane);

// Each makes a plan for a problem without padding mode; `supports_*` says whether it can.
std::unique_ptr<ConvPlan> make_reference_plan(const ConvSpec&, const ConvShape&);
// Direct: vectors over output channels, or over pixels, in place or copied to panels.
std::unique_ptr<ConvPlan> make_direct_oc_plan(const ConvSpec&, const ConvShape&, const KernelTable&,
                                              Format output);
bool supports_direct_oc(const ConvSpec&);
std::unique_ptr<ConvPlan> make_direct_px_plan(const ConvSpec&, const ConvShape&,
                                              const KernelTable&);
bool supports_direct_px(const ConvSpec&);
std::unique_ptr<ConvPlan> make_direct_px_panel_plan(const ConvSpec&, const ConvShape&,
                                                    const KernelTable&);
bool supports_direct_px_panel(const ConvSpec&);
std::unique_ptr<ConvPlan> make_depthwise_plan(const ConvSpec&, const ConvShape&,
                                              const KernelTable&);
bool supports_depthwise(const ConvSpec&);
// Whether the kernel has code of its own, for blocks of rows.
bool depthwise_compiled(const ConvSpec&);
std::unique_ptr<ConvPlan> make_pointwise_plan(const ConvSpec&, const ConvShape&,
                                              const KernelTable&);
bool supports_pointwise(const ConvSpec&);
std::unique_ptr<ConvPlan> make_im2col_plan(const ConvSpec&, const ConvShape&, const KernelTable&);
bool supports_im2col(const ConvSpec&);
std::unique_ptr<ConvPlan> make_col2im_plan(const ConvSpec&, const ConvShape&, const KernelTable&);
bool supports_col2im(const ConvSpec&);
// `kind` as in kWinogradPair; winograd_kind() is the one with tiles of m_height x m_width outputs
// that can run the problem, or -1.
std::unique_ptr<ConvPlan> make_winograd_plan(const ConvSpec&, const ConvShape&, const KernelTable&,
                                             int kind, ConvFormats formats, Use use);
int winograd_kind(const ConvSpec&, int m_height, int m_width);
// Whether weights are transformed on the way to their product: planes of few tiles, where a kernel
// is compiled for it.
bool winograd_fuses(const ConvSpec&, const ConvShape&, const KernelTable&, int kind, Use use);
// Tiles along a dimension of so many outputs.
int64_t winograd_tiles(const WinogradAxis&, int64_t dilation, int64_t outputs);

// Input and output in blocks of channels; depthwise layers also of tensors as they are, copied to
// blocks and back.
std::unique_ptr<ConvPlan> make_blocked_1x1_plan(const ConvSpec&, const ConvShape&,
                                                const KernelTable&);
bool supports_blocked_1x1(const ConvSpec&, const KernelTable&);
std::unique_ptr<ConvPlan> make_blocked_depthwise_plan(const ConvSpec&, const ConvShape&,
                                                      const KernelTable&, Format format);
bool supports_blocked_depthwise(const ConvSpec&, const KernelTable&, Format format);

}  // namespace nnconv
