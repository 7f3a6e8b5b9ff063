// The only door to threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <type_traits>

namespace nnconv {

constexpr int kMaxThreads = 1024;

// Threads that parallel_for uses at most: the machine's share of this process unless set.
int num_threads();
void set_num_threads(int n);
// While it lives, num_threads() is `count` on the thread that made it; 0: as before.
class ThreadCount {
 public:
  explicit ThreadCount(int count);
  ~ThreadCount();
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

// While it lives, parallel_for leaves out whatever hasn't begun once `cancelled` turns true, for
// the thread that made it: the results are worthless then.
class Cancellation {
 public:
  explicit Cancellation(const std::atomic<bool>* cancelled);
  ~Cancellation();
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

 private:
  const std::atomic<bool>* before_;
};

// How the default was found, in words.
const std::string& default_threads_reason();

// Threads that work together where the system refused more of them, callers included; 0: it hasn't.
int refused_threads();

// Calls body(context, item, thread) once for each item in [0, items), on up to `threads` threads
// (thread < threads). Items are handed out as threads become free, so nothing may depend on who
// gets which. The body must not throw. Subnormal numbers are flushed to zero inside, whoever works.
typedef void (*ParallelBody)(void* context, int64_t item, int thread);
void parallel_for(int64_t items, int threads, ParallelBody body, void* context);

template <typename F>
void parallel_for(int64_t items, int threads, F&& f) {
  parallel_for(
      items, threads,
      [](void* context, int64_t item, int thread) {
        (*static_cast<std::remove_reference_t<F>*>(context))(item, thread);
      },
      const_cast<void*>(static_cast<const void*>(&f)));
}

}  // namespace nnconv
