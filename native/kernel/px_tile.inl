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
NNCONV_INLINE void px_store(const PxTile* t, const vf (&acc)[M][V], const F& finish) {
  const bool whole = t->pixels == V * W;
  NNCONV_UNROLL
  for (int m = 0; m < M; ++m) {
    const vf b = t->bias ? vbroadcast(t->bias + m) : (vf){};
    float* out = t->out + m * t->out_c;
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

template <int M, int V>
void px_tile(const PxTile* t) {
  prefetch_outputs(t->finish, t->out, t->out_c, M, t->pixels);
  vf acc[M][V], total[M][V];
  oc_zero<M, V>(acc);
  int64_t left = kSumSteps;
  bool first = true;
  const bool whole = t->pixels == V * W;
  const Segment* s = t->segments;
  for (const Segment* end = s + t->segment_count; s != end; ++s) {
    const float* input = t->input + s->input;
    const float* weight = t->weight + s->weight * t->weight_m;
    const bool masked = !whole || s->edge;
    const int64_t lo = s->edge ? s->lo : 0;
    const int64_t hi = s->edge ? s->hi : t->pixels;
    vmask mask[V];
    NNCONV_UNROLL
    for (int v = 0; v < V; ++v) mask[v] = lane_mask(lo - v * W, hi - v * W);
    for (int64_t k = s->k; k > 0;) {
      if (left == 0) {
        flush_sum<M, V>(acc, total, first);
        first = false;
        left = kSumSteps;
      }
      const int64_t n = k < left ? k : left;
      if (masked)
        px_steps<M, V, true>(acc, input, weight, n, t->input_k, t->weight_m, mask);
      else
        px_steps<M, V, false>(acc, input, weight, n, t->input_k, t->weight_m, mask);
      k -= n;
      left -= n;
      input += n * t->input_k;
      weight += n * t->weight_m;
    }
  }
  if (!first) finish_sum<M, V>(acc, total);
  if (t->finish)
    px_store<M, V>(t, acc, Finishing{*t->finish});
  else
    px_store<M, V>(t, acc, Plain{});
}

template <int V, int M>
void fill_px(KernelTable* table) {
  table->px[M][V] = px_tile<M, V>;
  if constexpr (M > 1) fill_px<V, M - 1>(table);
}

}  // namespace
