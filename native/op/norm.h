// Normalisation layers and softmax. Statistics are summed in double.
#pragma once

#include "kernel/kernel.h"
#include "problem/norm_problem.h"

namespace nnconv {

struct NormParameters {
  const float* weight;  // or null
  const float* bias;    // or null
  double eps;
};

// One value a channel, or null where they aren't kept.
struct RunningStatistics {
  float* mean;
  float* var;
};

// With the running statistics, which must be there.
void channel_norm(const ChannelShape& shape, const float* x, const NormParameters& p,
                  const RunningStatistics& running, float* y, const KernelTable& kernels);

// With each channel's own statistics over the batch, or over each instance alone; the running ones,
// where there are any, move by `momentum` towards them.
void batch_norm(const ChannelShape& shape, const float* x, const NormParameters& p,
                const RunningStatistics& running, double momentum, float* y,
                const KernelTable& kernels);
void instance_norm(const ChannelShape& shape, const float* x, const NormParameters& p,
                   const RunningStatistics& running, double momentum, float* y,
                   const KernelTable& kernels);

// Weight and bias are one value a channel.
void group_norm(const ChannelShape& shape, int64_t groups, const float* x, const NormParameters& p,
                float* y, const KernelTable& kernels);

// Weight and bias are `length` values.
void layer_norm(const AxisShape& shape, const float* x, const NormParameters& p, float* y,
                const KernelTable& kernels);

struct ResponseNorm {
  int64_t size;
  double alpha, beta, k;
};
void response_norm(const ChannelShape& shape, const float* x, const ResponseNorm& p, float* y,
                   const KernelTable& kernels);

// Over `length`; or its logarithm.
void softmax(const AxisShape& shape, bool log, const float* x, float* y,
             const KernelTable& kernels);

}  // namespace nnconv
