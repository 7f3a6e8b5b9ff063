// Micro-kernels of normalisation and softmax. Included by the per-instruction-set files: plain
// structs only.
#pragma once

#include <stdint.h>

namespace nnconv {

// y = ((x - center) * scale + shift) * weight + bias, the last two elementwise where not null.
struct NormRow {
  const float* x;
  float* y;
  int64_t count;
  float center, scale, shift;
  const float* weight;
  const float* bias;
};

// y = (x - center) * scale + shift, each elementwise.
struct NormVector {
  const float* x;
  float* y;
  int64_t count;
  const float* center;
  const float* scale;
  const float* shift;
};

// Local response normalization of one channel: y = x / (k + alpha * sum of squares over the
// `neighbours` channels from `first` on)^beta, at `count` positions.
struct NormResponse {
  const float* x;
  const float* first;
  int64_t neighbours;
  int64_t channel;  // distance of channels
  float* y;
  int64_t count;
  float alpha, k;
  double beta;
};

// Softmax over `length` values, or its logarithm.
struct SoftmaxTile {
  const float* x;
  float* y;
  int64_t length;
  // Columns: the distance of values, and how many neighbours (1..W) are done at a time.
  int64_t step;
  int64_t count;
  bool log;
};

struct NormTable {
  void (*row)(const NormRow*);
  void (*vector)(const NormVector*);
  void (*response)(const NormResponse*);
  void (*softmax_row)(const SoftmaxTile*);
  void (*softmax_columns)(const SoftmaxTile*);
};

}  // namespace nnconv
