#include "runtime/cpu.h"

#include <fstream>

namespace nnconv {
namespace {

// "32K", "1024K", "32M" as /sys writes cache sizes.
int64_t parse_size(const std::string& text) {
  int64_t value = 0;
  size_t i = 0;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i)
    value = value * 10 + (text[i] - '0');
  if (i < text.size() && text[i] == 'K') value <<= 10;
  if (i < text.size() && text[i] == 'M') value <<= 20;
  return value;
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

void read_caches(CpuInfo* info) {
  for (int i = 0; i < 8; ++i) {
    const std::string dir = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/";
    const std::string type = first_line(dir + "type");
    if (type != "Data" && type != "Unified") continue;
    const std::string level = first_line(dir + "level");
    const int64_t size = parse_size(first_line(dir + "size"));
    if (level == "1") info->l1_bytes = size;
    if (level == "2") info->l2_bytes = size;
    if (level == "3") info->l3_bytes = size;
  }
  if (info->l1_bytes <= 0) info->l1_bytes = 32 << 10;
  if (info->l2_bytes <= 0) info->l2_bytes = 512 << 10;
  if (info->l3_bytes <= 0) info->l3_bytes = 8 << 20;
}

std::string read_model() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.compare(0, 10, "model name") != 0) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
#if defined(__aarch64__)
  return "arm64";
#else
  return "x86-64";
#endif
}

CpuInfo detect() {
  CpuInfo info;
  info.model = read_model();
  read_caches(&info);
#if defined(__x86_64__) || defined(_M_X64)
  // These checks include the operating system's support for the wider registers.
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
    info.isas.push_back("avx512");
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) info.isas.push_back("avx2");
#elif defined(__aarch64__)
  info.isas.push_back("neon");
#endif
  info.isas.push_back("baseline");
  return info;
}

}  // namespace

const CpuInfo& cpu_info() {
  static const CpuInfo info = detect();
  return info;
}

}  // namespace nnconv
