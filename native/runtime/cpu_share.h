// How much of the machine this process may use, from the files that Linux tells it by.
#pragma once

#include <string>

namespace nnconv {

struct CpuShare {
  int threads = 1;     // that make sense
  std::string reason;  // how they were found, in words
};

// The smallest of: the CPUs this process may run on (affinity and cpusets), the physical cores
// among them, and the quotas of its control group (v1 or v2) and of all those around it, rounded
// down. At least 1, at most `most`. `root` goes in front of every path: "" but in tests.
CpuShare find_cpu_share(const std::string& root, int most);

}  // namespace nnconv
