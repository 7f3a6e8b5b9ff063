// The one team of threads of the process, whoever calls.
//
// A caller works too and never waits for a thread that hasn't begun, so that a busy machine costs
// no more than the threads it keeps away. Idle threads spin for a moment, then sleep. They are
// plain threads, started when work first asks for them: the system may refuse one, which OpenMP's
// libraries answer by ending the process.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
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

  // How many threads work, a caller included, where the system refused more the last time that
  // more were asked for; 0 elsewhere.
  int refused_at() const { return refused_at_.load(std::memory_order_relaxed); }

 private:
  // Items [next, end) that one thread begins with: neighbours, so that the layers of a model leave
  // data where the next one looks for it. Threads that are done take from the others.
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };
  struct Worker {
    std::mutex mutex;
    std::condition_variable wake;
    std::atomic<bool> asleep{false};
    Share share;
  };

  void grow(size_t workers);
  void serve(Worker& self, int thread);
  bool join_work(int thread);
  Share& share(int thread) {
    return thread == 0 ? caller_share_ : workers_[static_cast<size_t>(thread - 1)].share;
  }

  std::mutex busy_;  // held by the caller whose work runs; with it:
  std::deque<Worker> workers_;
  std::chrono::steady_clock::time_point refused_time_;

  // The work. Written while it is closed and nobody is active; a thread looks at it only after it
  // has counted itself active and seen it open.
  std::atomic<bool> open_{false};
  std::atomic<int> active_{0};
  std::atomic<uint64_t> epoch_{0};  // counts works
  int threads_ = 0;
  int64_t grain_ = 1;  // items that a thread takes at a time
  ParallelBody body_ = nullptr;
  void* context_ = nullptr;
  const std::atomic<bool>* cancelled_ = nullptr;

  Share caller_share_;
  alignas(64) std::atomic<int> refused_at_{0};
};

}  // namespace nnconv
