#include "algorithm/plan.h"

#include <algorithm>
#include <cstring>

namespace nnconv {

float finish_value(const Finish* finish, float y, const float* out) {
  if (!finish) return y;
  if (finish->other) {
    float other;
    std::memcpy(&other, reinterpret_cast<const char*>(out) + finish->other, sizeof other);
    y += other;
  }
  y = y < finish->lo ? finish->lo : y;
  return y > finish->hi ? finish->hi : y;
}

void fill_bias(const ConvArgs& args, int64_t out_channels, int64_t out_plane) {
  for (int64_t i = 0; i < args.batch * out_channels; ++i) {
    float* out = args.output + i * out_plane;
    const float bias = args.bias ? args.bias[i % out_channels] : 0.0f;
    for (int64_t j = 0; j < out_plane; ++j) out[j] = finish_value(args.finish, bias, out + j);
  }
}

}  // namespace nnconv
