// Elementwise micro-kernels. Needs math.inl.

#include "kernel/elementwise.h"

namespace {

// y[i] = f(x[i]); the last elements go through the same instructions as the others.
template <typename F>
NNCONV_INLINE void map_row(const ActivationRow* t, F f) {
  int64_t i = 0;
  for (; i + W <= t->count; i += W) vstore(t->y + i, f(vload(t->x + i)));
  if (i < t->count) vstore_n(t->y + i, f(vload_n(t->x + i, t->count - i)), t->count - i);
}

NNCONV_INLINE vf clamp6(vf x) { return at_most(at_least(x, 0.0f), 6.0f); }

// x / (1 + exp(-z)): the logistic function of z, times x.
NNCONV_INLINE vf logistic(vf x, vf z) { return x / (vexp(-z) + 1.0f); }

// x times the normal distribution function of x.
NNCONV_INLINE vf gelu(vf x) {
  const vf tail = verfc_positive(vabs(x) * 0.70710678118654752f) * 0.5f;
  return x * (x < 0.0f ? tail : 1.0f - tail);
}

// 0.5 (1 + tanh(u)) is the logistic function of 2u; so nothing cancels where tanh nears -1.
NNCONV_INLINE vf gelu_tanh(vf x) {
  const vf cubic = vfma(x * x, vset(0.044715f) * x, x);
  return logistic(x, cubic * 1.5957691216057308f);
}

// x tanh(log(1 + e)) with e = exp(x), which is x n / (n + 2) with n = e (e + 2).
NNCONV_INLINE vf mish(vf x) {
  const vf e = vexp(at_most(x, 20.0f));
  const vf n = e * (e + 2.0f);
  return x * (n / (n + 2.0f));
}

template <int Kind>
void activation(const ActivationRow* t) {
  const float a = t->a, b = t->b;
  map_row(t, [a, b](vf x) -> vf {
    if constexpr (Kind == kClamp) return at_most(at_least(x, a), b);
    if constexpr (Kind == kLeakyRelu) return x > 0.0f ? x : x * a;
    if constexpr (Kind == kElu) return x > 0.0f ? x : vexpm1(at_most(x, 0.0f)) * a;
    if constexpr (Kind == kSigmoid) return logistic(vset(1.0f), x);
    if constexpr (Kind == kTanh) return vtanh(x);
    if constexpr (Kind == kSilu) return logistic(x, x);
    if constexpr (Kind == kGelu) return gelu(x);
    if constexpr (Kind == kGeluTanh) return gelu_tanh(x);
    if constexpr (Kind == kMish) return mish(x);
    if constexpr (Kind == kHardswish) return x * clamp6(x + 3.0f) / 6.0f;
    if constexpr (Kind == kHardsigmoid) return clamp6(x + 3.0f) / 6.0f;
  });
}

template <int Kind>
NNCONV_INLINE vf combine(vf x, vf y) {
  if constexpr (Kind == kAdd) return x + y;
  if constexpr (Kind == kSub) return x - y;
  if constexpr (Kind == kMul) return x * y;
  if constexpr (Kind == kDiv) return x / y;
  if constexpr (Kind == kPrelu) return x > 0.0f ? x : x * y;
}

template <int Kind, bool XNumber, bool YNumber>
void binary(const BinaryRow* t) {
  const vf x = vset(t->x[0]), y = vset(t->y[0]);
  int64_t i = 0;
  for (; i + W <= t->count; i += W)
    vstore(t->out + i, combine<Kind>(XNumber ? x : vload(t->x + i), YNumber ? y : vload(t->y + i)));
  const int64_t n = t->count - i;
  if (n > 0)
    vstore_n(t->out + i,
             combine<Kind>(XNumber ? x : vload_n(t->x + i, n), YNumber ? y : vload_n(t->y + i, n)),
             n);
}

template <int Kind>
void fill_activation(ElementwiseTable* table) {
  table->activation[Kind] = activation<Kind>;
  if constexpr (Kind > 0) fill_activation<Kind - 1>(table);
}

template <int Kind>
void fill_binary(ElementwiseTable* table) {
  table->binary[Kind][0] = binary<Kind, false, false>;
  table->binary[Kind][1] = binary<Kind, false, true>;
  table->binary[Kind][2] = binary<Kind, true, false>;
  if constexpr (Kind > 0) fill_binary<Kind - 1>(table);
}

ElementwiseTable make_elementwise() {
  ElementwiseTable t = {};
  fill_activation<kActivations - 1>(&t);
  fill_binary<kBinaries - 1>(&t);
  return t;
}

}  // namespace
