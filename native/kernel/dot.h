// Micro-kernel of dense layers. Included by the per-instruction-set files: plain structs only.
#pragma once

#include <stdint.h>

namespace nnconv {

// Dot products of M rows with N others, both read where they lie:
//   out[m][n] = sum over k of x[m][k] * w[n][k], + bias[n]
// The lanes of a vector sum every W-th k; they are added up at the end. So an element's order of
// summation depends on `k` alone, not on the tile it falls in.
struct DotTile {
  const float* x;
  int64_t x_row;
  const float* w;
  int64_t w_row;
  int64_t k;
  const float* bias;  // N values, or null
  float* out;
  int64_t out_row;
};
typedef void (*DotFn)(const DotTile*);

enum { kMaxDotM = 6, kDotN = 4 };

struct DotTable {
  int most_rows;
  DotFn tile[kMaxDotM + 1][kDotN + 1];  // [M][N]
};

}  // namespace nnconv
