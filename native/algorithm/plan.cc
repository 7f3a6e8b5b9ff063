#include "algorithm/plan.h"

#include <algorithm>

namespace nnconv {

void fill_bias(const ConvArgs& args, int64_t out_channels, int64_t out_plane) {
  for (int64_t i = 0; i < args.batch * out_channels; ++i)
    std::fill_n(args.output + i * out_plane, out_plane,
                args.bias ? args.bias[i % out_channels] : 0.0f);
}

}  // namespace nnconv
