// The contract between algorithms and micro-kernels: plain structs, a table of function pointers.
// Included by the per-instruction-set files, so: no STL, no inline functions.
#pragma once

#include <stdint.h>

#include "kernel/blocked.h"
#include "kernel/copy.h"
#include "kernel/dot.h"
#include "kernel/elementwise.h"
#include "kernel/finish.h"
#include "kernel/norm.h"
#include "kernel/peak.h"
#include "kernel/pool.h"
#include "kernel/reduce.h"
#include "kernel/winograd.h"

namespace nnconv {

// A run of `k` multiply-accumulate steps over consecutive packed weights: the channels of one tap.
// Offsets and distances count floats.
struct Segment {
  int64_t input;   // from the tile's input pointer
  int64_t weight;  // in packed steps
  int64_t k;
  // PxTile only: where `edge` is set, the taps of pixels outside [lo, hi) are padding.
  int32_t lo;
  int32_t hi;
  int32_t edge;
};

// Vectors over output channels: M neighbouring pixels x V vectors of channels; input values are
// broadcast.
//   out[m][c] = bias[c] + sum over segments, k and over steps: input[m] * weight[c]
struct OcTile {
  const float* input;
  const float* weight;  // packed [step][V * width]
  const Segment* segments;
  int64_t segment_count;
  // Instead of segments, or after them: the input offset of every single step.
  const int32_t* steps;
  int64_t step_count;
  int64_t input_k;    // distance of neighbouring steps of a segment
  const float* bias;  // `channels` values, or null
  float* out;
  int64_t out_m;  // distances in the output of neighbouring pixels and channels
  int64_t out_c;
  int64_t channels;      // 1..V * width
  const Finish* finish;  // or null
  const float* next;     // other weights, wanted in the L2 cache: 64 bytes for each step; or null
  // Not 0: the output is in blocks of channels (kernel/blocked.h), so far apart; out_c is unused.
  int64_t out_block = 0;
};
typedef void (*OcTileFn)(const OcTile*);

// Vectors over pixels that are contiguous in input and output: M output channels x V vectors of
// pixels, for one block of M channels after another, tile by tile; weights are broadcast.
struct PxTile {
  const float* input;
  const float* weight;  // packed [block][step][weight_m]
  const Segment* segments;
  int64_t segment_count;
  // Instead of segments: the input offset of every single step, from which on V whole vectors can
  // be read.
  const int32_t* steps;
  int64_t step_count;
  int64_t input_k;
  int64_t weight_m;   // packed channels of a step
  const float* bias;  // of the first block's first channel on, or null
  float* out;
  int64_t out_c;
  int64_t pixels;        // 1..V * width
  const Finish* finish;  // or null
  int64_t blocks;        // at least 1
  int64_t weight_block;  // packed floats of a block
  int64_t tiles;         // side by side in input and output, V whole vectors each where several
};
typedef void (*PxTileFn)(const PxTile*);

// An input plane of a depthwise convolution with the part of the kernel that meets it.
struct DepthwisePlane {
  const float* input;
  const float* weight;
};

// One output plane of one channel, edges included. Index 0 is the height, 1 the width.
struct DepthwiseTile {
  const DepthwisePlane* planes;  // one for each depth tap
  int64_t plane_count;
  int64_t kernel[2];
  int64_t stride[2];
  int64_t dilation[2];
  int64_t pad[2];
  int64_t in[2];
  int64_t out_size[2];
  float bias;
  float* out;
  const Finish* finish;  // or null
};
typedef void (*DepthwiseFn)(const DepthwiseTile*);

enum { kMaxOcM = 14, kMaxOcV = 3, kMaxPxM = 8, kMaxPxV = 3 };

struct KernelTable {
  const char* isa;
  int width;              // floats of a vector
  int oc_m[kMaxOcV + 1];  // tallest tile for V vectors, 0 where there is none; [0] unused
  int px_m[kMaxPxV + 1];  // the same for V vectors of pixels
  OcTileFn oc[kMaxOcV + 1][kMaxOcM + 1];  // [V][M]
  // Like V 2, but the vectors hold the same channels (1..width) under two taps, whose results go to
  // 2M contiguous pixels.
  OcTileFn oc_paired[kMaxOcM + 1];
  PxTileFn px[kMaxPxM + 1][kMaxPxV + 1];  // [M][V]
  DepthwiseFn depthwise;
  RowCopyFn copy_row;
  WinogradTable winograd;
  BlockedTable blocked;
  DotTable dot;
  ElementwiseTable elementwise;
  ReduceTable reduce;
  PoolTable pool;
  NormTable norm;
  PeakTable peak;
};

// One per instruction set, null where it was not compiled in. To be called only on a CPU that has
// the set: the functions that fill the tables are compiled for it as well.
const KernelTable* kernels_baseline();
const KernelTable* kernels_avx2();
const KernelTable* kernels_avx512();
const KernelTable* kernels_neon();
// Sixteen-float vectors in baseline instructions: lets the self-test run the AVX-512 tile shapes on
// any machine.
const KernelTable* kernels_wide_test();

}  // namespace nnconv
