// Operations that move elements, and the mean.
#include "binding/shape.h"

#include <string>
#include <vector>

#include "algorithm/kernels.h"
#include "binding/compute.h"
#include "binding/environment.h"
#include "binding/values.h"
#include "op/shape.h"
#include "problem/error.h"

namespace nnconv {
namespace {

using Info = Napi::CallbackInfo;

// The values of an array. Reading one may run JS, so each is read once, before any pointer.
std::vector<Napi::Value> to_values(const Napi::Value& value, const char* name) {
  if (!value.IsArray())
    throw type_error(std::string(name) + " must be an array, got " + describe(value));
  const Napi::Array array = value.As<Napi::Array>();
  const uint32_t length = array.Length();
  constexpr uint32_t kMost = 1 << 16;
  if (length > kMost)
    throw value_error(std::string(name) + " must have at most " + std::to_string(kMost) +
                      " elements, got " + std::to_string(length));
  std::vector<Napi::Value> values;
  for (uint32_t i = 0; i < length; ++i) values.push_back(array.Get(i));
  return values;
}

// (inputs, shapes, dim)
Napi::Value cat(const Info& info) {
  const std::vector<Napi::Value> inputs = to_values(info[0], "inputs");
  const std::vector<Napi::Value> listed = to_values(info[1], "shapes");
  if (inputs.size() != listed.size())
    throw value_error("shapes must be as many as inputs, got " + std::to_string(listed.size()) +
                      " for " + std::to_string(inputs.size()));
  std::vector<std::vector<int64_t>> shapes;
  for (const Napi::Value& shape : listed) shapes.push_back(to_sizes(shape, "shapes"));
  const CatProblem problem = cat_problem(shapes, to_integer(info[2], "dim"));
  return compute_shaped(
      info.Env(), "cat", problem.shape,
      [&] {
        std::vector<const float*> data;
        for (size_t i = 0; i < inputs.size(); ++i)
          data.push_back(to_floats(inputs[i], "inputs", checked_product(shapes[i])));
        return data;
      },
      [&](const std::vector<const float*>& data, float* out) { run_cat(problem, data, out); });
}

// (input, inputShape, dims)
Napi::Value permute(const Info& info) {
  const std::vector<int64_t> sizes = to_sizes(info[1], "inputShape");
  const std::vector<size_t> order =
      resolve_permutation(to_integers(info[2], "dims", kMostDimensions), sizes.size());
  return compute_shaped(
      info.Env(), "permute", permuted_shape(sizes, order),
      [&] { return to_floats(info[0], "input", checked_product(sizes)); },
      [&](const float* input, float* out) { run_permute(input, sizes, order, out); });
}

// (input, inputShape, dims, keepdim)
Napi::Value mean(const Info& info) {
  const Napi::Env env = info.Env();
  const std::vector<int64_t> sizes = to_sizes(info[1], "inputShape");
  const std::vector<int64_t> dims = to_integers(info[2], "dims", kMostDimensions);
  const MeanProblem problem = mean_problem(sizes, dims, to_boolean(info[3], "keepdim"));
  return compute_shaped(
      env, "mean", problem.shape,
      [&] { return to_floats(info[0], "input", checked_product(sizes)); },
      [&](const float* input, float* out) {
        run_mean(kernels(), problem, input, sizes, out, &environment(env).workspace);
      });
}

// (input, inputShape, factor, inverse)
Napi::Value pixel_shuffle(const Info& info) {
  const std::vector<int64_t> sizes = to_sizes(info[1], "inputShape");
  const int64_t factor = to_integer(info[2], "factor");
  const ShuffleProblem problem = shuffle_problem(sizes, factor, to_boolean(info[3], "inverse"));
  return compute_shaped(
      info.Env(), "pixelShuffle", problem.shape,
      [&] { return to_floats(info[0], "input", checked_product(sizes)); },
      [&](const float* input, float* out) {
        run_permute(input, problem.split, problem.order, out);
      });
}

}  // namespace

void export_shape(Napi::Env env, Napi::Object exports) {
  exports.Set("cat", Napi::Function::New<exported<cat>>(env, "cat"));
  exports.Set("permute", Napi::Function::New<exported<permute>>(env, "permute"));
  exports.Set("mean", Napi::Function::New<exported<mean>>(env, "mean"));
  exports.Set("pixelShuffle", Napi::Function::New<exported<pixel_shuffle>>(env, "pixelShuffle"));
}

}  // namespace nnconv
