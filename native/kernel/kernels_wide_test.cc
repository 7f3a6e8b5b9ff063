// Sixteen-float vectors without AVX-512, for the self-test only.
#include "kernel/kernel.h"

#if defined(NNCONV_SELFTEST)

#define NNCONV_WIDTH 16
#define NNCONV_SIMD_GENERIC
#include "kernel/simd.h"
#include "kernel/oc_tile.inl"
#include "kernel/px_tile.inl"
#include "kernel/depthwise.inl"
#include "kernel/winograd.inl"
#include "kernel/table.inl"

namespace nnconv {
const KernelTable* kernels_wide_test() {
  static const KernelTable table = make_table<14, 14, 0, 8, 3, 6>("wide_test");
  return &table;
}
}  // namespace nnconv

#else

namespace nnconv {
const KernelTable* kernels_wide_test() { return nullptr; }
}  // namespace nnconv

#endif
