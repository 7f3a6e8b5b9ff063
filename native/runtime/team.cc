#include "runtime/team.h"

#include <algorithm>
#include <exception>
#include <thread>

#include "runtime/subnormals.h"

namespace nnconv {
namespace {

using Clock = std::chrono::steady_clock;

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// How long a thread that has no work looks for some before it sleeps: longer than the gap between
// the layers of a model, shorter than anybody would notice.
constexpr auto kSpin = std::chrono::microseconds(200);

// How long a system that refused a thread isn't asked again.
constexpr auto kRetry = std::chrono::seconds(1);

}  // namespace

// Takes part in the open work, if there is any left. False where it wasn't asked to.
bool Team::join_work(int thread) {
  active_.fetch_add(1);
  const bool wanted = open_.load() && thread < threads_;
  if (wanted) {
    const int64_t grain = grain_;
    const std::atomic<bool>* const cancelled = cancelled_;
    for (int i = 0; i < threads_; ++i) {
      Share& from = share((thread + i) % threads_);
      for (int64_t first; (first = from.next.fetch_add(grain)) < from.end;) {
        const int64_t end = std::min(from.end, first + grain);
        for (int64_t item = first; item < end; ++item) {
          if (cancelled && cancelled->load(std::memory_order_relaxed)) break;
          body_(context_, item, thread);
        }
      }
    }
  }
  active_.fetch_sub(1);
  return wanted;
}

void Team::serve(Worker& self, int thread) {
  const FlushSubnormals flush;
  uint64_t seen = 0;
  auto since = Clock::now();
  for (int spins = 1;; ++spins) {
    const uint64_t epoch = epoch_.load();
    if (epoch != seen) {
      seen = epoch;
      if (join_work(thread)) since = Clock::now();
      continue;
    }
    pause_cpu();
    if (spins % 64 != 0 || Clock::now() - since < kSpin) continue;
    std::unique_lock<std::mutex> lock(self.mutex);
    self.asleep.store(true);
    self.wake.wait(lock, [&] { return epoch_.load() != seen; });
    self.asleep.store(false);
    since = Clock::now();
  }
}

// Called with busy_ held.
void Team::grow(size_t workers) {
  if (workers <= workers_.size()) return;
  if (refused_at() > 0 && Clock::now() - refused_time_ < kRetry) return;
  while (workers_.size() < workers) {
    Worker& worker = workers_.emplace_back();
    const int thread = static_cast<int>(workers_.size());
    try {
      std::thread([this, &worker, thread] { serve(worker, thread); }).detach();
    } catch (const std::exception&) {  // no thread, or no memory for one
      workers_.pop_back();
      refused_at_.store(thread);
      refused_time_ = Clock::now();
      return;
    }
  }
  refused_at_.store(0);
}

bool Team::run(int64_t items, int threads, ParallelBody body, void* context,
               const std::atomic<bool>* cancelled) {
  const std::unique_lock<std::mutex> lock(busy_, std::try_to_lock);
  if (!lock.owns_lock()) return false;
  const size_t others = static_cast<size_t>(threads - 1);
  grow(others);
  if (workers_.empty()) return false;
  threads = static_cast<int>(std::min(others, workers_.size())) + 1;
  // Taking items costs a cache line's way from core to core, more than the smallest take.
  constexpr int64_t kTakes = 16;  // of a thread, at least
  grain_ = std::max<int64_t>(1, items / (kTakes * threads));
  for (int i = 0; i < threads; ++i) {
    share(i).end = items * (i + 1) / threads;
    share(i).next.store(items * i / threads);
  }
  body_ = body;
  context_ = context;
  cancelled_ = cancelled;
  threads_ = threads;
  open_.store(true);
  epoch_.fetch_add(1);
  for (int i = 1; i < threads; ++i) {
    Worker& worker = workers_[static_cast<size_t>(i - 1)];
    if (!worker.asleep.load()) continue;
    // The lock makes sure that a thread about to sleep sees the work or is woken.
    {
      const std::lock_guard<std::mutex> sleep(worker.mutex);
    }
    worker.wake.notify_one();
  }
  join_work(0);
  open_.store(false);
  while (active_.load() > 0) pause_cpu();
  return true;
}

}  // namespace nnconv
