#include "op/reorder.h"

#include "op/work.h"

namespace nnconv {
namespace {

// A plane of a block is cut where its channels fill a good part of the cache.
void reorder(const KernelTable& kernels, int64_t blocks, int64_t pixels, const float* from,
             float* to, bool blocked) {
  const int64_t width = kernels.width;
  const int64_t piece = kPiece / 4 / width, pieces = (pixels + piece - 1) / piece;
  parallel_units(blocks * pieces, piece * width, [&](int64_t unit, int) {
    const int64_t block = unit / pieces, x = unit % pieces * piece;
    const int64_t plane = block * width * pixels;
    const BlockedReorder r{from + plane + (blocked ? x : x * width),
                           to + plane + (blocked ? x * width : x), pixels,
                           std::min(piece, pixels - x)};
    (blocked ? kernels.blocked.gather : kernels.blocked.scatter)(&r);
  });
}

}  // namespace

void to_blocked(const KernelTable& kernels, int64_t images, int64_t channels, int64_t pixels,
                const float* from, float* to) {
  reorder(kernels, images * channels / kernels.width, pixels, from, to, true);
}

void from_blocked(const KernelTable& kernels, int64_t images, int64_t channels, int64_t pixels,
                  const float* from, float* to) {
  reorder(kernels, images * channels / kernels.width, pixels, from, to, false);
}

}  // namespace nnconv
