// Micro-kernels of Winograd convolution F(m, 3). Included by the per-instruction-set files: plain
// structs only.
//
// Layouts, with W floats to a vector and a = m + 2 points along a dimension that has 3 taps (1
// point along one that has none), xi counting the points of both dimensions:
//   strip  [channel vector][row][column][W]   input pixels, borders filled in with zeros
//   V      [xi][tile][channels]
//   U      [xi][channels][V * W]              weights of one block of output channels
//   M      [xi][tile][V * W]                  products, summed over channels
#pragma once

#include <stdint.h>

#include "kernel/finish.h"

namespace nnconv {

// W channels of `rows` x `width` input pixels to strip layout; a pixel outside the input is zero.
struct WinogradGather {
  const float* input;     // plane of the first channel, the pixel at row 0, column 0
  int64_t input_channel;  // distance of channels
  int64_t input_row;      // distance of rows
  int64_t channels;       // 1..W
  int64_t row0, column0;  // input position of the strip's first pixel, may be negative
  int64_t in_rows, in_columns;
  int64_t rows, columns;  // of the strip
  float* strip;
};
typedef void (*WinogradGatherFn)(const WinogradGather*);

// Tiles that stand side by side.
struct WinogradInput {
  const float* strip;  // the first tile's first pixel
  int64_t strip_row;   // distances of rows and, in columns, of tiles
  int64_t tiles;
  float* v;  // xi 0 of the first tile, at this channel vector
  int64_t v_xi;
  int64_t v_tile;
};
typedef void (*WinogradInputFn)(const WinogradInput*);

// M = sum over chunks of V U. The sum starts anew for each chunk and chunks are added up: this
// keeps rounding errors near those of direct summation.
struct WinogradProduct {
  const float* v;
  int64_t v_tile;
  const float* u;
  int64_t channels;
  int64_t chunk;
  float* m;
  bool add;  // to what m holds
};
typedef void (*WinogradProductFn)(const WinogradProduct*);

// One vector of output channels of one tile.
struct WinogradOutput {
  const float* m;  // xi 0
  int64_t m_xi;
  const float* bias;  // `channels` values, or null
  int64_t channels;   // 1..W
  float* out;
  int64_t out_channel, out_row;
  int64_t rows, columns;  // of the tile that lie in the output
  const Finish* finish;   // or null
};
// Returns whether any value is not finite.
typedef bool (*WinogradOutputFn)(const WinogradOutput*);

// F(m, 3) along a dimension, or 1 where the kernel has one tap there.
struct WinogradKernels {
  int m_height;
  int m_width;
  WinogradInputFn input;
  WinogradOutputFn output;
};

enum { kWinogradKinds = 3, kMaxWinogradM = 14 };

struct WinogradTable {
  WinogradGatherFn gather;
  WinogradProductFn product[3][kMaxWinogradM + 1];  // [V][tiles]
  int product_tiles;                                // most tiles for V 2
  WinogradKernels kinds[kWinogradKinds];            // F(2x2), F(4x4), F(1x4)
};

}  // namespace nnconv
