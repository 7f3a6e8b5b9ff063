// Copies of rows for panels (kernel/copy.h).

namespace {

// Lanes of the vectors that hold W pixels STEP (1 or 2) apart.
struct PickMask {
  vmask first, second;
};

template <int STEP>
NNCONV_INLINE PickMask pick_mask(int64_t lo, int64_t hi) {
  return {lane_mask(STEP * lo, STEP * hi - (STEP - 1)),
          lane_mask(STEP * lo - W, STEP * hi - (STEP - 1) - W)};
}

// Pixels outside the mask are zeros, and not touched.
template <int STEP>
NNCONV_INLINE vf pick(const float* from, const PickMask& mask) {
  if (STEP == 1) return vload_mask(from, mask.first);
  return veven_sort(veven(vload_mask(from, mask.first), vload_mask(from + W, mask.second)));
}

// All of them, and STEP - 1 floats behind the last.
template <int STEP>
NNCONV_INLINE vf pick(const float* from) {
  if (STEP == 1) return vload(from);
  return veven_sort(veven(vload(from), vload(from + W)));
}

template <int STEP>
void copy_row_by(const nnconv::RowCopy* t) {
  const float* from = t->from;
  float* to = t->to;
  if (t->length <= W) {
    const PickMask mask = pick_mask<STEP>(t->lo, t->hi);
    for (int64_t c = 0; c < t->channels; ++c, from += t->from_c, to += t->to_c)
      vstore_n(to, pick<STEP>(from, mask), t->length);
    return;
  }
  const int64_t last = t->length - W;  // the last vector overlaps the one before
  for (int64_t c = 0; c < t->channels; ++c, from += t->from_c, to += t->to_c) {
    for (int64_t i = 0;; i = i + W < last ? i + W : last) {
      const bool inside = i >= t->lo && i + W + STEP - 1 <= t->hi;
      const float* at = from + STEP * i;
      vstore(to + i,
             inside ? pick<STEP>(at) : pick<STEP>(at, pick_mask<STEP>(t->lo - i, t->hi - i)));
      if (i == last) break;
    }
  }
}

void copy_row(const nnconv::RowCopy* t) {
  if (t->step == 1) return copy_row_by<1>(t);
  if (t->step == 2) return copy_row_by<2>(t);
  const float* from = t->from;
  float* to = t->to;
  for (int64_t c = 0; c < t->channels; ++c, from += t->from_c, to += t->to_c) {
    for (int64_t i = 0; i < t->lo; ++i) to[i] = 0.0f;
    for (int64_t i = t->lo; i < t->hi; ++i) to[i] = from[i * t->step];
    for (int64_t i = t->hi; i < t->length; ++i) to[i] = 0.0f;
  }
}

}  // namespace
