// Vector type and the few operations that plain vector arithmetic can't express, for the
// instruction set that the including file is compiled for. Everything is `static`, so that no other
// file can pick up code built with these flags.
//
// The including file defines NNCONV_WIDTH (floats in a vector) and one of NNCONV_SIMD_GENERIC,
// NNCONV_SIMD_AVX2, NNCONV_SIMD_AVX512, NNCONV_SIMD_NEON.
#pragma once

#include <stdint.h>

#if defined(NNCONV_SIMD_AVX2) || defined(NNCONV_SIMD_AVX512)
#include <immintrin.h>
#elif defined(NNCONV_SIMD_NEON)
#include <arm_neon.h>
#endif

#define NNCONV_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define NNCONV_UNROLL _Pragma("clang loop unroll(full)")
#else
#define NNCONV_UNROLL _Pragma("GCC unroll 32")
#endif

namespace {

constexpr int W = NNCONV_WIDTH;
typedef float vf __attribute__((vector_size(W * 4)));
typedef float vf_u __attribute__((vector_size(W * 4), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(W * 4)));
typedef float f4 __attribute__((vector_size(16)));
typedef float f4_u __attribute__((vector_size(16), aligned(4), may_alias));
typedef float f2 __attribute__((vector_size(8)));
typedef float f2_u __attribute__((vector_size(8), aligned(4), may_alias));

NNCONV_INLINE vf vload(const float* p) { return *(const vf_u*)p; }
NNCONV_INLINE void vstore(float* p, vf v) { *(vf_u*)p = v; }
NNCONV_INLINE vf vset(float x) { return x - (vf){}; }

#if defined(NNCONV_SIMD_AVX2)
NNCONV_INLINE vf vbroadcast(const float* p) { return (vf)_mm256_broadcast_ss(p); }
NNCONV_INLINE vf vfma(vf a, vf b, vf c) {
  return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
#elif defined(NNCONV_SIMD_AVX512)
NNCONV_INLINE vf vbroadcast(const float* p) { return (vf)_mm512_set1_ps(*p); }
NNCONV_INLINE vf vfma(vf a, vf b, vf c) {
  return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
#elif defined(NNCONV_SIMD_NEON)
NNCONV_INLINE vf vbroadcast(const float* p) { return (vf)vld1q_dup_f32(p); }
NNCONV_INLINE vf vfma(vf a, vf b, vf c) {
  return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
#else
NNCONV_INLINE vf vbroadcast(const float* p) { return vset(*p); }
NNCONV_INLINE vf vfma(vf a, vf b, vf c) { return a * b + c; }
#endif

// a where the mask is -1, b where it is 0.
NNCONV_INLINE vf vselect(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }

// The larger; NaN where either is. Hardware's maximum is its second operand where one is NaN.
NNCONV_INLINE vf vmax(vf a, vf b) {
#if defined(NNCONV_SIMD_AVX2)
  return (vf)_mm256_blendv_ps(_mm256_max_ps((__m256)b, (__m256)a), (__m256)b,
                              _mm256_cmp_ps((__m256)b, (__m256)b, _CMP_UNORD_Q));
#elif defined(NNCONV_SIMD_AVX512)
  return (vf)_mm512_mask_max_ps((__m512)b, _mm512_cmp_ps_mask((__m512)b, (__m512)b, _CMP_ORD_Q),
                                (__m512)b, (__m512)a);
#elif defined(NNCONV_SIMD_NEON)
  return (vf)vmaxq_f32((float32x4_t)a, (float32x4_t)b);
#else
  return vselect((b > a) | (b != b), b, a);
#endif
}

// Whether any lane is NaN.
NNCONV_INLINE bool vany_nan(vf v) {
#if defined(NNCONV_SIMD_AVX2)
  return _mm256_movemask_ps(_mm256_cmp_ps((__m256)v, (__m256)v, _CMP_UNORD_Q)) != 0;
#elif defined(NNCONV_SIMD_AVX512)
  return _mm512_cmp_ps_mask((__m512)v, (__m512)v, _CMP_UNORD_Q) != 0;
#elif defined(NNCONV_SIMD_NEON)
  return vminvq_u32(vceqq_f32((float32x4_t)v, (float32x4_t)v)) == 0;
#else
  const vi nan = v != v;
  int any = 0;
  for (int j = 0; j < W; ++j) any |= nan[j];
  return any != 0;
#endif
}

// A mask of the lanes j with lo <= j < hi; lanes left out are not touched in memory and load as 0.
#if defined(NNCONV_SIMD_AVX2)
typedef __m256i vmask;
NNCONV_INLINE vmask lane_mask(int64_t lo, int64_t hi) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const int l = lo < 0 ? 0 : lo > W ? W : (int)lo;
  const int h = hi < 0 ? 0 : hi > W ? W : (int)hi;
  return _mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(l), lane),
                             _mm256_cmpgt_epi32(_mm256_set1_epi32(h), lane));
}
NNCONV_INLINE vf vload_mask(const float* p, vmask m) { return (vf)_mm256_maskload_ps(p, m); }
#elif defined(NNCONV_SIMD_AVX512)
typedef __mmask16 vmask;
NNCONV_INLINE vmask lane_mask(int64_t lo, int64_t hi) {
  const unsigned l = lo < 0 ? 0 : lo > W ? W : (unsigned)lo;
  const unsigned h = hi < 0 ? 0 : hi > W ? W : (unsigned)hi;
  return (vmask)(((1u << h) - 1u) & ~((1u << l) - 1u));
}
NNCONV_INLINE vf vload_mask(const float* p, vmask m) { return (vf)_mm512_maskz_loadu_ps(m, p); }
#else
struct vmask {
  int lo, hi;
};
NNCONV_INLINE vmask lane_mask(int64_t lo, int64_t hi) {
  vmask m = {lo < 0 ? 0 : lo > W ? W : (int)lo, hi < 0 ? 0 : hi > W ? W : (int)hi};
  return m;
}
NNCONV_INLINE vf vload_mask(const float* p, vmask m) {
  if (m.lo == 0 && m.hi == W) return vload(p);
  float lanes[W] = {};
  for (int j = m.lo; j < m.hi; ++j) lanes[j] = p[j];
  return vload(lanes);
}
#endif

// The same, but lanes left out load as `fill`'s.
NNCONV_INLINE vf vload_mask_or(const float* p, vmask m, vf fill) {
#if defined(NNCONV_SIMD_AVX2)
  return (vf)_mm256_blendv_ps((__m256)fill, _mm256_maskload_ps(p, m), _mm256_castsi256_ps(m));
#elif defined(NNCONV_SIMD_AVX512)
  return (vf)_mm512_mask_loadu_ps((__m512)fill, m, p);
#else
  union {
    vf v;
    float f[W];
  } lanes = {fill};
  for (int j = m.lo; j < m.hi; ++j) lanes.f[j] = p[j];
  return lanes.v;
#endif
}

NNCONV_INLINE vf vload_n(const float* p, int64_t n) { return vload_mask(p, lane_mask(0, n)); }

// Stores the first n lanes. Masked stores are slow on some AVX2 CPUs, so halves are used there.
NNCONV_INLINE void vstore_n(float* p, vf v, int64_t n) {
  if (n >= W) {
    vstore(p, v);
    return;
  }
#if defined(NNCONV_SIMD_AVX512)
  _mm512_mask_storeu_ps(p, lane_mask(0, n), (__m512)v);
#else
  union {
    vf v;
    float f[W];
  } lanes = {v};
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) *(f4_u*)(p + j) = *(const f4*)(lanes.f + j);
  if (n & 2) {
    *(f2_u*)(p + j) = *(const f2*)(lanes.f + j);
    j += 2;
  }
  if (n & 1) p[j] = lanes.f[j];
#endif
}

// Lanes 0, 2, 4, ... of the 2W floats in (a, b), in an order that veven_sort puts right: a vector
// that is computed lane by lane needs sorting only once, at its end.
NNCONV_INLINE vf veven(vf a, vf b) {
#if NNCONV_WIDTH == 4
  return __builtin_shufflevector(a, b, 0, 2, 4, 6);
#elif NNCONV_WIDTH == 8
  return __builtin_shufflevector(a, b, 0, 2, 8, 10, 4, 6, 12, 14);
#else
  return __builtin_shufflevector(a, b, 0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30);
#endif
}
// Lanes 1, 3, 5, ..., in the same order.
NNCONV_INLINE vf vodd(vf a, vf b) {
#if NNCONV_WIDTH == 4
  return __builtin_shufflevector(a, b, 1, 3, 5, 7);
#elif NNCONV_WIDTH == 8
  return __builtin_shufflevector(a, b, 1, 3, 9, 11, 5, 7, 13, 15);
#else
  return __builtin_shufflevector(a, b, 1, 3, 17, 19, 5, 7, 21, 23, 9, 11, 25, 27, 13, 15, 29, 31);
#endif
}
NNCONV_INLINE vf veven_sort(vf v) {
#if NNCONV_WIDTH == 4
  return v;
#elif NNCONV_WIDTH == 8
  return __builtin_shufflevector(v, v, 0, 1, 4, 5, 2, 3, 6, 7);
#else
  return __builtin_shufflevector(v, v, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
#endif
}

// (a0 b0 a1 b1), (a2 b2 a3 b3), (a0 a1 b0 b1), (a2 a3 b2 b3) of every 128-bit block.
NNCONV_INLINE vf interleave_lo(vf a, vf b) {
#if NNCONV_WIDTH == 4
  return __builtin_shufflevector(a, b, 0, 4, 1, 5);
#elif NNCONV_WIDTH == 8
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
#else
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
#endif
}
NNCONV_INLINE vf interleave_hi(vf a, vf b) {
#if NNCONV_WIDTH == 4
  return __builtin_shufflevector(a, b, 2, 6, 3, 7);
#elif NNCONV_WIDTH == 8
  return __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
#else
  return __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
#endif
}
NNCONV_INLINE vf pairs_lo(vf a, vf b) {
#if NNCONV_WIDTH == 4
  return __builtin_shufflevector(a, b, 0, 1, 4, 5);
#elif NNCONV_WIDTH == 8
  return __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
#else
  return __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
#endif
}
NNCONV_INLINE vf pairs_hi(vf a, vf b) {
#if NNCONV_WIDTH == 4
  return __builtin_shufflevector(a, b, 2, 3, 6, 7);
#elif NNCONV_WIDTH == 8
  return __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
#else
  return __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
#endif
}

// c[j] has, in every 128-bit block, lane j of that block of all four.
NNCONV_INLINE void transpose4(vf r0, vf r1, vf r2, vf r3, vf (&c)[4]) {
  const vf lo01 = interleave_lo(r0, r1), hi01 = interleave_hi(r0, r1);
  const vf lo23 = interleave_lo(r2, r3), hi23 = interleave_hi(r2, r3);
  c[0] = pairs_lo(lo01, lo23);
  c[1] = pairs_hi(lo01, lo23);
  c[2] = pairs_lo(hi01, hi23);
  c[3] = pairs_hi(hi01, hi23);
}

#if NNCONV_WIDTH == 16
// 128-bit blocks (a0 a1 b0 b1), (a2 a3 b2 b3), (a0 a2 b0 b2), (a1 a3 b1 b3).
NNCONV_INLINE vf blocks_lo(vf a, vf b) {
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
}
NNCONV_INLINE vf blocks_hi(vf a, vf b) {
  return __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30,
                                 31);
}
NNCONV_INLINE vf blocks_even(vf a, vf b) {
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
}
NNCONV_INLINE vf blocks_odd(vf a, vf b) {
  return __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
}
#endif

// The B-th 128-bit block.
template <int B>
NNCONV_INLINE f4 block(vf v) {
  return __builtin_shufflevector(v, v, B * 4, B * 4 + 1, B * 4 + 2, B * 4 + 3);
}

}  // namespace
