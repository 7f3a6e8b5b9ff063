// The one team of threads of the process, whoever calls.
//
// OpenMP provides the threads, in a parallel region that a coordinator thread keeps open; work is
// handed out here. A caller works too and never waits for a thread that hasn't begun: on a busy
// machine OpenMP's own barrier would wait for the scheduler. Idle threads spin for a moment, then
// sleep.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "runtime/parallel.h"

namespace nnconv {

class Team {
 public:
  // Runs all items on the caller and up to threads - 1 others. False where the team is busy with
  // another caller's work or there are no other threads; then nothing was run. Items that haven't
  // begun when `cancelled`, which may be null, turns true are left out.
  bool run(int64_t items, int threads, ParallelBody body, void* context,
           const std::atomic<bool>* cancelled);

  // How many threads the system lets work, a caller included, where it refused more; 0 elsewhere.
  int refused_at() const { return refused_at_.load(std::memory_order_relaxed); }

 private:
  void grow(int workers);
  void coordinate();
  void serve(int worker, int team_size);
  void join_work(int thread);

  std::mutex busy_;  // held by the caller whose work runs

  // The work. Written while it is closed and nobody is active; a thread looks at it only after it
  // has counted itself active and seen it open.
  std::atomic<bool> open_{false};
  std::atomic<int> active_{0};
  std::atomic<uint64_t> epoch_{0};  // counts works
  std::atomic<int64_t> next_{0};
  int threads_ = 0;
  int64_t items_ = 0;
  ParallelBody body_ = nullptr;
  void* context_ = nullptr;
  const std::atomic<bool>* cancelled_ = nullptr;

  std::mutex sleep_mutex_;
  std::condition_variable wake_;
  std::atomic<int> sleepers_{0};
  std::atomic<int> workers_{0};  // wanted beside callers
  bool coordinated_ = false;
  std::atomic<int> refused_at_{0};  // the system has no thread for this many workers; 0: it has
};

}  // namespace nnconv
