// x86-64 with AVX-512 (F, VL, DQ, BW): 32 registers of sixteen floats.
#include "kernel/kernel.h"

#if defined(__AVX512F__)

#define NNCONV_WIDTH 16
#define NNCONV_SIMD_AVX512
#include "kernel/simd.h"
#include "kernel/oc_tile.inl"
#include "kernel/px_tile.inl"
#include "kernel/depthwise.inl"
#include "kernel/winograd.inl"
#include "kernel/table.inl"

namespace nnconv {
const KernelTable* kernels_avx512() {
  static const KernelTable table = make_table<14, 14, 0, 8, 8, 8, 6>("avx512");
  return &table;
}
}  // namespace nnconv

#else

namespace nnconv {
const KernelTable* kernels_avx512() { return nullptr; }
}  // namespace nnconv

#endif
