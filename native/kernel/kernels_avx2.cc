// x86-64 with AVX2 and FMA: 16 registers of eight floats.
#include "kernel/kernel.h"

#if defined(__AVX2__) && defined(__FMA__)

#define NNCONV_WIDTH 8
#define NNCONV_SIMD_AVX2
#include "kernel/simd.h"
#include "kernel/oc_tile.inl"
#include "kernel/px_tile.inl"
#include "kernel/depthwise.inl"
#include "kernel/winograd.inl"
#include "kernel/table.inl"

namespace nnconv {
const KernelTable* kernels_avx2() {
  static const KernelTable table = make_table<12, 6, 4, 8, 6, 4, 3>("avx2");
  return &table;
}
}  // namespace nnconv

#else

namespace nnconv {
const KernelTable* kernels_avx2() { return nullptr; }
}  // namespace nnconv

#endif
