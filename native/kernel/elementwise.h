// Micro-kernels that treat each element by itself. Included by the per-instruction-set files: plain
// structs only.
#pragma once

#include <stdint.h>

namespace nnconv {

// What `a` and `b` are stands beside each function.
enum Activation {
  kClamp,      // from a to b; a rectifier where they are 0 and infinity
  kLeakyRelu,  // a: the slope below 0
  kElu,        // a: minus the limit
  kSigmoid,
  kTanh,
  kSilu,
  kGelu,
  kGeluTanh,
  kMish,
  kHardswish,
  kHardsigmoid,
  kActivations
};

struct ActivationRow {
  const float* x;
  float* y;  // may be x
  int64_t count;
  float a, b;
};
typedef void (*ActivationFn)(const ActivationRow*);

enum Binary {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kPrelu,  // x, and x times y below 0
  kBinaries
};

struct BinaryRow {
  const float* x;
  const float* y;
  float* out;
  int64_t count;
};
typedef void (*BinaryFn)(const BinaryRow*);

struct ElementwiseTable {
  ActivationFn activation[kActivations];
  // [0] two rows, [1] a row and a number, [2] a number and a row.
  BinaryFn binary[kBinaries][3];
};

}  // namespace nnconv
