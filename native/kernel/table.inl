// Fills a kernel table with the tiles that fit this instruction set's registers: OC1 (OC2,
// OC3) pixels by one (two, three) vectors of channels, PX1 (PX2, PX3) channels by one (two, three)
// vectors of pixels,
// DM rows of dot products.

#include "kernel/blocked.inl"
#include "kernel/copy.inl"
#include "kernel/dot.inl"
#include "kernel/math.inl"
#include "kernel/reduce.inl"
// after math.inl and reduce.inl
#include "kernel/elementwise.inl"
#include "kernel/norm.inl"
#include "kernel/peak.inl"
#include "kernel/pool.inl"

namespace {

template <int OC1, int OC2, int OC3, int PX1, int PX2, int PX3, int DM>
nnconv::KernelTable make_table(const char* isa) {
  nnconv::KernelTable t = {};
  t.isa = isa;
  t.width = W;
  t.oc_m[1] = OC1;
  t.oc_m[2] = OC2;
  t.oc_m[3] = OC3;
  t.px_m[1] = PX1;
  t.px_m[2] = PX2;
  t.px_m[3] = PX3;
  fill_oc<1, OC1>(&t);
  fill_oc<2, OC2>(&t);
  if constexpr (OC3 > 0) fill_oc<3, OC3>(&t);
  fill_px<1, PX1>(&t);
  fill_px<2, PX2>(&t);
  fill_px<3, PX3>(&t);
  t.depthwise = depthwise;
  t.copy_row = copy_row;
  t.winograd = make_winograd<OC2>();
  t.blocked = make_blocked<OC1, OC2, OC3>();
  t.dot = make_dot<DM>();
  t.elementwise = make_elementwise();
  t.reduce = make_reduce();
  t.pool = make_pool();
  t.norm = make_norm();
  t.peak = make_peak();
  return t;
}

}  // namespace
