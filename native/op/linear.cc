#include "op/linear.h"

#include <algorithm>

#include "op/elementwise.h"
#include "op/shape.h"
#include "op/work.h"
#include "problem/conv_problem.h"
#include "problem/error.h"

namespace nnconv {
namespace {

// Offset of batch `index` in an operand whose batch dimensions broadcast to `batch`.
int64_t batch_offset(int64_t index, const std::vector<int64_t>& batch,
                     const std::vector<int64_t>& own) {
  int64_t offset = 0, stride = 1;
  for (size_t i = 1; i <= own.size(); ++i) {
    const int64_t size = own[own.size() - i], at = index % batch[batch.size() - i];
    if (size != 1) offset += at * stride;
    index /= batch[batch.size() - i];
    stride *= size;
  }
  return offset;
}

}  // namespace

std::vector<int64_t> linear_shape(const std::vector<int64_t>& input,
                                  const std::vector<int64_t>& weight) {
  if (weight.empty() || weight.size() > 2)
    throw shape_error("weight must have 1 or 2 dimensions, got a tensor of shape " +
                      format_list(weight));
  if (input.empty() || input.back() != weight.back())
    throw shape_error("input of shape " + format_list(input) + " must end in a dimension of " +
                      std::to_string(weight.back()) + " for weight of shape " +
                      format_list(weight));
  std::vector<int64_t> shape = input;
  shape.pop_back();
  if (weight.size() == 2) shape.push_back(weight[0]);
  return shape;
}

void run_linear(const KernelTable& kernels, const float* x, int64_t rows, const float* w,
                int64_t outputs, int64_t in, const float* bias, float* out) {
  if (rows == 0 || outputs == 0) return;
  const double macs = static_cast<double>(rows) * static_cast<double>(outputs) *
                      static_cast<double>(std::max<int64_t>(in, 1));
  const int threads = threads_for_steps(macs, kMacsPerThread);
  // The weights of a block stay in the cache while all rows pass by.
  const int64_t blocks = (outputs + kDotN - 1) / kDotN;
  const int64_t row_tiles = (rows + kernels.dot.most_rows - 1) / kernels.dot.most_rows;
  const int64_t span = std::max<int64_t>(1, blocks / (4 * threads));  // blocks of an item
  // Few outputs: threads share the rows as well.
  const int64_t spans = (blocks + span - 1) / span;
  const int64_t parts =
      threads == 1 || spans >= threads ? 1 : std::min<int64_t>(row_tiles, 2 * threads);
  parallel_for(spans * parts, threads, [&](int64_t i, int) {
    const int64_t part = i % parts, first = i / parts * span;
    const int64_t last = std::min(blocks, first + span);
    for (int64_t b = first; b < last; ++b) {
      const int64_t n = b * kDotN, count = std::min<int64_t>(kDotN, outputs - n);
      for (int64_t r = row_tiles * part / parts; r < row_tiles * (part + 1) / parts; ++r) {
        const int64_t begin = rows * r / row_tiles, end = rows * (r + 1) / row_tiles;
        const DotTile tile{x + begin * in,
                           in,
                           w + n * in,
                           in,
                           in,
                           bias ? bias + n : nullptr,
                           out + begin * outputs + n,
                           outputs};
        kernels.dot.tile[end - begin][count](&tile);
      }
    }
  });
}

MatmulProblem matmul_problem(const std::vector<int64_t>& x, const std::vector<int64_t>& y) {
  if (x.empty() || y.empty())
    throw shape_error("both operands of matmul must have at least 1 dimension, got shapes " +
                      format_list(x) + " and " + format_list(y));
  MatmulProblem p;
  p.rows = x.size() == 1 ? 1 : x[x.size() - 2];
  p.inner = x.back();
  p.columns = y.size() == 1 ? 1 : y.back();
  const int64_t y_inner = y.size() == 1 ? y[0] : y[y.size() - 2];
  if (p.inner != y_inner)
    throw shape_error("shapes " + format_list(x) + " and " + format_list(y) +
                      " cannot be multiplied (inner sizes " + std::to_string(p.inner) + " and " +
                      std::to_string(y_inner) + ")");
  if (x.size() > 2) p.x_batch.assign(x.begin(), x.end() - 2);
  if (y.size() > 2) p.y_batch.assign(y.begin(), y.end() - 2);
  p.batch = broadcast_shape(p.x_batch, p.y_batch);
  p.shape = p.batch;
  if (x.size() > 1) p.shape.push_back(p.rows);
  if (y.size() > 1) p.shape.push_back(p.columns);
  return p;
}

void run_matmul(const KernelTable& kernels, const MatmulProblem& p, const float* x, const float* y,
                float* out, Workspace* workspace) {
  if (checked_product(p.shape) == 0) return;
  // The kernel takes the columns of y as rows.
  const int64_t y_size = p.inner * p.columns, y_count = checked_product(p.y_batch);
  const float* w = y;
  if (p.inner > 1 && p.columns > 1) {
    float* turned =
        static_cast<float*>(workspace->get(static_cast<size_t>(y_count * y_size) * sizeof(float)));
    run_permute(y, {y_count, p.inner, p.columns}, {0, 2, 1}, turned);
    w = turned;
  }
  if (y_count == 1) {
    const int64_t rows = checked_product(p.batch) * p.rows;
    return run_linear(kernels, x, rows, w, p.columns, p.inner, nullptr, out);
  }
  const int64_t batches = checked_product(p.batch);
  for (int64_t i = 0; i < batches; ++i) {
    run_linear(kernels, x + batch_offset(i, p.batch, p.x_batch) * p.rows * p.inner, p.rows,
               w + batch_offset(i, p.batch, p.y_batch) * y_size, p.columns, p.inner, nullptr,
               out + i * p.rows * p.columns);
  }
}

}  // namespace nnconv
