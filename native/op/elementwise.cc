#include "op/elementwise.h"

#include <algorithm>

#include "op/work.h"
#include "problem/conv_problem.h"
#include "problem/error.h"
#include "runtime/subnormals.h"

namespace nnconv {
namespace {

// A dimension of the result, with the distances of its elements in both operands; 0 where an
// operand repeats.
struct Dimension {
  int64_t size, x, y;
};

// The result's dimensions, innermost first. Those of size 1 are dropped, and neighbours that both
// operands walk through in one stride are one.
std::vector<Dimension> walk(const std::vector<int64_t>& shape, const std::vector<int64_t>& x_shape,
                            const std::vector<int64_t>& y_shape) {
  std::vector<Dimension> dims;
  int64_t x_stride = 1, y_stride = 1;
  for (size_t i = 1; i <= shape.size(); ++i) {
    const int64_t size = shape[shape.size() - i];
    const int64_t x_size = i <= x_shape.size() ? x_shape[x_shape.size() - i] : 1;
    const int64_t y_size = i <= y_shape.size() ? y_shape[y_shape.size() - i] : 1;
    const Dimension dim{size, x_size == 1 ? 0 : x_stride, y_size == 1 ? 0 : y_stride};
    x_stride *= x_size;
    y_stride *= y_size;
    if (size == 1) continue;
    if (!dims.empty() && dim.x == dims.back().x * dims.back().size &&
        dim.y == dims.back().y * dims.back().size)
      dims.back().size *= size;
    else
      dims.push_back(dim);
  }
  if (dims.empty()) dims.push_back({1, 0, 0});
  return dims;
}

}  // namespace

void run_activation(const KernelTable& kernels, Activation kind, const float* x, float* y,
                    int64_t count, float a, float b) {
  const ActivationFn fn = kernels.elementwise.activation[kind];
  parallel_pieces(count, [&](int64_t begin, int64_t end) {
    const ActivationRow row{x + begin, y + begin, end - begin, a, b};
    fn(&row);
  });
}

std::vector<int64_t> broadcast_shape(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  std::vector<int64_t> shape(std::max(a.size(), b.size()));
  for (size_t i = 1; i <= shape.size(); ++i) {
    const int64_t m = i <= a.size() ? a[a.size() - i] : 1;
    const int64_t n = i <= b.size() ? b[b.size() - i] : 1;
    const size_t dim = shape.size() - i;
    if (m != n && m != 1 && n != 1)
      throw shape_error("The size of tensor a (" + std::to_string(m) +
                        ") must match the size of tensor b (" + std::to_string(n) +
                        ") at non-singleton dimension " + std::to_string(dim) + ": shapes are " +
                        format_list(a) + " and " + format_list(b));
    shape[dim] = m == 1 ? n : m;
  }
  return shape;
}

void run_binary(const KernelTable& kernels, Binary kind, const float* x,
                const std::vector<int64_t>& x_shape, const float* y,
                const std::vector<int64_t>& y_shape, float* out) {
  const std::vector<int64_t> shape = broadcast_shape(x_shape, y_shape);
  const int64_t count = checked_product(shape);
  if (count == 0) return;
  const std::vector<Dimension> dims = walk(shape, x_shape, y_shape);
  const Dimension inner = dims[0];
  // A row has at least one operand that moves; the other may be one number.
  const BinaryFn fn = kernels.elementwise.binary[kind][inner.y == 0 ? 1 : inner.x == 0 ? 2 : 0];
  const int64_t rows = count / inner.size;
  const int64_t parts = (inner.size + kPiece - 1) / kPiece;
  const int64_t batch = std::max<int64_t>(1, kPiece / inner.size);  // rows of a piece
  const int64_t batches = (rows + batch - 1) / batch;
  const int threads = threads_for_steps(static_cast<double>(count), kElementsPerThread);
  const bool flush = kind != kDiv;  // else x / 0 would be NaN for a tiny x
  parallel_for(batches * parts, threads, [&](int64_t i, int) {
    const SubnormalMode mode(flush);
    const int64_t begin = i % parts * kPiece, end = std::min(inner.size, begin + kPiece);
    const int64_t first = i / parts * batch, last = std::min(rows, first + batch);
    for (int64_t row = first; row < last; ++row) {
      int64_t rest = row, at_x = begin * inner.x, at_y = begin * inner.y;
      for (size_t d = 1; d < dims.size(); ++d) {
        at_x += rest % dims[d].size * dims[d].x;
        at_y += rest % dims[d].size * dims[d].y;
        rest /= dims[d].size;
      }
      const BinaryRow t{x + at_x, y + at_y, out + row * inner.size + begin, end - begin};
      fn(&t);
    }
  });
}

}  // namespace nnconv
