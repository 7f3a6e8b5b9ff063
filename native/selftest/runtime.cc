#include "selftest/runtime.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/parallel.h"
#include "runtime/queue.h"

namespace nnconv {
namespace {

using Check = void (*)(bool, const std::string&);

class Job final : public Work {
 public:
  explicit Job(std::function<void()> body) : body_(std::move(body)) {}
  void run(Workspace* workspace) override {
    workspace->get(1000);
    body_();
  }

 private:
  std::function<void()> body_;
};

std::shared_ptr<Job> job(std::function<void()> body) {
  return std::make_shared<Job>(std::move(body));
}

void wait_until_idle() {
  for (QueueInfo info = queue_info(); info.running || info.waiting > 0; info = queue_info())
    std::this_thread::yield();
}

void test_queue(Check check) {
  std::atomic<bool> go{false}, began{false};
  const auto blocker = job([&] {
    began.store(true);
    while (!go.load()) std::this_thread::yield();
  });
  check(enqueue(blocker) == Queued::kQueued, "the queue takes work");
  while (!began.load()) std::this_thread::yield();
  check(!take_back(blocker.get()), "work that runs can't be taken back");
  std::vector<int> order;  // of the queue's thread until it is idle
  std::vector<std::shared_ptr<Job>> jobs;
  for (size_t i = 0; i < kMaxQueued; ++i) {
    jobs.push_back(job([&order, i] { order.push_back(static_cast<int>(i)); }));
    check(enqueue(jobs.back()) == Queued::kQueued, "the queue takes work while it runs");
  }
  const auto late = job([&order] { order.push_back(-1); });
  check(enqueue(late) == Queued::kFull, "a full queue refuses work");
  check(take_back(jobs[3].get()) && !take_back(jobs[3].get()), "work is taken back once");
  check(enqueue(late) == Queued::kQueued, "a place that was given up is free");
  go.store(true);
  take_back_or_wait(blocker.get());
  wait_until_idle();
  bool sorted = order.size() == kMaxQueued && order.back() == -1;
  for (size_t i = 0; sorted && i + 1 < order.size(); ++i)
    sorted = order[i] == static_cast<int>(i < 3 ? i : i + 1);
  check(sorted, "work runs in order");
  check(blocker.use_count() == 1 && jobs[0].use_count() == 1, "work that is done is let go");
}

// Both callers find the other at work, or not.
void test_two_callers(Check check) {
  constexpr int64_t kItems = 1000;
  const auto sum = [] {
    std::atomic<int64_t> total{0};
    parallel_for(kItems, 2, [&](int64_t i, int) { total.fetch_add(i); });
    return total.load();
  };
  bool right = true;
  std::atomic<bool> right_there{true};
  for (int round = 0; round < 200; ++round) {
    const auto work = job([&] {
      if (sum() != kItems * (kItems - 1) / 2) right_there.store(false);
    });
    enqueue(work);
    right = right && sum() == kItems * (kItems - 1) / 2;
    take_back_or_wait(work.get());
  }
  check(right && right_there.load(), "two threads call the team");
}

void test_cancellation(Check check) {
  for (int threads : {1, 2, 4}) {
    std::atomic<bool> cancelled{false};
    std::atomic<int> ran{0};
    const auto body = [&](int64_t i, int) {
      ran.fetch_add(1);
      if (i == 10) cancelled.store(true);
    };
    {
      const Cancellation cancellation(&cancelled);
      parallel_for(100000, threads, body);
    }
    check(ran.load() >= 1 && ran.load() < 100000, "cancelled work stops");
    ran.store(0);
    parallel_for(1000, threads, body);
    check(ran.load() == 1000, "work of others is not cancelled");
  }
}

void test_subnormals(Check check) {
  volatile float small = 1e-38f, tenth = 0.1f, one = 1.0f, tiny = 1e-40f;
  for (int threads : {1, 2, 4}) {
    std::atomic<int> flushed{0};
    parallel_for(1000, threads, [&](int64_t, int) {
      if (small * tenth == 0.0f && tiny * one == 0.0f) flushed.fetch_add(1);
      // Some for each thread.
      std::this_thread::sleep_for(std::chrono::microseconds(threads > 1 ? 5 : 0));
    });
#if defined(__x86_64__) || defined(__aarch64__)
    check(flushed.load() == 1000, "subnormal numbers are flushed, whoever works");
#endif
    check(small * tenth != 0.0f && tiny * one != 0.0f, "the caller's mode comes back");
  }
}

}  // namespace

void test_runtime(Check check) {
  test_queue(check);
  test_two_callers(check);
  test_cancellation(check);
  test_subnormals(check);
}

}  // namespace nnconv
