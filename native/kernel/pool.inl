// Pooling micro-kernels. Max pooling and sums differ in the reduction only. Needs simd.h and
// reduce.inl.

namespace {

using nnconv::PoolTile;

struct PoolMax {
  static constexpr bool kAverage = false;
  NNCONV_INLINE vf identity() { return vset(-__builtin_inff()); }
  NNCONV_INLINE vf join(vf a, vf b) { return vmax(a, b); }
};
struct PoolSum {
  static constexpr bool kAverage = true;
  NNCONV_INLINE vf identity() { return vset(0.0f); }
  NNCONV_INLINE vf join(vf a, vf b) { return a + b; }
};

// Writes up to W outputs from column q on.
template <typename Op>
NNCONV_INLINE void pool_store(const PoolTile* t, int64_t row, int64_t q, vf v) {
  const int64_t n = t->out_columns - q;
  if constexpr (Op::kAverage)
    v = v / (vload_n(t->column_divisor + q, n) * vset(t->row_divisor[row] * t->divisor));
  vstore_n(t->out + row * t->out_columns + q, v, n);
}

// The taps of one output row at `count` input pixels from x on, joined over rows and planes.
template <typename Op>
NNCONV_INLINE vf pool_column(const PoolTile* t, int64_t row, int64_t x, int64_t count) {
  const int64_t first = t->first_row[row] * t->in[1] + x, step = t->row_step * t->in[1];
  const bool whole = count >= W;
  const vmask mask = lane_mask(0, count);
  vf acc = Op::identity();
  for (int64_t n = 0; n < t->plane_count; ++n) {
    const float* p = t->planes[n] + first;
    for (int64_t i = 0; i < t->row_count[row]; ++i, p += step)
      acc = Op::join(acc, whole ? vload(p) : vload_mask(p, mask));
  }
  return acc;
}

// Kernel width K = 2 or 3 at stride 2 without dilation, in registers.
template <typename Op, int K, bool MASKED>
NNCONV_INLINE vf pool_step2(const PoolTile* t, int64_t row, int64_t x) {
  // Pixels x .. x + 2W - 1 and, for K 3, as many from two pixels further on.
  constexpr int N = K == 3 ? 4 : 2;
  const int64_t width = t->in[1], step = t->row_step * width;
  vf acc[N];
  vmask mask[N];
  NNCONV_UNROLL
  for (int j = 0; j < N; ++j) {
    const int64_t at = x + (j & 1) * W + (j >> 1) * 2;
    mask[j] = lane_mask(-at, width - at);
    acc[j] = Op::identity();
  }
  for (int64_t n = 0; n < t->plane_count; ++n) {
    const float* p = t->planes[n] + t->first_row[row] * width + x;
    for (int64_t i = 0; i < t->row_count[row]; ++i, p += step) {
      NNCONV_UNROLL
      for (int j = 0; j < N; ++j) {
        const float* q = p + (j & 1) * W + (j >> 1) * 2;
        acc[j] = Op::join(acc[j], MASKED ? vload_mask_or(q, mask[j], Op::identity()) : vload(q));
      }
    }
  }
  vf v = Op::join(veven(acc[0], acc[1]), vodd(acc[0], acc[1]));
  if (K == 3) v = Op::join(v, veven(acc[N - 2], acc[N - 1]));
  return veven_sort(v);
}

template <typename Op, int K>
NNCONV_INLINE void pool_rows_step2(const PoolTile* t) {
  for (int64_t row = t->row_begin; row < t->row_end; ++row) {
    for (int64_t q = 0; q < t->out_columns; q += W) {
      const int64_t x = 2 * q - t->pad;
      const bool inside = x >= 0 && x + 2 * W + (K == 3 ? 2 : 0) <= t->in[1];
      pool_store<Op>(
          t, row, q,
          inside ? pool_step2<Op, K, false>(t, row, x) : pool_step2<Op, K, true>(t, row, x));
    }
  }
}

// W outputs whose first tap is at p.
template <typename Op>
NNCONV_INLINE vf pool_along(const PoolTile* t, const float* p) {
  vf acc = Op::identity();
  if (t->stride == 1) {
    for (int64_t j = 0; j < t->kernel; ++j) acc = Op::join(acc, vload(p + j * t->dilation));
  } else if (t->stride == 2) {
    for (int64_t j = 0; j < t->kernel; ++j, p += t->dilation)
      acc = Op::join(acc, veven(vload(p), vload(p + W)));
    acc = veven_sort(acc);
  } else {
    for (int64_t j = 0; j < t->kernel; ++j, p += t->dilation) {
      union {
        float f[W];
        vf v;
      } lanes;
      NNCONV_UNROLL
      for (int i = 0; i < W; ++i) lanes.f[i] = p[i * t->stride];
      acc = Op::join(acc, lanes.v);
    }
  }
  return acc;
}

// Any lattice: a segment of a row is joined over rows in scratch, between margins of identity.
template <typename Op>
NNCONV_INLINE void pool_lattice(const PoolTile* t) {
  const int64_t k = t->kernel;
  if (t->stride == 2 && t->dilation == 1) {
    if (k == 2) return pool_rows_step2<Op, 2>(t);
    if (k == 3) return pool_rows_step2<Op, 3>(t);
  }
  float* const scratch = (float*)t->scratch;
  const int64_t width = t->in[1];
  for (int64_t q0 = 0; q0 < t->out_columns; q0 += nnconv::kPoolSegment) {
    const int64_t rest = t->out_columns - q0;
    const int64_t outputs = rest < nnconv::kPoolSegment ? rest : (int64_t)nnconv::kPoolSegment;
    // What whole vectors read: scratch[i] is pixel origin + i, `lo` to `hi` of them inside.
    const int64_t origin = q0 * t->stride - t->pad;
    const int64_t vectors = (outputs + W - 1) / W;
    const int64_t length = vectors * W * t->stride + (k - 1) * t->dilation + W;
    const int64_t lo = origin < 0 ? -origin : 0;
    const int64_t end = width - origin < length ? width - origin : length;
    const int64_t hi = end < lo ? lo : end;
    for (int64_t i = 0; i < lo; ++i) scratch[i] = Op::identity()[0];
    for (int64_t i = hi; i < length; ++i) scratch[i] = Op::identity()[0];
    for (int64_t row = t->row_begin; row < t->row_end; ++row) {
      for (int64_t i = lo; i < hi; i += W)
        vstore_n(scratch + i, pool_column<Op>(t, row, origin + i, hi - i), hi - i);
      for (int64_t q = 0; q < outputs; q += W)
        pool_store<Op>(t, row, q0 + q, pool_along<Op>(t, scratch + q * t->stride));
    }
  }
}

void pool_max_lattice(const PoolTile* t) { pool_lattice<PoolMax>(t); }
void pool_average_lattice(const PoolTile* t) { pool_lattice<PoolSum>(t); }

void pool_max_windows(const PoolTile* t) {
  float* const scratch = (float*)t->scratch;
  for (int64_t row = t->row_begin; row < t->row_end; ++row) {
    for (int64_t x = 0; x < t->in[1]; x += W)
      vstore_n(scratch + x, pool_column<PoolMax>(t, row, x, t->in[1] - x), t->in[1] - x);
    for (int64_t q = 0; q < t->out_columns; ++q) {
      const float* p = scratch + t->first_column[q];
      float best = -__builtin_inff();
      if (t->column_step == 1 && t->column_count[q] >= 2 * W) {
        best = reduce_max(p, t->column_count[q]);
      } else {
        for (int64_t j = 0; j < t->column_count[q]; ++j) best = larger(best, p[j * t->column_step]);
      }
      t->out[row * t->out_columns + q] = best;
    }
  }
}

NNCONV_INLINE double double_sum(const double* p, int64_t n) {
  vd acc[4] = {};
  int64_t i = 0;
  for (; i + 4 * H <= n; i += 4 * H) {
    NNCONV_UNROLL
    for (int j = 0; j < 4; ++j) acc[j] += *(const vd_u*)(p + i + j * H);
  }
  double total = i > 0 ? lane_sum((acc[0] + acc[1]) + (acc[2] + acc[3])) : 0.0;
  for (; i < n; ++i) total += p[i];
  return total;
}

void pool_average_windows(const PoolTile* t) {
  double* const scratch = (double*)t->scratch;
  const int64_t width = t->in[1];
  for (int64_t row = t->row_begin; row < t->row_end; ++row) {
    const int64_t first = t->first_row[row] * width, step = t->row_step * width;
    int64_t x = 0;
    for (; x + H <= width; x += H) {
      vd acc = {};
      for (int64_t n = 0; n < t->plane_count; ++n) {
        const float* p = t->planes[n] + first + x;
        for (int64_t i = 0; i < t->row_count[row]; ++i, p += step) acc += vload_double(p);
      }
      *(vd_u*)(scratch + x) = acc;
    }
    for (; x < width; ++x) {
      double sum = 0.0;
      for (int64_t n = 0; n < t->plane_count; ++n) {
        const float* p = t->planes[n] + first + x;
        for (int64_t i = 0; i < t->row_count[row]; ++i, p += step) sum += *p;
      }
      scratch[x] = sum;
    }
    const double divisor = (double)t->row_divisor[row] * t->divisor;
    for (int64_t q = 0; q < t->out_columns; ++q) {
      const double sum = double_sum(scratch + t->first_column[q], t->column_count[q]);
      t->out[row * t->out_columns + q] = (float)(sum / (t->column_divisor[q] * divisor));
    }
  }
}

nnconv::PoolTable make_pool() {
  return {pool_max_lattice, pool_average_lattice, pool_max_windows, pool_average_windows};
}

}  // namespace
