// Micro-kernels of Winograd convolution. Included by the per-instruction-set files: plain structs
// only.
//
// Along each dimension a tile is computed in *parts*: minimal-filtering algorithms F(m, r) for m
// outputs and r neighbouring taps at stride 1, on m + r - 1 points (one tap: as many
// multiplications as outputs). One part is the ordinary case. A kernel that strides reads its even
// taps from even pixels and its odd taps from odd ones, so it is the sum of two parts; a transposed
// one is two parts whose outputs interleave. In two dimensions everything nests: an algorithm for
// height, one for width, and as many points as the product of both. A dilated kernel meets every
// d-th pixel: its tile holds every d-th output, between those of d - 1 other tiles.
//
// Layouts, with W floats to a vector, xi counting the points of both dimensions:
//   strip  [channel vector][row][column][W]   input pixels, borders filled in with zeros
//   V      [xi][tile][channels]
//   U      [xi][channels][V * W]              weights of one block of output channels
//   M      [xi][tile][V * W]                  products, summed over channels
//   panel  [channels][xi of one row][tile]    V of a few tiles
#pragma once

#include <stdint.h>

#include "kernel/finish.h"

namespace nnconv {

// F(outputs, taps) on part of a tile: its tap t is the kernel's tap + t * tap_step, its input i the
// tile's in + i * in_step, its output j the tile's out + j * out_step.
struct WinogradPart {
  int outputs, taps;
  int tap, tap_step;
  int in, in_step;
  int out, out_step;
};

// How one dimension of a tile is computed, and for which kernels.
struct WinogradAxis {
  int kernel, stride;
  bool transposed;
  int outputs;     // of a tile
  int points;      // of all parts
  int span, step;  // input pixels of a tile, and from one tile to the next
  int lead;        // transposed: a tile's first input is that of output -lead, for odd paddings
  int part_count;
  WinogradPart parts[2];
};

enum {
  kWinogradNone,   // one tap, no transform
  kWinograd2,      // F(2, 3)
  kWinograd4,      // F(4, 3)
  kWinograd3Tap4,  // F(3, 4)
  kWinograd2Tap5,
  kWinograd2Stride,
  kWinograd4Stride,
  kWinograd2Stride4Tap,
  kWinograd4Stride4Tap,
  kWinograd4Transposed3Tap,
  kWinograd4Transposed4Tap,
  kWinogradAxes
};

constexpr WinogradAxis kWinogradAxis[kWinogradAxes] = {
    {1, 1, false, 1, 1, 1, 1, 0, 1, {{1, 1, 0, 1, 0, 1, 0, 1}}},
    {3, 1, false, 2, 4, 4, 2, 0, 1, {{2, 3, 0, 1, 0, 1, 0, 1}}},
    {3, 1, false, 4, 6, 6, 4, 0, 1, {{4, 3, 0, 1, 0, 1, 0, 1}}},
    {4, 1, false, 3, 6, 6, 3, 0, 1, {{3, 4, 0, 1, 0, 1, 0, 1}}},
    {5, 1, false, 2, 6, 6, 2, 0, 1, {{2, 5, 0, 1, 0, 1, 0, 1}}},
    {3, 2, false, 2, 5, 5, 4, 0, 2, {{2, 2, 0, 2, 0, 2, 0, 1}, {2, 1, 1, 2, 1, 2, 0, 1}}},
    {3, 2, false, 4, 9, 9, 8, 0, 2, {{4, 2, 0, 2, 0, 2, 0, 1}, {4, 1, 1, 2, 1, 2, 0, 1}}},
    {4, 2, false, 2, 6, 6, 4, 0, 2, {{2, 2, 0, 2, 0, 2, 0, 1}, {2, 2, 1, 2, 1, 2, 0, 1}}},
    {4, 2, false, 4, 10, 10, 8, 0, 2, {{4, 2, 0, 2, 0, 2, 0, 1}, {4, 2, 1, 2, 1, 2, 0, 1}}},
    {3, 2, true, 4, 5, 3, 2, 1, 2, {{2, 1, 1, 1, 0, 1, 0, 2}, {2, 2, 2, -2, 0, 1, 1, 2}}},
    {4, 2, true, 4, 6, 4, 2, 3, 2, {{2, 2, 3, -2, 0, 1, 0, 2}, {2, 2, 2, -2, 1, 1, 1, 2}}},
};

// The pairs for height and width that are compiled.
enum { kWinogradKinds = 11 };
constexpr int kWinogradPair[kWinogradKinds][2] = {
    {kWinograd2, kWinograd2},
    {kWinograd4, kWinograd4},
    {kWinogradNone, kWinograd4},
    {kWinograd3Tap4, kWinograd3Tap4},
    {kWinograd2Tap5, kWinograd2Tap5},
    {kWinograd2Stride, kWinograd2Stride},
    {kWinograd4Stride, kWinograd4Stride},
    {kWinograd2Stride4Tap, kWinograd2Stride4Tap},
    {kWinograd4Stride4Tap, kWinograd4Stride4Tap},
    {kWinograd4Transposed3Tap, kWinograd4Transposed3Tap},
    {kWinograd4Transposed4Tap, kWinograd4Transposed4Tap},
};

// W channels of `rows` x `columns` input pixels to strip layout; a pixel outside the input is zero.
// With phases, a channel is one phase of an input channel, and each position holds as many pixels
// as there are: the lanes of an input channel are those of its phases, row by row.
struct WinogradGather {
  const float* input;     // plane of the first input channel, the pixel at row 0, column 0
  int64_t input_channel;  // distance of channels; 0: blocked, a pixel has W of them
  int64_t input_row;      // distance of rows
  int64_t channels;       // 1..W
  int64_t row0, column0;  // input position of the strip's first pixel, may be negative
  int64_t in_rows, in_columns;
  int64_t rows, columns;  // of the strip
  int64_t phase_rows, phase_columns;
  int64_t first;  // with phases: the first channel
  float* strip;
};
typedef void (*WinogradGatherFn)(const WinogradGather*);

// Tiles of one row.
struct WinogradInput {
  const float* strip;  // the first tile's first pixel
  int64_t strip_row;   // distance of a tile's rows
  int64_t column;  // distances of a tile's columns (1, or any where dilation is compiled) and of
  int64_t tile;    // the tiles, in pixels
  int64_t tiles;
  float* v;  // xi 0 of the first tile, at this channel vector
  int64_t v_xi;
  int64_t v_tile;
};
typedef void (*WinogradInputFn)(const WinogradInput*);

// M = V U, or M += V U, for a few tiles and a chunk of channels: sums that start anew for each
// chunk keep rounding errors near those of direct summation.
struct WinogradProduct {
  const float* v;
  int64_t v_tile;
  const float* u;
  int64_t channels;
  float* m;
  bool add;
  const float* next_v;  // wanted in the cache, like the weights that follow u's
};
typedef void (*WinogradProductFn)(const WinogradProduct*);

enum { kFusedTiles = 4, kFusedPoints = 6 };

// As many vectors of a channel's weights that the rows of one tile fetch all.
constexpr int fused_fetch(const WinogradAxis& height, const WinogradAxis& width) {
  return (height.kernel * width.kernel + height.points - 1) / height.points;
}

// V of up to kFusedTiles tiles to a panel.
struct WinogradPanel {
  const float* v;  // xi 0 of a row of points, of the first tile and channel
  int64_t v_xi, v_tile;
  int64_t points;  // of the row
  int64_t tiles, channels;
  float* panel;
};
typedef void (*WinogradPanelFn)(const WinogradPanel*);

// The products of one row of points for up to kFusedTiles tiles and a chunk of channels, with
// weights that are transformed on the way: transformed weights are up to four times as many, and
// for few tiles it takes longer to read them from memory.
struct WinogradFused {
  const float* panel;
  const float* weights;  // [channels][tap][W]
  int64_t channels;
  float* m;  // of the row's first point
  int64_t m_xi;
  bool add;
  const float* next;  // fused_fetch() vectors for each channel, wanted in the L2 cache
};
typedef void (*WinogradFusedFn)(const WinogradFused*);

// So many neighbours in a row fill whole vectors with their columns.
constexpr int winograd_row_tiles(int width, int columns) {
  return columns == 3 ? width : width / columns;
}

// One vector of output channels of one tile, or of up to winograd_row_tiles() neighbours.
struct WinogradOutput {
  const float* m;  // xi 0
  int64_t m_xi;
  int64_t tiles;      // more than one: in planes, out_column is 1
  int64_t m_tile;     // distance of the tiles
  const float* bias;  // `channels` values, or null
  int64_t channels;   // 1..W
  float* out;
  int64_t out_channel, out_row;  // out_channel 0: blocked, W channels
  int64_t out_column;            // in pixels
  int64_t rows, columns;         // of all tiles, that lie in the output
  const Finish* finish;          // or null
};
// Returns a bit for each tile: whether any value is not finite.
typedef uint32_t (*WinogradOutputFn)(const WinogradOutput*);

struct WinogradKernels {
  WinogradInputFn input;
  WinogradOutputFn output;
  WinogradFusedFn fused[kFusedPoints][kFusedTiles + 1];  // [row of points][tiles]; null: none
};

enum { kMaxWinogradM = 10 };  // more tiles than that have no registers for their addresses

struct WinogradTable {
  WinogradGatherFn gather;
  WinogradPanelFn panel;
  WinogradProductFn product[3][kMaxWinogradM + 1];  // [V][tiles]
  int product_tiles;                                // most tiles for V 2
  WinogradKernels kinds[kWinogradKinds];            // as in kWinogradPair
};

}  // namespace nnconv
