// arm64: 32 registers of four floats.
#include "kernel/kernel.h"

#if defined(__aarch64__)

#define NNCONV_WIDTH 4
#define NNCONV_SIMD_NEON
#include "kernel/simd.h"
#include "kernel/oc_tile.inl"
#include "kernel/px_tile.inl"
#include "kernel/depthwise.inl"
#include "kernel/winograd.inl"
#include "kernel/table.inl"

namespace nnconv {
const KernelTable* kernels_neon() {
  static const KernelTable table = make_table<14, 12, 0, 8, 8, 8, 5>("neon");
  return &table;
}
}  // namespace nnconv

#else

namespace nnconv {
const KernelTable* kernels_neon() { return nullptr; }
}  // namespace nnconv

#endif
