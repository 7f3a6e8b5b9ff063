#include "algorithm/kernels.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "problem/error.h"
#include "runtime/cpu.h"

namespace nnconv {
namespace {

const KernelTable& choose() {
  const char* forced = std::getenv("NNCONV_ISA");
  if (forced && *forced) {
    if (const KernelTable* table = kernels_for(forced)) return *table;
    std::string available;
    for (const std::string& isa : cpu_info().isas) {
      if (kernels_for(isa.c_str())) available += (available.empty() ? "" : ", ") + isa;
    }
    throw value_error("NNCONV_ISA must name an instruction set of this CPU (" + available +
                      "), got '" + forced + "'");
  }
  for (const std::string& isa : cpu_info().isas) {
    if (const KernelTable* table = kernels_for(isa.c_str())) return *table;
  }
  return *kernels_baseline();
}

}  // namespace

const KernelTable* kernels_for(const char* isa) {
  bool available = false;
  for (const std::string& name : cpu_info().isas) available = available || name == isa;
  if (!available) return nullptr;
  if (std::strcmp(isa, "avx512") == 0) return kernels_avx512();
  if (std::strcmp(isa, "avx2") == 0) return kernels_avx2();
  if (std::strcmp(isa, "neon") == 0) return kernels_neon();
  return kernels_baseline();
}

const KernelTable& kernels() {
  static const KernelTable& table = choose();
  return table;
}

}  // namespace nnconv
