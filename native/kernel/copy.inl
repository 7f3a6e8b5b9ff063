// Copies of rows for panels (kernel/copy.h). Needs depthwise.inl.

namespace {

// W pixels STEP (1 or 2) apart, as load_pixels() has them but in order. MASKED: those outside the
// mask are zeros, and not read; else STEP - 1 floats behind the last are read, too.
template <int STEP, bool MASKED>
NNCONV_INLINE vf pick(const float* from, const RowMask& mask) {
  const vf pixels = load_pixels<STEP, MASKED>(from, mask);
  return STEP == 2 ? veven_sort(pixels) : pixels;
}

// Of pixels [lo, hi).
template <int STEP>
NNCONV_INLINE RowMask pick_mask(int64_t lo, int64_t hi) {
  return row_mask<STEP>(-STEP * lo, STEP * (hi - lo) - (STEP - 1));
}

template <int STEP>
void copy_row_by(const nnconv::RowCopy* t) {
  const float* from = t->from;
  float* to = t->to;
  if (t->length <= W) {
    const RowMask mask = pick_mask<STEP>(t->lo, t->hi);
    for (int64_t c = 0; c < t->channels; ++c, from += t->from_c, to += t->to_c)
      vstore_n(to, pick<STEP, true>(from, mask), t->length);
    return;
  }
  const int64_t last = t->length - W;  // the last vector overlaps the one before
  for (int64_t c = 0; c < t->channels; ++c, from += t->from_c, to += t->to_c) {
    for (int64_t i = 0;; i = i + W < last ? i + W : last) {
      const bool inside = i >= t->lo && i + W + STEP - 1 <= t->hi;
      const float* at = from + STEP * i;
      vstore(to + i, inside ? pick<STEP, false>(at, RowMask{})
                            : pick<STEP, true>(at, pick_mask<STEP>(t->lo - i, t->hi - i)));
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
