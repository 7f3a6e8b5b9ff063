// Micro-kernels of pooling. Included by the per-instruction-set files: plain structs only.
#pragma once

#include <stdint.h>

namespace nnconv {

// Rows [row_begin, row_end) of one output plane, one channel and depth. Index 0 is the height, 1
// the width.
struct PoolTile {
  const float* const* planes;  // the input planes that the windows' depth taps meet
  int64_t plane_count;
  int64_t in[2];
  int64_t out_columns;
  // The taps of an output row that lie inside: first input row, how many, and their distance.
  const int64_t* first_row;
  const int64_t* row_count;
  int64_t row_step;
  // Lattice kernels: the column windows lie at a fixed step. Taps outside the row count as the
  // reduction's identity.
  int64_t kernel, stride, dilation, pad;
  // Window kernels: the taps of each output column that lie inside, as for rows.
  const int64_t* first_column;
  const int64_t* column_count;
  int64_t column_step;
  // Average: a sum is divided by column_divisor[x] * row_divisor[y] * divisor.
  const float* column_divisor;
  const float* row_divisor;
  float divisor;
  float* out;  // the plane
  int64_t row_begin, row_end;
  void* scratch;  // see PoolTable
};
typedef void (*PoolFn)(const PoolTile*);

enum {
  kPoolSegment = 256,     // output columns that a lattice kernel does at a time
  kPoolMostStride = 8,    // of a lattice kernel
  kPoolMostExtent = 512,  // dilation * (kernel - 1) of a lattice kernel
  // Floats of scratch for a lattice kernel, vectors read beyond the end included.
  kPoolScratch = (kPoolSegment + 16) * kPoolMostStride + kPoolMostExtent + 64
};

// The reduction first joins the rows of a window, vector by vector, in scratch, and then columns.
struct PoolTable {
  PoolFn max_lattice;  // kPoolScratch floats
  PoolFn average_lattice;
  PoolFn max_windows;      // in[1] floats
  PoolFn average_windows;  // in[1] doubles; sums in double
};

}  // namespace nnconv
