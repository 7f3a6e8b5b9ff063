#include "op/shape.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <numeric>

#include "op/work.h"
#include "problem/conv_problem.h"
#include "problem/error.h"

namespace nnconv {
namespace {

// A size of the result. Where another size is 0, nothing else bounds it.
int64_t result_size(const std::vector<int64_t>& factors) {
  const int64_t size = checked_product(factors);
  if (size < 0) throw alloc_error("a size of the result is too large: " + format_list(factors));
  return size;
}

struct Axis {
  int64_t size;
  int64_t stride;  // of the input
};

// The axes of a permuted walk, innermost first; axes that lie behind each other are one.
std::vector<Axis> walk(const std::vector<int64_t>& shape, const std::vector<size_t>& order) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  std::vector<Axis> axes;
  for (size_t i = order.size(); i-- > 0;) {
    const Axis axis{shape[order[i]], strides[order[i]]};
    if (axis.size == 1) continue;
    if (!axes.empty() && axis.stride == axes.back().stride * axes.back().size)
      axes.back().size *= axis.size;
    else
      axes.push_back(axis);
  }
  if (axes.empty()) axes.push_back({1, 1});
  return axes;
}

// Input offset of row `row` of the walk: axes[from] turns fastest.
int64_t offset_of(const std::vector<Axis>& axes, size_t from, int64_t row) {
  int64_t offset = 0;
  for (size_t d = from; d < axes.size(); ++d) {
    offset += row % axes[d].size * axes[d].stride;
    row /= axes[d].size;
  }
  return offset;
}

constexpr int64_t kBlock = 16;  // a cache line of floats

// out[r][c] = in[r + c * stride], in blocks that use whole cache lines on both sides.
void transpose(const float* in, int64_t rows, int64_t columns, int64_t stride, float* out) {
  for (int64_t r0 = 0; r0 < rows; r0 += kBlock) {
    const int64_t r1 = std::min(rows, r0 + kBlock);
    for (int64_t c0 = 0; c0 < columns; c0 += kBlock) {
      const int64_t c1 = std::min(columns, c0 + kBlock);
      for (int64_t r = r0; r < r1; ++r)
        for (int64_t c = c0; c < c1; ++c) out[r * columns + c] = in[r + c * stride];
    }
  }
}

}  // namespace

int64_t resolve_dim(const char* name, int64_t dim, size_t rank) {
  // A scalar counts as having one dimension.
  const int64_t most = std::max<int64_t>(1, static_cast<int64_t>(rank));
  if (dim < -most || dim >= most)
    throw value_error(std::string(name) + " must be from " + std::to_string(-most) + " to " +
                      std::to_string(most - 1) + " for a tensor of " + std::to_string(rank) +
                      " dimensions, got " + std::to_string(dim));
  return dim < 0 ? dim + most : dim;
}

std::vector<size_t> resolve_permutation(const std::vector<int64_t>& dims, size_t rank) {
  if (dims.size() != rank)
    throw shape_error("dims must name each of " + std::to_string(rank) + " dimensions once, got " +
                      format_list(dims));
  std::vector<size_t> order;
  for (int64_t dim : dims) {
    const size_t at = static_cast<size_t>(resolve_dim("dims", dim, rank));
    if (std::find(order.begin(), order.end(), at) != order.end())
      throw value_error("dims must name each dimension once, got " + format_list(dims));
    order.push_back(at);
  }
  return order;
}

std::vector<int64_t> permuted_shape(const std::vector<int64_t>& shape,
                                    const std::vector<size_t>& order) {
  std::vector<int64_t> result;
  for (size_t dim : order) result.push_back(shape[dim]);
  return result;
}

void run_permute(const float* input, const std::vector<int64_t>& shape,
                 const std::vector<size_t>& order, float* out) {
  const int64_t count = checked_product(shape);
  if (count == 0) return;
  const std::vector<Axis> axes = walk(shape, order);
  const int64_t columns = axes[0].size, step = axes[0].stride;
  // Rows of the output whose neighbours are neighbours in the input make a transposed matrix.
  const bool matrix = step != 1 && axes.size() > 1 && axes[1].stride == 1;
  const int64_t height = matrix ? axes[1].size : 1;
  const size_t outer = matrix ? 2 : 1;
  const int64_t items = count / (columns * height);
  // Large matrices are shared out by strips of rows.
  const int64_t strip = std::max(kBlock, kPiece / columns / kBlock * kBlock);
  const int64_t strips = matrix ? (height + strip - 1) / strip : 1;
  const int64_t pieces = !matrix && step == 1 ? (columns + kPiece - 1) / kPiece : 1;
  const int threads = threads_for_steps(static_cast<double>(count), kElementsPerThread);
  // Small items are dealt out by the batch.
  const int64_t batch =
      std::max<int64_t>(1, kPiece / std::max<int64_t>(1, columns * std::min(height, strip)));
  const int64_t total = items * strips * pieces;
  parallel_for((total + batch - 1) / batch, threads, [&](int64_t b, int) {
    for (int64_t i = b * batch; i < std::min(total, (b + 1) * batch); ++i) {
      const int64_t item = i / (strips * pieces);
      const float* in = input + offset_of(axes, outer, item);
      float* to = out + item * columns * height;
      if (matrix) {
        const int64_t r = i % strips * strip;
        transpose(in + r, std::min(strip, height - r), columns, step, to + r * columns);
      } else if (step == 1) {
        const int64_t c = i % pieces * kPiece, n = std::min(kPiece, columns - c);
        std::memcpy(to + c, in + c, static_cast<size_t>(n) * sizeof(float));
      } else {
        for (int64_t c = 0; c < columns; ++c) to[c] = in[c * step];
      }
    }
  });
}

CatProblem cat_problem(const std::vector<std::vector<int64_t>>& shapes, int64_t dim) {
  if (shapes.empty()) throw value_error("tensors must hold at least one tensor, got none");
  const std::vector<int64_t> nothing{0};
  const std::vector<int64_t>* first = nullptr;
  for (const std::vector<int64_t>& shape : shapes) {
    if (shape.empty()) throw shape_error("a tensor without dimensions cannot be concatenated");
    if (!first && shape != nothing) first = &shape;
  }
  // PyTorch doesn't look at `dim` then.
  if (!first) return {nothing, 0, std::vector<int64_t>(shapes.size(), 0)};
  const size_t at = static_cast<size_t>(resolve_dim("dim", dim, first->size()));
  CatProblem p;
  p.shape = *first;
  p.shape[at] = 0;
  const auto middle = first->begin() + static_cast<std::ptrdiff_t>(at);
  p.outer = checked_product({first->begin(), middle});
  const int64_t inner = checked_product({middle + 1, first->end()});
  for (size_t i = 0; i < shapes.size(); ++i) {
    const std::vector<int64_t>& shape = shapes[i];
    if (shape == nothing) {
      p.chunks.push_back(0);
      continue;
    }
    std::vector<int64_t> expected = *first;
    if (shape.size() == expected.size()) expected[at] = shape[at];
    if (shape != expected)
      throw shape_error("shapes of tensors must match except in dimension " + std::to_string(at) +
                        ", got " + format_list(shape) + " for tensors[" + std::to_string(i) +
                        "] and " + format_list(*first) + " before");
    p.shape[at] += shape[at];
    if (checked_product({p.shape[at]}) < 0)
      throw alloc_error("tensors are too large to be concatenated in dimension " +
                        std::to_string(at));
    // Too large a chunk only where another size is 0, and then none is copied.
    p.chunks.push_back(checked_product({shape[at], inner}));
  }
  return p;
}

void run_cat(const CatProblem& p, const std::vector<const float*>& inputs, float* out) {
  if (checked_product(p.shape) == 0) return;
  const int64_t row = std::accumulate(p.chunks.begin(), p.chunks.end(), int64_t{0});
  int64_t at = 0;
  for (size_t i = 0; i < inputs.size(); at += p.chunks[i++]) {
    const int64_t chunk = p.chunks[i];
    if (chunk == 0) continue;
    const float* in = inputs[i];
    float* to = out + at;
    parallel_pieces(p.outer * chunk, [&](int64_t begin, int64_t end) {
      while (begin < end) {
        const int64_t column = begin % chunk, n = std::min(end - begin, chunk - column);
        std::memcpy(to + begin / chunk * row + column, in + begin,
                    static_cast<size_t>(n) * sizeof(float));
        begin += n;
      }
    });
  }
}

ShuffleProblem shuffle_problem(const std::vector<int64_t>& shape, int64_t factor, bool inverse) {
  const std::string name = inverse ? "pixelUnshuffle" : "pixelShuffle";
  const std::string argument = inverse ? "downscaleFactor" : "upscaleFactor";
  if (factor < 1)
    throw value_error(argument + " must be at least 1, got " + std::to_string(factor));
  if (shape.size() < 3)
    throw shape_error(name + " expects an input of at least 3 dimensions, got one of shape " +
                      format_list(shape));
  const size_t c = shape.size() - 3;
  const int64_t r = factor;
  ShuffleProblem p;
  p.split.assign(shape.begin(), shape.begin() + static_cast<int64_t>(c));
  p.shape = p.split;
  p.order.resize(c);
  std::iota(p.order.begin(), p.order.end(), size_t{0});
  if (!inverse) {
    // r * r may be beyond 64 bits; no tensor has as many channels.
    if (shape[c] % r != 0 || shape[c] / r % r != 0)
      throw shape_error(name + " expects a number of channels that " + argument + " " +
                        std::to_string(r) + " divides twice, got an input of shape " +
                        format_list(shape));
    const int64_t channels = shape[c] / r / r;
    p.shape.insert(p.shape.end(),
                   {channels, result_size({shape[c + 1], r}), result_size({shape[c + 2], r})});
    p.split.insert(p.split.end(), {channels, r, r, shape[c + 1], shape[c + 2]});
    for (size_t d : {0, 3, 1, 4, 2}) p.order.push_back(c + d);
    return p;
  }
  if (shape[c + 1] % r != 0 || shape[c + 2] % r != 0)
    throw shape_error(name + " expects a height and width that " + argument + " " +
                      std::to_string(r) + " divides, got an input of shape " + format_list(shape));
  const int64_t height = shape[c + 1] / r, width = shape[c + 2] / r;
  p.shape.insert(p.shape.end(), {result_size({shape[c], r, r}), height, width});
  p.split.insert(p.split.end(), {shape[c], height, r, width, r});
  for (size_t d : {0, 2, 4, 1, 3}) p.order.push_back(c + d);
  return p;
}

MeanProblem mean_problem(const std::vector<int64_t>& shape, const std::vector<int64_t>& dims,
                         bool keepdim) {
  std::vector<bool> reduced(shape.size(), dims.empty());
  std::vector<bool> named(std::max<size_t>(1, shape.size()), false);
  for (int64_t dim : dims) {
    const size_t at = static_cast<size_t>(resolve_dim("dim", dim, shape.size()));
    if (named[at]) throw value_error("dim must name each dimension once, got " + format_list(dims));
    named[at] = true;
    if (at < shape.size()) reduced[at] = true;
  }
  MeanProblem p;
  std::vector<size_t> last;
  for (size_t d = 0; d < shape.size(); ++d) {
    (reduced[d] ? last : p.order).push_back(d);
    if (!reduced[d] || keepdim) p.shape.push_back(reduced[d] ? 1 : shape[d]);
  }
  p.rows = checked_product(permuted_shape(shape, p.order));
  p.length = checked_product(permuted_shape(shape, last));
  p.order.insert(p.order.end(), last.begin(), last.end());
  p.in_order = std::is_sorted(p.order.begin(), p.order.end());
  return p;
}

void run_mean(const KernelTable& kernels, const MeanProblem& p, const float* input,
              const std::vector<int64_t>& shape, float* out, Workspace* workspace) {
  if (p.rows == 0) return;
  if (!p.in_order && p.length > 0) {
    float* turned =
        static_cast<float*>(workspace->get(static_cast<size_t>(p.rows * p.length) * sizeof(float)));
    run_permute(input, shape, p.order, turned);
    input = turned;
  }
  const int threads = threads_for_steps(static_cast<double>(p.rows * p.length), kElementsPerThread);
  const int64_t batch = std::max<int64_t>(1, kPiece / std::max<int64_t>(1, p.length));
  parallel_for((p.rows + batch - 1) / batch, threads, [&](int64_t b, int) {
    for (int64_t row = b * batch; row < std::min(p.rows, (b + 1) * batch); ++row) {
      const double sum = kernels.reduce.sum(input + row * p.length, p.length);
      out[row] = static_cast<float>(sum / static_cast<double>(p.length));
    }
  });
}

}  // namespace nnconv
