// Work that runs one after another on a thread of its own: one queue and one thread a process,
// whoever asks.
#pragma once

#include <cstddef>
#include <memory>

#include "runtime/workspace.h"

namespace nnconv {

class Work {
 public:
  virtual ~Work() = default;
  // Called once. Must not throw. `workspace` is its own until it returns.
  virtual void run(Workspace* workspace) = 0;
};

// Work that waits at most: what it holds, such as copies of its inputs, would grow without end.
constexpr size_t kMaxQueued = 256;

enum class Queued {
  kQueued,
  kFull,
  kNoThread,  // the system refuses one
};

// The thread starts with the first work.
Queued enqueue(std::shared_ptr<Work> work);

// Takes work back. Returns whether it still waited; otherwise it runs or has run.
bool take_back(const Work* work);

// The same, and returns only when it no longer runs.
void take_back_or_wait(const Work* work);

struct QueueInfo {
  size_t waiting;
  bool running;
};

QueueInfo queue_info();

}  // namespace nnconv
