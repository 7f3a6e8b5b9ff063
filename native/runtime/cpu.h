// What this CPU is: instruction sets, caches, cores.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nnconv {

struct CpuInfo {
  std::string model;
  std::vector<std::string> isas;  // those it can run, best first; the last is "baseline"
  int64_t l1_bytes = 0;           // data caches; a common size where the system doesn't tell
  int64_t l2_bytes = 0;
  int64_t l3_bytes = 0;
};

const CpuInfo& cpu_info();

}  // namespace nnconv
