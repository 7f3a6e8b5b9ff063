#include "runtime/queue.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace nnconv {
namespace {

class Queue {
 public:
  Queued add(std::shared_ptr<Work> work) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!started_ && !start()) return Queued::kNoThread;
      if (waiting_.size() >= kMaxQueued) return Queued::kFull;
      waiting_.push_back(std::move(work));
    }
    wake_.notify_one();
    return Queued::kQueued;
  }

  bool remove(const Work* work, bool wait) {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                    [&](const auto& entry) { return entry.get() == work; });
    if (found != waiting_.end()) {
      const std::shared_ptr<Work> last = std::move(*found);
      waiting_.erase(found);
      lock.unlock();  // `last` may end here
      return true;
    }
    if (wait) done_.wait(lock, [&] { return running_.get() != work; });
    return false;
  }

  QueueInfo info() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return {waiting_.size(), running_ != nullptr};
  }

 private:
  bool start() {
    try {
      std::thread([this] { serve(); }).detach();
      started_ = true;
    } catch (const std::system_error&) {
    }
    return started_;
  }

  void serve() {
    Workspace workspace;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return !waiting_.empty(); });
      running_ = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      running_->run(&workspace);
      lock.lock();
      std::shared_ptr<Work> last = std::move(running_);
      done_.notify_all();
      lock.unlock();
      last.reset();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::deque<std::shared_ptr<Work>> waiting_;
  std::shared_ptr<Work> running_;
  bool started_ = false;
};

// Never destroyed: its thread may outlive every static object.
Queue& queue() {
  static Queue* const instance = new Queue;
  return *instance;
}

}  // namespace

Queued enqueue(std::shared_ptr<Work> work) { return queue().add(std::move(work)); }

bool take_back(const Work* work) { return queue().remove(work, false); }

void take_back_or_wait(const Work* work) { queue().remove(work, true); }

QueueInfo queue_info() { return queue().info(); }

}  // namespace nnconv
