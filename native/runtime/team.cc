#include "runtime/team.h"

#include <chrono>
#include <system_error>
#include <thread>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "runtime/subnormals.h"

namespace nnconv {
namespace {

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

// How many of `wanted` threads the system gives. OpenMP ends the process where it is refused one.
int available_threads(int wanted) {
  std::vector<std::thread> threads;
  std::mutex hold;
  {
    const std::lock_guard<std::mutex> lock(hold);
    try {
      for (int i = 0; i < wanted; ++i)
        threads.emplace_back([&hold] { const std::lock_guard<std::mutex> wait(hold); });
    } catch (const std::system_error&) {
      // Fewer it is.
    }
  }
  for (std::thread& t : threads) t.join();
  return static_cast<int>(threads.size());
}

}  // namespace

// Takes part in the open work, if there is any left.
void Team::join_work(int thread) {
  active_.fetch_add(1);
  if (open_.load() && thread < threads_) {
    for (int64_t i; (i = next_.fetch_add(1)) < items_;) {
      if (cancelled_ && cancelled_->load(std::memory_order_relaxed)) break;
      body_(context_, i, thread);
    }
  }
  active_.fetch_sub(1);
}

void Team::serve(int worker, int team_size) {
  const FlushSubnormals flush;
  uint64_t seen = 0;
  auto since = std::chrono::steady_clock::now();
  for (int spins = 1; workers_.load() == team_size; ++spins) {
    const uint64_t epoch = epoch_.load();
    if (epoch != seen) {
      seen = epoch;
      join_work(worker);
      since = std::chrono::steady_clock::now();
      continue;
    }
    pause_cpu();
    if (spins % 64 != 0 || std::chrono::steady_clock::now() - since < kSpin) continue;
    std::unique_lock<std::mutex> lock(sleep_mutex_);
    sleepers_.fetch_add(1);
    wake_.wait(lock, [&] { return epoch_.load() != seen || workers_.load() != team_size; });
    sleepers_.fetch_sub(1);
    since = std::chrono::steady_clock::now();
  }
}

void Team::coordinate() {
  for (;;) {
    const int workers = workers_.load();
#ifdef _OPENMP
#pragma omp parallel num_threads(workers)
    serve(omp_get_thread_num() + 1, workers);
#else
    serve(1, workers);
#endif
  }
}

// Called with busy_ held.
void Team::grow(int workers) {
  if (workers <= workers_.load() || (refused_at() > 0 && workers >= refused_at())) return;
  // One of them is the coordinator.
  const int given = available_threads(workers);
  if (given < workers) refused_at_.store(given + 1);
  if (given <= workers_.load()) return;
  {
    const std::lock_guard<std::mutex> lock(sleep_mutex_);
    workers_.store(given);
  }
  wake_.notify_all();
  if (coordinated_) return;
  try {
    std::thread([this] { coordinate(); }).detach();
    coordinated_ = true;
  } catch (const std::system_error&) {
    workers_.store(0);
    refused_at_.store(1);
  }
}

bool Team::run(int64_t items, int threads, ParallelBody body, void* context,
               const std::atomic<bool>* cancelled) {
  const std::unique_lock<std::mutex> lock(busy_, std::try_to_lock);
  if (!lock.owns_lock()) return false;
  grow(threads - 1);
  if (workers_.load() == 0) return false;
  items_ = items;
  body_ = body;
  context_ = context;
  cancelled_ = cancelled;
  next_.store(0);
  threads_ = threads;
  open_.store(true);
  epoch_.fetch_add(1);
  if (sleepers_.load() > 0) {
    // The lock makes sure that a thread about to sleep sees the work or is woken.
    {
      const std::lock_guard<std::mutex> sleep(sleep_mutex_);
    }
    wake_.notify_all();
  }
  join_work(0);
  open_.store(false);
  while (active_.load() > 0) pause_cpu();
  return true;
}

}  // namespace nnconv
