#include "runtime/parallel.h"

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "runtime/subnormals.h"
#include "runtime/team.h"

namespace nnconv {
namespace {

struct DefaultThreads {
  int count = 1;
  std::string reason;
};

#if defined(__linux__)
int affinity_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 0;
}

// Distinct (package, core) pairs: hyper-threads of one core count once. 0 where unknown.
int physical_cores() {
  std::set<std::pair<std::string, std::string>> cores;
  for (int cpu = 0; cpu < kMaxThreads; ++cpu) {
    const std::string dir = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    std::ifstream package(dir + "physical_package_id"), core(dir + "core_id");
    std::string p, c;
    if (!(package >> p) || !(core >> c)) break;
    cores.insert({p, c});
  }
  return static_cast<int>(cores.size());
}

// CPUs granted by the control group's quota (v2, then v1); 0 where there is none.
double cgroup_quota() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period && quota != "max" && period > 0)
    return std::atof(quota.c_str()) / period;
  std::ifstream q("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), p("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double us = 0;
  if (q >> us && p >> period && us > 0 && period > 0) return us / period;
  return 0;
}
#endif

DefaultThreads find_default() {
  DefaultThreads result;
  std::ostringstream reason;
  if (const char* forced = std::getenv("NNCONV_NUM_THREADS")) {
    char* end = nullptr;
    const long n = std::strtol(forced, &end, 10);
    if (end != forced && *end == '\0' && n >= 1 && n <= kMaxThreads) {
      result.count = static_cast<int>(n);
      result.reason = "NNCONV_NUM_THREADS=" + std::string(forced);
      return result;
    }
    reason << "NNCONV_NUM_THREADS='" << forced << "' ignored (not an integer from 1 to "
           << kMaxThreads << "); ";
  }
  int count = static_cast<int>(std::thread::hardware_concurrency());
  reason << "smallest of: hardware " << count;
#if defined(__linux__)
  const auto limit = [&](const char* what, int n) {
    if (n < 1) return;
    reason << ", " << what << " " << n;
    if (n < count || count < 1) count = n;
  };
  limit("affinity", affinity_cpus());
  limit("physical cores", physical_cores());
  const double quota = cgroup_quota();
  if (quota > 0) limit("control group quota", quota < 1 ? 1 : static_cast<int>(std::floor(quota)));
#endif
  result.count = count < 1 ? 1 : count > kMaxThreads ? kMaxThreads : count;
  result.reason = reason.str();
  return result;
}

const DefaultThreads& default_threads() {
  static const DefaultThreads found = find_default();
  return found;
}

thread_local int own_count = 0;                                 // a ThreadCount's
std::atomic<int> chosen_threads{0};                             // 0: the default
thread_local const std::atomic<bool>* own_cancelled = nullptr;  // a Cancellation's

// Never destroyed: its threads may outlive every static object.
Team& team() {
  static Team* const instance = new Team;
  return *instance;
}

}  // namespace

int num_threads() {
  if (own_count > 0) return own_count;
  const int n = chosen_threads.load(std::memory_order_relaxed);
  return n > 0 ? n : default_threads().count;
}

ThreadCount::ThreadCount(int count) : before_(own_count) {
  if (count > 0) own_count = count;
}
ThreadCount::~ThreadCount() { own_count = before_; }

Cancellation::Cancellation(const std::atomic<bool>* cancelled) : before_(own_cancelled) {
  own_cancelled = cancelled;
}
Cancellation::~Cancellation() { own_cancelled = before_; }

void set_num_threads(int n) { chosen_threads.store(n, std::memory_order_relaxed); }

const std::string& default_threads_reason() { return default_threads().reason; }

void parallel_for(int64_t items, int threads, ParallelBody body, void* context) {
  // Callers and the team alike, so that a result doesn't depend on who computed it.
  const FlushSubnormals flush;
  const std::atomic<bool>* const cancelled = own_cancelled;
  if (threads > items) threads = static_cast<int>(items);
  if (threads > 1 && team().run(items, threads, body, context, cancelled)) return;
  for (int64_t i = 0; i < items; ++i) {
    if (cancelled && cancelled->load(std::memory_order_relaxed)) return;
    body(context, i, 0);
  }
}

}  // namespace nnconv
