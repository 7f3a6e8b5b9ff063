#include "runtime/parallel.h"

#include <atomic>
#include <cstdlib>

#include "runtime/cpu_share.h"
#include "runtime/subnormals.h"
#include "runtime/team.h"

namespace nnconv {
namespace {

CpuShare find_default() {
  std::string ignored;
  if (const char* forced = std::getenv("NNCONV_NUM_THREADS")) {
    char* end = nullptr;
    const long n = std::strtol(forced, &end, 10);
    if (end != forced && *end == '\0' && n >= 1 && n <= kMaxThreads)
      return {static_cast<int>(n), "NNCONV_NUM_THREADS=" + std::string(forced)};
    ignored = "NNCONV_NUM_THREADS='" + std::string(forced) +
              "' ignored (not an integer from 1 to " + std::to_string(kMaxThreads) + "); ";
  }
  // For tests: a folder with the files that Linux would show on some other machine.
  const char* root = std::getenv("NNCONV_CPU_ROOT");
  CpuShare share = find_cpu_share(root ? root : "", kMaxThreads);
  share.reason = ignored + share.reason;
  return share;
}

const CpuShare& default_threads() {
  static const CpuShare found = find_default();
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
  return n > 0 ? n : default_threads().threads;
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

int refused_threads() { return team().refused_at(); }

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
