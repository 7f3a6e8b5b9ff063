// Micro-kernel with vectors over pixels: M output channels x V vectors of contiguous pixels.
//
// One step multiplies V vectors of input pixels, read where they lie, with M broadcast weights; the
// result is stored as it is. Pixels beyond the tile or whose tap is padding are masked. Needs
// simd.h and oc_tile.inl.

namespace {

template <int M, int V, bool MASKED>
NNCONV_INLINE void px_steps(vf (&acc)[M][V], const float* input, const float* weight, int64_t k,
                            int64_t input_k, int64_t weight_m, const vmask (&mask)[V]) {
  for (; k > 0; --k) {
    vf x[V];
    NNCONV_UNROLL
    for (int v = 0; v < V; ++v)
      x[v] = MASKED ? vload_mask(input + v * W, mask[v]) : vload(input + v * W);
    NNCONV_UNROLL
    for (int m = 0; m < M; ++m) {
      const vf w = vbroadcast(weight + m);
      NNCONV_UNROLL
      for (int v = 0; v < V; ++v) acc[m][v] = vfma(w, x[v], acc[m][v]);
    }
    input += input_k;
    weight += weight_m;
  }
}

template <int M, int V, typename F>
NNCONV_INLINE void px_store(const PxTile* t, const float* bias, float* out, const vf (&acc)[M][V],
                            const F& finish) {
  const bool whole = t->pixels == V * W;
  NNCONV_UNROLL
  for (int m = 0; m < M; ++m, out += t->out_c) {
    const vf b = bias ? vbroadcast(bias + m) : (vf){};
    NNCONV_UNROLL
    for (int v = 0; v < V; ++v) {
      const vf y = acc[m][v] + b;
      const int64_t n = t->pixels - v * W;
      if (whole)
        vstore(out + v * W, finish(y, out + v * W));
      else if (n > 0)
        vstore_n(out + v * W, finish.part(y, out + v * W, n), n);
    }
  }
}

// Pixels [lo, hi) of k steps.
template <int M, int V>
NNCONV_INLINE void px_part(vf (&acc)[M][V], const float* input, const float* weight, int64_t k,
                           const PxTile* t, int64_t lo, int64_t hi) {
  vmask mask[V];
  NNCONV_UNROLL
  for (int v = 0; v < V; ++v) mask[v] = lane_mask(lo - v * W, hi - v * W);
  px_steps<M, V, true>(acc, input, weight, k, t->input_k, t->weight_m, mask);
}

// One tile of one block of channels.
template <int M, int V>
NNCONV_INLINE void px_sum(const PxTile* t, const float* pixels, const float* weights,
                          vf (&acc)[M][V]) {
  vf total[M][V];
  oc_zero<M, V>(acc);
  int64_t left = kSumSteps;
  bool first = true;
  const bool whole = t->pixels == V * W;
  const Segment* s = t->segments;
  for (const Segment* end = s + t->segment_count; s != end; ++s) {
    const float* input = pixels + s->input;
    const float* weight = weights + s->weight * t->weight_m;
    for (int64_t k = s->k; k > 0;) {
      if (left == 0) {
        flush_sum<M, V>(acc, total, first);
        first = false;
        left = kSumSteps;
      }
      const int64_t n = k < left ? k : left;
      if (s->edge || !whole)
        px_part<M, V>(acc, input, weight, n, t, s->edge ? s->lo : 0, s->edge ? s->hi : t->pixels);
      else
        px_steps<M, V, false>(acc, input, weight, n, t->input_k, t->weight_m, {});
      k -= n;
      left -= n;
      input += n * t->input_k;
      weight += n * t->weight_m;
    }
  }
  for (int64_t k = 0; k < t->step_count;) {
    if (left == 0) {
      flush_sum<M, V>(acc, total, first);
      first = false;
      left = kSumSteps;
    }
    const int64_t end = t->step_count - k < left ? t->step_count : k + left;
    left -= end - k;
    const int64_t weight_m = t->weight_m;
    for (const int32_t *step = t->steps + k, *last = t->steps + end; step != last; ++step) {
      px_steps<M, V, false>(acc, pixels + *step, weights, 1, 0, 0, {});
      weights += weight_m;
    }
    k = end;
  }
  if (!first) finish_sum<M, V>(acc, total);
}

template <int M, int V>
void px_tile(const PxTile* t) {
  const float *weight = t->weight, *bias = t->bias;
  float* out = t->out;
  for (int64_t b = t->blocks; b > 0; --b) {
    for (int64_t at = 0, end = t->tiles * V * W; at < end; at += V * W) {
      prefetch_outputs(t->finish, out + at, t->out_c, M, t->pixels);
      vf acc[M][V];
      px_sum<M, V>(t, t->input + at, weight, acc);
      if (t->finish)
        px_store<M, V>(t, bias, out + at, acc, Finishing{*t->finish});
      else
        px_store<M, V>(t, bias, out + at, acc, Plain{});
    }
    weight += t->weight_block;
    out += M * t->out_c;
    if (bias) bias += M;
  }
}

template <int V, int M>
void fill_px(KernelTable* table) {
  table->px[M][V] = px_tile<M, V>;
  if constexpr (M > 1) fill_px<V, M - 1>(table);
}

}  // namespace
