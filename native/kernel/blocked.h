// Micro-kernels for tensors in blocks of channels, [batch][channels / W][height][width][W] with W
// the floats of a vector: a pixel's vector holds W channels. Included by the per-instruction-set
// files: plain structs only. Distances count floats.
#pragma once

#include <stdint.h>

#include "kernel/finish.h"

namespace nnconv {

// One tap: M pixels x V vectors of output channels.
//   out[m][c] = bias[c] + sum over input channels: input[m] * weight[c]
struct BlockedTile {
  const float* input;   // the first pixel's first block of channels
  int64_t input_block;  // distance of the blocks
  int64_t blocks;       // of input channels
  const float* weight;  // packed [input channel][V * W]
  const float* bias;    // V * W values, or null
  float* out;
  int64_t out_block;
  const Finish* finish;  // or null
  const float* next;     // weights of another tile, wanted in the L2 cache: so many for each block
  int64_t next_floats;   // of input channels
};
typedef void (*BlockedFn)(const BlockedTile*);

// Output rows [row_begin, row_end) of one block of channels of a depthwise convolution, edges
// included. Index 0 is the height, 1 the width.
struct BlockedDepthwise {
  const float* input;   // the block's plane
  const float* weight;  // packed [tap][W]
  int64_t kernel[2];
  int64_t stride[2];
  int64_t dilation[2];
  int64_t pad[2];
  int64_t in[2];
  int64_t out_columns;
  int64_t row_begin, row_end;
  const float* bias;     // W values, or null
  float* out;            // the block's plane
  const Finish* finish;  // or null
};
typedef void (*BlockedDepthwiseFn)(const BlockedDepthwise*);

// Output rows [row_begin, row_end) of one block of channels of a max pooling. For each output row
// and column, the taps that lie inside: the first input row or column, how many, their distance.
struct BlockedPool {
  const float* input;  // the block's plane
  int64_t in_columns;
  const int64_t *first_row, *row_count;
  int64_t row_step;
  const int64_t *first_column, *column_count;
  int64_t column_step;
  int64_t out_columns;
  float* out;  // the block's plane
  int64_t row_begin, row_end;
};
typedef void (*BlockedPoolFn)(const BlockedPool*);

// Pixels at a distance, side by side.
struct BlockedPick {
  const float* from;
  int64_t step;
  float* to;
  int64_t pixels;
};
typedef void (*BlockedPickFn)(const BlockedPick*);

// Pixels of W planes <-> of one block. Writes as many as it reads.
struct BlockedReorder {
  const float* from;
  float* to;
  int64_t plane;  // distance of the planes
  int64_t pixels;
};
typedef void (*BlockedReorderFn)(const BlockedReorder*);

enum { kMaxBlockedM = 14, kMaxBlockedV = 3 };

struct BlockedTable {
  int m[kMaxBlockedV + 1];  // tallest tile for V vectors, 0 where there is none; [0] unused
  BlockedFn tile[kMaxBlockedV + 1][kMaxBlockedM + 1];  // [V][M]
  BlockedDepthwiseFn depthwise;
  BlockedPoolFn max_pool;
  BlockedPickFn pick;
  BlockedReorderFn gather;   // planes to block
  BlockedReorderFn scatter;  // block to planes
};

}  // namespace nnconv
