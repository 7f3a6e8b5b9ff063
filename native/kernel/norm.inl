// Micro-kernels of normalisation and softmax. Needs simd.h, reduce.inl and math.inl.

namespace {

using nnconv::NormResponse;
using nnconv::NormRow;
using nnconv::NormVector;
using nnconv::SoftmaxTile;

template <bool WEIGHT, bool BIAS>
NNCONV_INLINE void norm_row_as(const NormRow* t) {
  const vf center = vset(t->center), scale = vset(t->scale), shift = vset(t->shift);
  for (int64_t i = 0; i < t->count; i += W) {
    const int64_t n = t->count - i;
    vf v = vfma(vload_n(t->x + i, n) - center, scale, shift);
    if (WEIGHT) v = v * vload_n(t->weight + i, n);
    if (BIAS) v = v + vload_n(t->bias + i, n);
    vstore_n(t->y + i, v, n);
  }
}

void norm_row(const NormRow* t) {
  if (t->weight && t->bias) return norm_row_as<true, true>(t);
  if (t->weight) return norm_row_as<true, false>(t);
  if (t->bias) return norm_row_as<false, true>(t);
  norm_row_as<false, false>(t);
}

void norm_vector(const NormVector* t) {
  for (int64_t i = 0; i < t->count; i += W) {
    const int64_t n = t->count - i;
    const vf v = vfma(vload_n(t->x + i, n) - vload_n(t->center + i, n), vload_n(t->scale + i, n),
                      vload_n(t->shift + i, n));
    vstore_n(t->y + i, v, n);
  }
}

NNCONV_INLINE vf vsqrt(vf v) {
#if defined(NNCONV_SIMD_AVX2)
  return (vf)_mm256_sqrt_ps((__m256)v);
#elif defined(NNCONV_SIMD_AVX512)
  return (vf)_mm512_maskz_sqrt_ps(0xffff, (__m512)v);
#elif defined(NNCONV_SIMD_NEON)
  return (vf)vsqrtq_f32((float32x4_t)v);
#else
  union {
    vf v;
    float f[W];
  } lanes = {v};
  for (int j = 0; j < W; ++j) lanes.f[j] = __builtin_sqrtf(lanes.f[j]);
  return lanes.v;
#endif
}

NNCONV_INLINE vf vpow(vf v, double exponent) {
  if (exponent == 0.75) {
    const vf root = vsqrt(v);
    return root * vsqrt(root);
  }
  if (exponent == 0.5) return vsqrt(v);
  if (exponent == 1.0) return v;
  union {
    vf v;
    float f[W];
  } lanes = {v};
  for (int j = 0; j < W; ++j) lanes.f[j] = (float)__builtin_pow((double)lanes.f[j], exponent);
  return lanes.v;
}

void norm_response(const NormResponse* t) {
  for (int64_t i = 0; i < t->count; i += W) {
    const int64_t n = t->count - i;
    const vmask mask = lane_mask(0, n);
    vf sum = vset(0.0f);
    const float* p = t->first + i;
    for (int64_t c = 0; c < t->neighbours; ++c, p += t->channel) {
      const vf v = vload_mask(p, mask);
      sum = vfma(v, v, sum);
    }
    const vf base = vfma(sum, vset(t->alpha), vset(t->k));
    vstore_n(t->y + i, vload_mask(t->x + i, mask) / vpow(base, t->beta), n);
  }
}

// The lanes as doubles, in two halves.
struct Doubles {
  vd lo, hi;
};
NNCONV_INLINE Doubles vdoubles(vf v) {
  union {
    vf v;
    hf h[2];
  } halves = {v};
  return {__builtin_convertvector(halves.h[0], vd), __builtin_convertvector(halves.h[1], vd)};
}

void softmax_row(const SoftmaxTile* t) {
  const int64_t n = t->length;
  const vf lowest = vset(-__builtin_inff()), largest = vset(reduce_max(t->x, n));
  vd lo = {}, hi = {};
  for (int64_t i = 0; i < n; i += W) {
    const vf e = vexp(vload_mask_or(t->x + i, lane_mask(0, n - i), lowest) - largest);
    if (!t->log) vstore_n(t->y + i, e, n - i);
    // Lanes beyond the end hold e^-infinity, which is 0, or NaN where the whole result is.
    const Doubles d = vdoubles(e);
    lo += d.lo;
    hi += d.hi;
  }
  const double sum = lane_sum(lo + hi);
  if (t->log) {
    const vf shift = vset((float)__builtin_log(sum));
    for (int64_t i = 0; i < n; i += W)
      vstore_n(t->y + i, vload_n(t->x + i, n - i) - largest - shift, n - i);
  } else {
    const vf scale = vset((float)(1.0 / sum));
    for (int64_t i = 0; i < n; i += W) vstore_n(t->y + i, vload_n(t->y + i, n - i) * scale, n - i);
  }
}

void softmax_columns(const SoftmaxTile* t) {
  const vmask mask = lane_mask(0, t->count);
  vf largest = vset(-__builtin_inff());
  for (int64_t i = 0; i < t->length; ++i)
    largest = vmax(largest, vload_mask(t->x + i * t->step, mask));
  vd lo = {}, hi = {};
  for (int64_t i = 0; i < t->length; ++i) {
    const vf e = vexp(vload_mask(t->x + i * t->step, mask) - largest);
    if (!t->log) vstore_n(t->y + i * t->step, e, t->count);
    const Doubles d = vdoubles(e);
    lo += d.lo;
    hi += d.hi;
  }
  union {
    vf v;
    float f[W];
  } last;
  NNCONV_UNROLL
  for (int j = 0; j < H; ++j) {
    last.f[j] = (float)(t->log ? __builtin_log(lo[j]) : 1.0 / lo[j]);
    last.f[j + H] = (float)(t->log ? __builtin_log(hi[j]) : 1.0 / hi[j]);
  }
  for (int64_t i = 0; i < t->length; ++i) {
    const vf v = t->log ? vload_mask(t->x + i * t->step, mask) - largest - last.v
                        : vload_mask(t->y + i * t->step, mask) * last.v;
    vstore_n(t->y + i * t->step, v, t->count);
  }
}

nnconv::NormTable make_norm() {
  return {norm_row, norm_vector, norm_response, softmax_row, softmax_columns};
}

}  // namespace
