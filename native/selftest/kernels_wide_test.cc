// Sixteen-float vectors in plain code: the tiles of AVX-512 where there is no AVX-512.
#include "kernel/kernel.h"

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
  static const KernelTable table = make_table<14, 14, 0, 8, 8, 8, 6>("wide_test");
  return &table;
}
}  // namespace nnconv
