// Reductions of contiguous floats. Needs simd.h.

namespace {

constexpr int H = W / 2;
typedef float hf __attribute__((vector_size(H * 4)));
typedef float hf_u __attribute__((vector_size(H * 4), aligned(4), may_alias));
typedef double vd __attribute__((vector_size(H * 8)));
typedef double vd_u __attribute__((vector_size(H * 8), aligned(8), may_alias));

// H floats as doubles.
NNCONV_INLINE vd vload_double(const float* p) {
  return __builtin_convertvector(*(const hf_u*)p, vd);
}

NNCONV_INLINE double lane_sum(vd v) {
  union {
    vd v;
    double d[H];
  } lanes = {v};
  NNCONV_UNROLL
  for (int n = H / 2; n > 0; n /= 2) {
    NNCONV_UNROLL
    for (int j = 0; j < n; ++j) lanes.d[j] += lanes.d[j + n];
  }
  return lanes.d[0];
}

// The larger of two; NaN where either is.
NNCONV_INLINE float larger(float a, float b) { return b > a || b != b ? b : a; }

NNCONV_INLINE float lane_max(vf v) {
  union {
    vf v;
    float f[W];
  } lanes = {v};
  float best = lanes.f[0];
  for (int j = 1; j < W; ++j) best = larger(best, lanes.f[j]);
  return best;
}

float reduce_max(const float* p, int64_t n) {
  const float lowest = -__builtin_inff();
  vf acc[4] = {vset(lowest), vset(lowest), vset(lowest), vset(lowest)};
  int64_t i = 0;
  for (; i + 4 * W <= n; i += 4 * W) {
    NNCONV_UNROLL
    for (int j = 0; j < 4; ++j) acc[j] = vmax(acc[j], vload(p + i + j * W));
  }
  for (; i + W <= n; i += W) acc[0] = vmax(acc[0], vload(p + i));
  float best = lane_max(vmax(vmax(acc[0], acc[1]), vmax(acc[2], acc[3])));
  for (; i < n; ++i) best = larger(best, p[i]);
  return best;
}

// The sum of map(value) over `n` floats at p.
template <typename Map>
NNCONV_INLINE double reduce(const float* p, int64_t n, Map map) {
  vd acc[4] = {};
  int64_t i = 0;
  for (; i + 4 * H <= n; i += 4 * H) {
    NNCONV_UNROLL
    for (int j = 0; j < 4; ++j) acc[j] += map(vload_double(p + i + j * H));
  }
  for (; i + H <= n; i += H) acc[0] += map(vload_double(p + i));
  double total = lane_sum((acc[0] + acc[1]) + (acc[2] + acc[3]));
  for (; i < n; ++i) total += map((double)p[i]);
  return total;
}

struct Identity {
  template <typename T>
  T operator()(T x) const {
    return x;
  }
};
struct SquaredDistance {
  double center;
  template <typename T>
  T operator()(T x) const {
    const T distance = x - center;
    return distance * distance;
  }
};

double reduce_sum(const float* p, int64_t n) { return reduce(p, n, Identity{}); }
double reduce_squares(const float* p, int64_t n, double center) {
  return reduce(p, n, SquaredDistance{center});
}

nnconv::ReduceTable make_reduce() { return {reduce_max, reduce_sum, reduce_squares}; }

}  // namespace
