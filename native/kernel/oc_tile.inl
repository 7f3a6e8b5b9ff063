// Micro-kernel with vectors over output channels: M pixels x V vectors.
//
// One step multiplies M broadcast input values with V vectors of packed weights. Needs simd.h.
//
// Every loop over accumulators is unrolled, zeroing and storing included; an index that is not a
// constant would move them all from registers to the stack.

#include "kernel/finish.inl"

namespace {
using namespace nnconv;

template <int M, int V>
NNCONV_INLINE void oc_step(vf (&acc)[M][V], const float* input, const float* weight,
                           int64_t input_m) {
  vf w[V];
  NNCONV_UNROLL
  for (int v = 0; v < V; ++v) w[v] = vload(weight + v * W);
  NNCONV_UNROLL
  for (int m = 0; m < M; ++m) {
    const vf x = vbroadcast(input + m * input_m);
    NNCONV_UNROLL
    for (int v = 0; v < V; ++v) acc[m][v] = vfma(x, w[v], acc[m][v]);
  }
}

template <int M, int V>
NNCONV_INLINE void oc_zero(vf (&acc)[M][V]) {
  NNCONV_UNROLL
  for (int m = 0; m < M; ++m) {
    NNCONV_UNROLL
    for (int v = 0; v < V; ++v) acc[m][v] = (vf){};
  }
}

template <typename T, typename F>
NNCONV_INLINE void store_finished(float* out, T y, const F& finish) {
  y = finish(y, out);
  __builtin_memcpy(out, &y, sizeof y);
}

// Four pixels of one vector of channels, transposed: each channel's pixels are contiguous in the
// output.
template <int B, typename F>
NNCONV_INLINE void store_blocks4(vf c0, vf c1, vf c2, vf c3, float* out, int64_t out_c,
                                 const F& finish) {
  store_finished(out + (B * 4 + 0) * out_c, block<B>(c0), finish);
  store_finished(out + (B * 4 + 1) * out_c, block<B>(c1), finish);
  store_finished(out + (B * 4 + 2) * out_c, block<B>(c2), finish);
  store_finished(out + (B * 4 + 3) * out_c, block<B>(c3), finish);
  if constexpr ((B + 1) * 4 < W) store_blocks4<B + 1>(c0, c1, c2, c3, out, out_c, finish);
}

// Lane j of four vectors to out + j * out_c.
template <typename F>
NNCONV_INLINE void store_four(vf r0, vf r1, vf r2, vf r3, float* out, int64_t out_c,
                              const F& finish) {
  vf c[4];
  transpose4(r0, r1, r2, r3, c);
  store_blocks4<0>(c[0], c[1], c[2], c[3], out, out_c, finish);
}

template <int B, typename F>
NNCONV_INLINE void store_blocks2(vf c01, vf c23, float* out, int64_t out_c, const F& finish) {
  const f4 lo = block<B>(c01);
  const f4 hi = block<B>(c23);
  store_finished(out + (B * 4 + 0) * out_c, (f2)__builtin_shufflevector(lo, lo, 0, 1), finish);
  store_finished(out + (B * 4 + 1) * out_c, (f2)__builtin_shufflevector(lo, lo, 2, 3), finish);
  store_finished(out + (B * 4 + 2) * out_c, (f2)__builtin_shufflevector(hi, hi, 0, 1), finish);
  store_finished(out + (B * 4 + 3) * out_c, (f2)__builtin_shufflevector(hi, hi, 2, 3), finish);
  if constexpr ((B + 1) * 4 < W) store_blocks2<B + 1>(c01, c23, out, out_c, finish);
}

template <int B, typename F>
NNCONV_INLINE void store_blocks1(vf c, float* out, int64_t out_c, const F& finish) {
  const f4 q = block<B>(c);
  NNCONV_UNROLL
  for (int j = 0; j < 4; ++j) store_finished(out + (B * 4 + j) * out_c, (float)q[j], finish);
  if constexpr ((B + 1) * 4 < W) store_blocks1<B + 1>(c, out, out_c, finish);
}

#if NNCONV_WIDTH == 16
// Stores N pixels from M0 on of one vector of channels: a row of each channel at once.
template <int M, int V, int V0, int M0, int N, typename F>
NNCONV_INLINE void store_rows(const vf (&acc)[M][V], float* out, int64_t out_c, const F& finish) {
  vf quads[4][4];  // [four pixels][channel of each block]
  NNCONV_UNROLL
  for (int q = 0; q < 4; ++q) {
    vf pixel[4];
    NNCONV_UNROLL
    for (int i = 0; i < 4; ++i) {
      const int m = 4 * q + i;
      pixel[i] = acc[M0 + (m < N ? m : N - 1)][V0];
    }
    transpose4(pixel[0], pixel[1], pixel[2], pixel[3], quads[q]);
  }
  NNCONV_UNROLL
  for (int c = 0; c < 4; ++c) {
    const vf lo01 = blocks_lo(quads[0][c], quads[1][c]), hi01 = blocks_hi(quads[0][c], quads[1][c]);
    const vf lo23 = blocks_lo(quads[2][c], quads[3][c]), hi23 = blocks_hi(quads[2][c], quads[3][c]);
    const vf rows[4] = {blocks_even(lo01, lo23), blocks_odd(lo01, lo23), blocks_even(hi01, hi23),
                        blocks_odd(hi01, hi23)};
    NNCONV_UNROLL
    for (int b = 0; b < 4; ++b) {
      float* row = out + M0 + (4 * b + c) * out_c;
      vstore_n(row, finish.part(rows[b], row, N), N);
    }
  }
}
#endif

template <int M, int V, int V0, int M0, typename F>
NNCONV_INLINE void store_transposed(const vf (&acc)[M][V], float* out, int64_t out_c,
                                    const F& finish) {
#if NNCONV_WIDTH == 16
  if constexpr (M - M0 > 8) {
    constexpr int N = M - M0 < W ? M - M0 : W;
    store_rows<M, V, V0, M0, N>(acc, out, out_c, finish);
    store_transposed<M, V, V0, M0 + N>(acc, out, out_c, finish);
  } else
#endif
      if constexpr (M - M0 >= 4) {
    store_four(acc[M0][V0], acc[M0 + 1][V0], acc[M0 + 2][V0], acc[M0 + 3][V0], out + M0, out_c,
               finish);
    store_transposed<M, V, V0, M0 + 4>(acc, out, out_c, finish);
  } else if constexpr (M - M0 >= 2) {
    store_blocks2<0>(interleave_lo(acc[M0][V0], acc[M0 + 1][V0]),
                     interleave_hi(acc[M0][V0], acc[M0 + 1][V0]), out + M0, out_c, finish);
    store_transposed<M, V, V0, M0 + 2>(acc, out, out_c, finish);
  } else if constexpr (M - M0 == 1) {
    store_blocks1<0>(acc[M0][V0], out + M0, out_c, finish);
  }
}

template <int M, int V, typename F>
NNCONV_INLINE void store_scattered(const vf (&acc)[M][V], float* out, int64_t out_m, int64_t out_c,
                                   int64_t channels, const F& finish) {
  float scratch[M][V * W];
  NNCONV_UNROLL
  for (int m = 0; m < M; ++m) {
    NNCONV_UNROLL
    for (int v = 0; v < V; ++v) vstore(&scratch[m][v * W], acc[m][v]);
  }
  for (int64_t c = 0; c < channels; ++c)
    for (int m = 0; m < M; ++m) store_finished(out + c * out_c + m * out_m, scratch[m][c], finish);
}

// Steps after which a sum starts anew; the parts are added up. A single sum over thousands of steps
// would lose digits.
constexpr int64_t kSumSteps = 512;

// Adds the accumulators to a total in memory and starts them anew. The total's address is hidden
// from the compiler, which would give it registers that the accumulators need.
template <int M, int V>
NNCONV_INLINE void flush_sum(vf (&acc)[M][V], vf (&total)[M][V], bool first) {
  float* t = (float*)&total[0][0];
  asm volatile("" : "+r"(t) : : "memory");
  NNCONV_UNROLL
  for (int m = 0; m < M; ++m) {
    NNCONV_UNROLL
    for (int v = 0; v < V; ++v) {
      float* p = t + (m * V + v) * W;
      vstore(p, first ? acc[m][v] : vload(p) + acc[m][v]);
    }
  }
  oc_zero<M, V>(acc);
}

template <int M, int V>
NNCONV_INLINE void finish_sum(vf (&acc)[M][V], vf (&total)[M][V]) {
  float* t = (float*)&total[0][0];
  asm volatile("" : "+r"(t) : : "memory");
  NNCONV_UNROLL
  for (int m = 0; m < M; ++m) {
    NNCONV_UNROLL
    for (int v = 0; v < V; ++v) acc[m][v] = vload(t + (m * V + v) * W) + acc[m][v];
  }
}

// Every tile streams its weights, short rows from a farther cache: asked for these steps ahead.
constexpr int64_t kAhead = 16;
constexpr int kLine = 64 / sizeof(float);

// How a line is asked for: to be read, to be written, or into the L2 cache only.
enum class Ask { kRead, kWrite, kFar };

template <Ask HOW>
NNCONV_INLINE void ask(const void* line) {
  __builtin_prefetch(line, HOW == Ask::kWrite, HOW == Ask::kFar ? 2 : 3);
}

// Rows of outputs, of which each step asks for one: all at once they would keep the loads waiting.
struct AskedRows {
  const char* row;
  int64_t step, last;  // bytes to the next row, and to a row's last float
  int64_t rows;
};

NNCONV_INLINE void ask_row(AskedRows& asked) {
  ask<Ask::kWrite>(asked.row);
  ask<Ask::kWrite>(asked.row + asked.last);
  asked.row += asked.step;
  --asked.rows;
}

// ASK: only as many steps as there are rows.
template <int M, int V, bool ASK>
NNCONV_INLINE void oc_steps(vf (&acc)[M][V], const float*& input, const float*& weight,
                            const float*& next, int64_t k, int64_t input_k, int64_t next_step,
                            AskedRows& asked) {
  for (; k > 0; --k) {
    if (ASK) ask_row(asked);
    oc_step<M, V>(acc, input, weight, 1);
    NNCONV_UNROLL
    for (int j = 0; j < V * W; j += kLine) __builtin_prefetch(weight + kAhead * V * W + j);
    __builtin_prefetch(next, 0, 2);
    next += next_step;
    input += input_k;
    weight += V * W;
  }
}

template <int M, int V>
NNCONV_INLINE void oc_sum(const OcTile* t, vf (&acc)[M][V], AskedRows asked) {
  vf total[M][V];
  int64_t left = kSumSteps;
  bool first = true;
  oc_zero<M, V>(acc);
  const float* next = t->next ? t->next : t->weight;
  const int64_t next_step = t->next ? kLine : 0;
  const Segment* s = t->segments;
  for (const Segment* end = s + t->segment_count; s != end; ++s) {
    const float* input = t->input + s->input;
    const float* weight = t->weight + s->weight * (V * W);
    for (int64_t k = s->k; k > 0;) {
      if (left == 0) {
        flush_sum<M, V>(acc, total, first);
        first = false;
        left = kSumSteps;
      }
      const int64_t most = k < left ? k : left;
      const int64_t n = asked.rows > 0 && asked.rows < most ? asked.rows : most;
      k -= n;
      left -= n;
      if (asked.rows > 0)
        oc_steps<M, V, true>(acc, input, weight, next, n, t->input_k, next_step, asked);
      else
        oc_steps<M, V, false>(acc, input, weight, next, n, t->input_k, next_step, asked);
    }
  }
  const float* weight = t->weight;
  for (int64_t k = 0; k < t->step_count;) {
    if (left == 0) {
      flush_sum<M, V>(acc, total, first);
      first = false;
      left = kSumSteps;
    }
    const int64_t end = t->step_count - k < left ? t->step_count : k + left;
    left -= end - k;
    for (; k < end; ++k, weight += V * W) oc_step<M, V>(acc, t->input + t->steps[k], weight, 1);
  }
  if (!first) finish_sum<M, V>(acc, total);
}

template <int M, int V>
NNCONV_INLINE void add_bias(vf (&acc)[M][V], const vf (&bias)[V]) {
  NNCONV_UNROLL
  for (int m = 0; m < M; ++m) {
    NNCONV_UNROLL
    for (int v = 0; v < V; ++v) acc[m][v] = acc[m][v] + bias[v];
  }
}

template <int M, int V, typename F>
NNCONV_INLINE void store_all_transposed(const vf (&acc)[M][V], float* out, int64_t out_c,
                                        const F& finish) {
  store_transposed<M, V, 0, 0>(acc, out, out_c, finish);
  if constexpr (V > 1) store_transposed<M, V, 1, 0>(acc, out + W * out_c, out_c, finish);
  if constexpr (V > 2) store_transposed<M, V, 2, 0>(acc, out + 2 * W * out_c, out_c, finish);
}

// The first channels, and pixels, only.
template <int M, int V, typename F>
NNCONV_INLINE void store_some_transposed(const vf (&acc)[M][V], float* out, int64_t out_c,
                                         int64_t channels, const F& finish, int64_t pixels = M) {
  float rows[V * W][M];
  store_all_transposed<M, V>(acc, &rows[0][0], M, Plain{});
  for (int64_t c = 0; c < channels; ++c, out += out_c) {
    NNCONV_UNROLL
    for (int m = 0; m < M; m += W) {
      const int64_t n = pixels - m < W ? pixels - m : W;
      vstore_n(out + m, finish.part(vload_n(&rows[c][m], n), out + m, n), n);
    }
  }
}

template <int M, int V, typename F>
NNCONV_INLINE void oc_store(const OcTile* t, const vf (&acc)[M][V], const F& finish) {
  if (t->out_block) {
    NNCONV_UNROLL
    for (int m = 0; m < M; ++m) {
      NNCONV_UNROLL
      for (int v = 0; v < V; ++v)
        store_finished(t->out + v * t->out_block + m * t->out_m, acc[m][v], finish);
    }
    return;
  }
  if (t->out_m != 1)
    store_scattered<M, V>(acc, t->out, t->out_m, t->out_c, t->channels, finish);
  else if (t->channels != V * W)
    store_some_transposed<M, V>(acc, t->out, t->out_c, t->channels, finish);
  else
    store_all_transposed<M, V>(acc, t->out, t->out_c, finish);
}

// Rows of `floats`, of which each `stride`-th is wanted.
template <Ask HOW>
NNCONV_INLINE void prefetch_rows(const char* p, int64_t step, int64_t rows, int64_t floats,
                                 int64_t stride) {
  const int64_t next = stride < kLine ? kLine : stride;
  for (int64_t i = 0; i < rows; ++i, p += 4 * step) {
    for (int64_t at = 0; at < floats; at += next) ask<HOW>(p + 4 * at);
    ask<HOW>(p + 4 * floats - 4);
  }
}

// What will be added to outputs.
NNCONV_INLINE void prefetch_others(const Finish* finish, const float* out, int64_t step,
                                   int64_t rows, int64_t floats, int64_t stride = 1) {
  if (finish && finish->other)
    prefetch_rows<Ask::kRead>((const char*)out + finish->other, step, rows, floats, stride);
}

// The same and the outputs, on their way to the cache while they are computed: a fresh output is in
// none, and stores would wait for each line.
NNCONV_INLINE void prefetch_outputs(const Finish* finish, const float* out, int64_t step,
                                    int64_t rows, int64_t floats, int64_t stride = 1) {
  prefetch_rows<Ask::kWrite>((const char*)out, step, rows, floats, stride);
  prefetch_others(finish, out, step, rows, floats, stride);
}

template <int M, int V>
void oc_tile(const OcTile* t) {
  AskedRows asked = {};
  if (t->out_block) {
    prefetch_outputs(t->finish, t->out, t->out_block, V, M * W);
  } else if (M > 1 && t->out_m == 1 && t->segment_count > 0 &&
             t->segment_count * t->segments->k >= 2 * t->channels) {
    asked = {(const char*)t->out, 4 * t->out_c, 4 * M - 4, t->channels};
    prefetch_others(t->finish, t->out, t->out_c, t->channels, M);
  } else {
    prefetch_outputs(t->finish, t->out, t->out_c, t->channels, (M - 1) * t->out_m + 1, t->out_m);
  }
  vf acc[M][V];
  oc_sum<M, V>(t, acc, asked);
  if (t->bias) {
    vf bias[V];
    NNCONV_UNROLL
    for (int v = 0; v < V; ++v) bias[v] = vload_n(t->bias + v * W, t->channels - v * W);
    add_bias<M, V>(acc, bias);
  }
  if (t->finish)
    oc_store<M, V>(t, acc, Finishing{*t->finish});
  else
    oc_store<M, V>(t, acc, Plain{});
}

template <int M, typename F>
NNCONV_INLINE void paired_store(const OcTile* t, const vf (&pixels)[2 * M][1], const F& finish) {
  if (t->channels == W)
    store_transposed<2 * M, 1, 0, 0>(pixels, t->out, t->out_c, finish);
  else
    store_some_transposed<2 * M, 1>(pixels, t->out, t->out_c, t->channels, finish);
}

// Two vectors of the same channels under two taps whose results are neighbours in the output: 2M
// contiguous pixels.
template <int M>
void oc_paired(const OcTile* t) {
  vf acc[M][2];
  oc_sum<M, 2>(t, acc, {});
  if (t->bias) {
    const vf b = vload_n(t->bias, t->channels);
    const vf bias[2] = {b, b};
    add_bias<M, 2>(acc, bias);
  }
  vf pixels[2 * M][1];
  NNCONV_UNROLL
  for (int m = 0; m < M; ++m) {
    pixels[2 * m][0] = acc[m][0];
    pixels[2 * m + 1][0] = acc[m][1];
  }
  if (t->finish)
    paired_store<M>(t, pixels, Finishing{*t->finish});
  else
    paired_store<M>(t, pixels, Plain{});
}

template <int V, int M>
void fill_oc(KernelTable* table) {
  table->oc[V][M] = oc_tile<M, V>;
  if constexpr (V == 2) table->oc_paired[M] = oc_paired<M>;
  if constexpr (M > 1) fill_oc<V, M - 1>(table);
}

}  // namespace
