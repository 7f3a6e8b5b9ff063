// Normalisation layers and softmax: shape-preserving, nothing is kept between calls.
#include "binding/norm.h"

#include <vector>

#include "algorithm/kernels.h"
#include "binding/compute.h"
#include "binding/environment.h"
#include "binding/values.h"
#include "op/norm.h"
#include "problem/conv_problem.h"
#include "problem/error.h"

namespace nnconv {
namespace {

using Info = Napi::CallbackInfo;

std::vector<int64_t> to_shape(const Napi::Value& value) {
  return to_integers(value, "inputShape", kMostDimensions);
}

// Input, parameters and running statistics of a call.
struct Buffers {
  const float* x;
  NormParameters p;
  RunningStatistics running;
};

// Running statistics are written to: JS hands them over for that.
RunningStatistics to_running(const Napi::Value& mean, const Napi::Value& var, int64_t channels) {
  if (mean.IsNull() != var.IsNull())
    throw value_error("runningMean and runningVar must either both be null or neither be null");
  return {const_cast<float*>(to_floats_or_null(mean, "runningMean", channels)),
          const_cast<float*>(to_floats_or_null(var, "runningVar", channels))};
}

// (input, inputShape, weight, bias, runningMean, runningVar, training, momentum, eps)
template <typename ToShape, typename Run>
Napi::Value channel_statistics(const Info& info, const ToShape& to_channel_shape, const Run& run) {
  const Napi::Env env = info.Env();
  const std::vector<int64_t> sizes = to_shape(info[1]);
  const bool training = to_boolean(info[6], "training");
  const double momentum = to_number(info[7], "momentum");
  const double eps = to_number(info[8], "eps");
  const ChannelShape shape = to_channel_shape(sizes, training, eps);
  if (!training && (info[4].IsNull() || info[5].IsNull()))
    throw value_error("runningMean and runningVar must be given in evaluation mode, got null");
  const int64_t length = checked_product(sizes);
  return compute(
      env, length,
      [&] {
        return Buffers{to_floats(info[0], "input", length),
                       {to_floats_or_null(info[2], "weight", shape.channels),
                        to_floats_or_null(info[3], "bias", shape.channels), eps},
                       to_running(info[4], info[5], shape.channels)};
      },
      [&](const Buffers& b, float* y) {
        if (training)
          run(shape, b.x, b.p, b.running, momentum, y, kernels());
        else
          channel_norm(shape, b.x, b.p, b.running, y, kernels());
      });
}

Napi::Value batch_norm_forward(const Info& info) {
  return channel_statistics(info, batch_norm_shape, batch_norm);
}

Napi::Value instance_norm_forward(const Info& info) {
  return channel_statistics(
      info,
      [](const std::vector<int64_t>& sizes, bool training, double) {
        return instance_norm_shape(sizes, training);
      },
      instance_norm);
}

// (input, inputShape, numGroups, weight, bias, eps)
Napi::Value group_norm_forward(const Info& info) {
  const std::vector<int64_t> sizes = to_shape(info[1]);
  const int64_t groups = to_integer(info[2], "numGroups");
  const double eps = to_number(info[5], "eps");
  const ChannelShape shape = group_norm_shape(sizes, groups);
  const int64_t length = checked_product(sizes);
  return compute(
      info.Env(), length,
      [&] {
        return Buffers{to_floats(info[0], "input", length),
                       {to_floats_or_null(info[3], "weight", shape.channels),
                        to_floats_or_null(info[4], "bias", shape.channels), eps},
                       {}};
      },
      [&](const Buffers& b, float* y) { group_norm(shape, groups, b.x, b.p, y, kernels()); });
}

// (input, inputShape, normalizedShape, weight, bias, eps)
Napi::Value layer_norm_forward(const Info& info) {
  const std::vector<int64_t> sizes = to_shape(info[1]);
  const double eps = to_number(info[5], "eps");
  const AxisShape shape =
      layer_norm_shape(sizes, to_integers(info[2], "normalizedShape", kMostDimensions));
  const int64_t length = checked_product(sizes);
  return compute(
      info.Env(), length,
      [&] {
        return Buffers{to_floats(info[0], "input", length),
                       {to_floats_or_null(info[3], "weight", shape.length),
                        to_floats_or_null(info[4], "bias", shape.length), eps},
                       {}};
      },
      [&](const Buffers& b, float* y) { layer_norm(shape, b.x, b.p, y, kernels()); });
}

// (input, inputShape, size, alpha, beta, k)
Napi::Value response_norm_forward(const Info& info) {
  const std::vector<int64_t> sizes = to_shape(info[1]);
  const ResponseNorm p{to_integer(info[2], "size"), to_number(info[3], "alpha"),
                       to_number(info[4], "beta"), to_number(info[5], "k")};
  const ChannelShape shape = response_norm_shape(sizes, p.size);
  const int64_t length = checked_product(sizes);
  return compute(
      info.Env(), length, [&] { return to_floats(info[0], "input", length); },
      [&](const float* x, float* y) { response_norm(shape, x, p, y, kernels()); });
}

// (input, inputShape, dim, log)
Napi::Value softmax_forward(const Info& info) {
  const std::vector<int64_t> sizes = to_shape(info[1]);
  const AxisShape shape = softmax_shape(sizes, to_integer(info[2], "dim"));
  const bool log = to_boolean(info[3], "log");
  const int64_t length = checked_product(sizes);
  return compute(
      info.Env(), length, [&] { return to_floats(info[0], "input", length); },
      [&](const float* x, float* y) { softmax(shape, log, x, y, kernels()); });
}

}  // namespace

void export_norm(Napi::Env env, Napi::Object exports) {
  const auto set = [&](const char* name, Napi::Function function) { exports.Set(name, function); };
  set("batchNorm", Napi::Function::New<exported<batch_norm_forward>>(env, "batchNorm"));
  set("instanceNorm", Napi::Function::New<exported<instance_norm_forward>>(env, "instanceNorm"));
  set("groupNorm", Napi::Function::New<exported<group_norm_forward>>(env, "groupNorm"));
  set("layerNorm", Napi::Function::New<exported<layer_norm_forward>>(env, "layerNorm"));
  set("localResponseNorm",
      Napi::Function::New<exported<response_norm_forward>>(env, "localResponseNorm"));
  set("softmax", Napi::Function::New<exported<softmax_forward>>(env, "softmax"));
}

}  // namespace nnconv
