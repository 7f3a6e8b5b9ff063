// The padding modes: where padded elements come from, and how far a mode can pad. Convolutions and
// padding layers share it.
#pragma once

#include <cstdint>

namespace nnconv {

enum class PaddingMode { kConstant, kReflect, kReplicate, kCircular };

// Where position `i` of a dimension of `size` elements comes from, i < 0 being in front of it and
// i >= size behind it; -1 for the constant.
inline int64_t padding_source(PaddingMode mode, int64_t i, int64_t size) {
  if (i >= 0 && i < size) return i;
  switch (mode) {
    case PaddingMode::kReflect:
      return i < 0 ? -i : 2 * (size - 1) - i;
    case PaddingMode::kReplicate:
      return i < 0 ? 0 : size - 1;
    case PaddingMode::kCircular:
      return i < 0 ? i + size : i - size;
    case PaddingMode::kConstant:
      break;
  }
  return -1;
}

// Null where `mode` can pad one side of `size` elements by `pad`; else what the padding must be.
inline const char* padding_limit(PaddingMode mode, int64_t pad, int64_t size) {
  if (mode == PaddingMode::kReflect && pad >= size) return "smaller than the input size";
  if (mode == PaddingMode::kCircular && pad > size) return "at most the input size";
  return nullptr;
}

// "reflect", as PyTorch calls it.
inline const char* padding_name(PaddingMode mode) {
  switch (mode) {
    case PaddingMode::kReflect:
      return "reflect";
    case PaddingMode::kReplicate:
      return "replicate";
    case PaddingMode::kCircular:
      return "circular";
    case PaddingMode::kConstant:
      break;
  }
  return "constant";
}

}  // namespace nnconv
