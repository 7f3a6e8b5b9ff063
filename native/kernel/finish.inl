// Policies of storing an output value: as it is, or finished. Needs simd.h.

#include "kernel/finish.h"

namespace {

#define NNCONV_METHOD inline __attribute__((always_inline))

// `T` is a float or a vector of them, bound for `out`; `part` is for vectors of which only n lanes
// will be stored.
struct Plain {
  template <typename T>
  NNCONV_METHOD T operator()(T y, const float*) const {
    return y;
  }
  NNCONV_METHOD vf part(vf y, const float*, int64_t) const { return y; }
};

struct Finishing {
  nnconv::Finish f;

  template <typename T>
  NNCONV_METHOD T cut(T y) const {
    const T lo = f.lo - T{}, hi = f.hi - T{};
    y = y < lo ? lo : y;
    return y > hi ? hi : y;
  }
  NNCONV_METHOD const float* other(const float* out) const {
    return (const float*)((const char*)out + f.other);
  }
  template <typename T>
  NNCONV_METHOD T operator()(T y, const float* out) const {
    if (f.other) {
      T z;
      __builtin_memcpy(&z, other(out), sizeof z);
      y = y + z;
    }
    return cut(y);
  }
  NNCONV_METHOD vf part(vf y, const float* out, int64_t n) const {
    return cut(f.other ? y + vload_n(other(out), n) : y);
  }
};

}  // namespace
