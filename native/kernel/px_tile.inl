// Micro-kernel with vectors over pixels: M output channels x V vectors of contiguous pixels.
//
// One step multiplies V vectors of input pixels, read where they lie, with M broadcast weights; the
// result is stored as it is. Pixels beyond the tile or whose tap is padding are masked. Needs
// simd.h and oc_tile.inl.

namespace {

// Lines of the next tile's outputs, of which each step of this one asks for one: all at once they
// would keep the loads waiting. Into the L2 cache, as more of them may be on their way there.
struct Ahead {
  const char* line;
  int64_t lines;  // to be asked for
  int64_t rows;   // of them in this column
};

template <int M>
NNCONV_INLINE void ask_ahead(Ahead& ahead, const PxTile* t) {
  ask<Ask::kFar>(ahead.line);
  --ahead.lines;
  ahead.line += 4 * t->out_c;
  if (--ahead.rows == 0) {
    ahead.rows = M;
    ahead.line += 64 - 4 * M * t->out_c;
  }
}

// ASK: only as many steps as there are lines.
template <int M, int V, bool MASKED, bool ASK>
NNCONV_INLINE void px_steps(vf (&acc)[M][V], const float* input, const float* weight, int64_t k,
                            int64_t input_k, const PxTile* t, const vmask (&mask)[V],
                            Ahead& ahead) {
  const int64_t weight_m = t->weight_m;
  for (; k > 0; --k) {
    if (ASK) ask_ahead<M>(ahead, t);
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
  Ahead none = {};
  vmask mask[V];
  NNCONV_UNROLL
  for (int v = 0; v < V; ++v) mask[v] = lane_mask(lo - v * W, hi - v * W);
  px_steps<M, V, true, false>(acc, input, weight, k, t->input_k, t, mask, none);
}

// One tile of one block of channels.
template <int M, int V>
NNCONV_INLINE void px_sum(const PxTile* t, const float* pixels, const float* weights,
                          vf (&acc)[M][V], Ahead& ahead) {
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
      const bool part = s->edge || !whole;
      const int64_t most = k < left ? k : left;
      const int64_t n = !part && ahead.lines > 0 && ahead.lines < most ? ahead.lines : most;
      if (part)
        px_part<M, V>(acc, input, weight, n, t, s->edge ? s->lo : 0, s->edge ? s->hi : t->pixels);
      else if (ahead.lines > 0)
        px_steps<M, V, false, true>(acc, input, weight, n, t->input_k, t, {}, ahead);
      else
        px_steps<M, V, false, false>(acc, input, weight, n, t->input_k, t, {}, ahead);
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
    for (const int32_t *step = t->steps + k, *last = t->steps + end; step != last; ++step) {
      if (ahead.lines > 0) ask_ahead<M>(ahead, t);
      px_steps<M, V, false, false>(acc, pixels + *step, weights, 1, 0, t, {}, ahead);
      weights += t->weight_m;
    }
    k = end;
  }
  if (!first) finish_sum<M, V>(acc, total);
}

// A tile of so many lines of outputs is more than a core can wait for at once.
constexpr int64_t kManyLines = 16;

template <int M, int V>
void px_tile(const PxTile* t) {
  const float *weight = t->weight, *bias = t->bias;
  float* out = t->out;
  constexpr int64_t kLines = (V * W + kLine - 1) / kLine * M;
  const int64_t steps =
      t->step_count + (t->segment_count > 0 ? t->segment_count * t->segments->k : 0);
  const bool asks_ahead = kLines >= kManyLines && steps >= kLines;
  for (int64_t b = t->blocks; b > 0; --b) {
    for (int64_t at = 0, end = t->tiles * V * W; at < end; at += V * W) {
      if (!asks_ahead || (b == t->blocks && at == 0))
        prefetch_outputs(t->finish, out + at, t->out_c, M, t->pixels);
      else
        prefetch_others(t->finish, out + at, t->out_c, M, t->pixels);
      const bool last = at + V * W == end;
      const float* next = !last ? out + at + V * W : b > 1 ? out + M * t->out_c : out;
      Ahead ahead = {(const char*)(next + kLine - 1), asks_ahead && !(last && b == 1) ? kLines : 0,
                     M};
      vf acc[M][V];
      px_sum<M, V>(t, t->input + at, weight, acc, ahead);
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
