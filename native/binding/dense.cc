// Dense layers and matrix products.
#include "binding/dense.h"

#include <utility>
#include <vector>

#include "algorithm/kernels.h"
#include "binding/compute.h"
#include "binding/environment.h"
#include "binding/values.h"
#include "op/linear.h"

namespace nnconv {
namespace {

using Info = Napi::CallbackInfo;

struct LinearBuffers {
  const float *x, *weight, *bias;
};

// (input, inputShape, weight, weightShape, bias)
Napi::Value linear(const Info& info) {
  const std::vector<int64_t> input = to_sizes(info[1], "inputShape");
  const std::vector<int64_t> weight = to_sizes(info[3], "weightShape");
  const std::vector<int64_t> shape = linear_shape(input, weight);
  const int64_t in = weight.back(), outputs = weight.size() == 2 ? weight[0] : 1;
  return compute_shaped(
      info.Env(), "linear", shape,
      [&] {
        return LinearBuffers{to_floats(info[0], "input", checked_product(input)),
                             to_floats(info[2], "weight", checked_product(weight)),
                             to_floats_or_null(info[4], "bias", outputs)};
      },
      [&](const LinearBuffers& b, float* out) {
        if (checked_product(shape) == 0) return;
        const int64_t rows = checked_product({input.begin(), input.end() - 1});
        run_linear(kernels(), b.x, rows, b.weight, outputs, in, b.bias, out);
      });
}

// (x, xShape, y, yShape)
Napi::Value matmul(const Info& info) {
  const Napi::Env env = info.Env();
  const std::vector<int64_t> x_shape = to_sizes(info[1], "xShape");
  const std::vector<int64_t> y_shape = to_sizes(info[3], "yShape");
  const MatmulProblem problem = matmul_problem(x_shape, y_shape);
  using Inputs = std::pair<const float*, const float*>;
  return compute_shaped(
      env, "matmul", problem.shape,
      [&] {
        return Inputs(to_floats(info[0], "x", checked_product(x_shape)),
                      to_floats(info[2], "y", checked_product(y_shape)));
      },
      [&](const Inputs& in, float* out) {
        run_matmul(kernels(), problem, in.first, in.second, out, &environment(env).workspace);
      });
}

}  // namespace

void export_dense(Napi::Env env, Napi::Object exports) {
  exports.Set("linear", Napi::Function::New<exported<linear>>(env, "linear"));
  exports.Set("matmul", Napi::Function::New<exported<matmul>>(env, "matmul"));
}

}  // namespace nnconv
