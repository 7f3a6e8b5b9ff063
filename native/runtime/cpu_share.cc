#include "runtime/cpu_share.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace nnconv {
namespace {

// More than any kernel is built for: what a broken file can cost.
constexpr int kMostCpus = 8192;
constexpr int kMostGroups = 64;  // around one another

using Cpus = std::set<int>;

// A list like 0-3,8. Empty where it is none.
Cpus parse_cpus(const std::string& text) {
  Cpus cpus;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    char* end = nullptr;
    const char* begin = part.c_str();
    const long first = std::strtol(begin, &end, 10);
    if (end == begin) return {};
    const long last = *end == '-' ? std::strtol(end + 1, nullptr, 10) : first;
    if (first < 0 || last < first || last >= kMostCpus) return {};
    for (long cpu = first; cpu <= last; ++cpu) cpus.insert(static_cast<int>(cpu));
  }
  return cpus;
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

Cpus allowed_by_status(const std::string& root) {
  std::ifstream file(root + "/proc/self/status");
  const std::string key = "Cpus_allowed_list:";
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, key.size(), key) == 0) return parse_cpus(line.substr(key.size()));
  }
  return {};
}

int affinity_count() {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
#endif
  return 0;
}

// Distinct (package, core) pairs among `cpus`: hyper-threads of one core count once. 0 where one is
// unknown.
int count_cores(const std::string& root, const Cpus& cpus) {
  std::set<std::pair<std::string, std::string>> cores;
  for (const int cpu : cpus) {
    const std::string dir =
        root + "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    std::ifstream package(dir + "physical_package_id"), core(dir + "core_id");
    std::string p, c;
    if (!(package >> p) || !(core >> c)) return 0;
    cores.insert({p, c});
  }
  return static_cast<int>(cores.size());
}

// A hierarchy of control groups: v2's only one, or that of one controller of v1.
struct Hierarchy {
  const char* name;
  const char* controller;  // "" for v2
  // Where it is mounted, and what of it is seen there.
  std::string mount, mounted;
  std::string group;  // this process's, "" where there is none
};

bool has_word(const std::string& list, const std::string& word) {
  return ("," + list + ",").find("," + word + ",") != std::string::npos;
}

// Lines of /proc/self/cgroup: hierarchy:controllers:group.
std::string own_group(const std::string& root, const std::string& controller) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool ours = controller.empty() ? line.compare(0, first, "0") == 0 && controllers.empty()
                                         : has_word(controllers, controller);
    if (ours) return line.substr(second + 1);
  }
  return "";
}

// Lines of /proc/self/mountinfo: id parent device root mountpoint options... - type source options.
void find_mount(const std::string& root, Hierarchy* hierarchy) {
  const bool v2 = hierarchy->controller[0] == '\0';
  std::ifstream file(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream head(line), tail(line.substr(dash + 3));
    std::string skipped, seen, point, type, source, options;
    head >> skipped >> skipped >> skipped >> seen >> point;
    tail >> type >> source >> options;
    if (v2 ? type != "cgroup2" : type != "cgroup" || !has_word(options, hierarchy->controller))
      continue;
    hierarchy->mount = point;
    hierarchy->mounted = seen;
    return;
  }
}

// The folders of the group and of those around it, the group's first. Where the group can't be
// seen, as in a container that sees its own as the root, only what is mounted.
std::vector<std::string> folders(const std::string& root, const Hierarchy& hierarchy) {
  std::string group = hierarchy.group;
  const std::string& mounted = hierarchy.mounted;
  if (mounted.size() > 1 && group.compare(0, mounted.size(), mounted) == 0)
    group = group.substr(mounted.size());
  else if (group.compare(0, 3, "/..") == 0)
    group = "";
  std::vector<std::string> result;
  while (group.size() > 1 && result.size() < kMostGroups) {
    result.push_back(root + hierarchy.mount + group);
    group.resize(group.find_last_of('/') == std::string::npos ? 0 : group.find_last_of('/'));
  }
  result.push_back(root + hierarchy.mount);
  return result;
}

std::vector<Hierarchy> hierarchies(const std::string& root) {
  std::vector<Hierarchy> result{{"v2", "", "/sys/fs/cgroup", "/", ""},
                                {"v1", "cpu", "/sys/fs/cgroup/cpu", "/", ""},
                                {"v1", "cpuset", "/sys/fs/cgroup/cpuset", "/", ""}};
  for (Hierarchy& hierarchy : result) {
    hierarchy.group = own_group(root, hierarchy.controller);
    find_mount(root, &hierarchy);
  }
  return result;
}

// CPUs that the folder's quota grants; 0 where it has none.
double quota_of(const std::string& folder) {
  std::ifstream v2(folder + "/cpu.max");
  double quota = 0, period = 0;
  // "max" is no number.
  if (v2 >> quota >> period) return quota > 0 && period > 0 ? quota / period : 0;
  std::ifstream q(folder + "/cpu.cfs_quota_us"), p(folder + "/cpu.cfs_period_us");
  return q >> quota && p >> period && quota > 0 && period > 0 ? quota / period : 0;
}

Cpus cpuset_of(const std::string& folder) {
  for (const char* file : {"/cpuset.cpus.effective", "/cpuset.effective_cpus", "/cpuset.cpus"}) {
    Cpus cpus = parse_cpus(first_line(folder + file));
    if (!cpus.empty()) return cpus;
  }
  return {};
}

}  // namespace

CpuShare find_cpu_share(const std::string& root, int most) {
  std::ostringstream reason;
  int count = 0;
  const auto limit = [&](const std::string& what, int n) {
    if (n < 1) return;
    reason << (count == 0 ? "smallest of: " : ", ") << what << " " << n;
    if (n < count || count == 0) count = n;
  };
  if (root.empty()) limit("hardware", static_cast<int>(std::thread::hardware_concurrency()));
  const Cpus allowed = allowed_by_status(root);
  const int counted = root.empty() ? affinity_count() : 0;
  limit("affinity", counted > 0 ? counted : static_cast<int>(allowed.size()));
  limit("physical cores", count_cores(root, allowed));

  double quota = 0;
  std::string where;
  int cpuset = 0;
  for (const Hierarchy& hierarchy : hierarchies(root)) {
    bool innermost = true;
    for (const std::string& folder : folders(root, hierarchy)) {
      const double granted = quota_of(folder);
      if (granted > 0 && (quota == 0 || granted < quota)) {
        quota = granted;
        where = std::string(hierarchy.name) + " " + folder.substr(root.size());
      }
      const Cpus cpus = cpuset_of(folder);
      // Those around it have no fewer.
      if (innermost && !cpus.empty()) {
        innermost = false;
        const int n = static_cast<int>(cpus.size());
        if (cpuset == 0 || n < cpuset) cpuset = n;
      }
    }
  }
  limit("cpuset", cpuset);
  if (quota > 0) {
    char text[64];
    std::snprintf(text, sizeof text, " (%.2f CPUs, cgroup ", quota);
    const double whole = std::floor(quota);
    limit("control group quota", whole < 1 ? 1 : whole > most ? most : static_cast<int>(whole));
    reason << text << where << ")";
  }
  CpuShare share;
  share.threads = count < 1 ? 1 : count > most ? most : count;
  share.reason = count < 1 ? "nothing tells how many CPUs there are" : reason.str();
  return share;
}

}  // namespace nnconv
