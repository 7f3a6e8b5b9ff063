// Any CPU: four-float vectors in whatever the compiler's default instruction set offers.
#include "kernel/kernel.h"

#if 1

#define NNCONV_WIDTH 4
#define NNCONV_SIMD_GENERIC
#include "kernel/simd.h"
#include "kernel/oc_tile.inl"
#include "kernel/px_tile.inl"
#include "kernel/depthwise.inl"
#include "kernel/winograd.inl"
#include "kernel/table.inl"

namespace nnconv {
const KernelTable* kernels_baseline() {
  static const KernelTable table = make_table<12, 6, 4, 8, 6, 4, 2>("baseline");
  return &table;
}
}  // namespace nnconv

#else

namespace nnconv {
const KernelTable* kernels_baseline() { return nullptr; }
}  // namespace nnconv

#endif
