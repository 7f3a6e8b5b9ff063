// How a call gets to the queue's thread and back. Everything that concerns JS happens on the thread
// of the environment: the queue's thread only runs the call, sets a flag and wakes the event loop.
#include "binding/async.h"

#include <algorithm>
#include <exception>
#include <list>
#include <new>
#include <string>
#include <utility>

#include "binding/environment.h"
#include "binding/handle.h"
#include "binding/values.h"
#include "problem/error.h"
#include "runtime/parallel.h"
#include "runtime/queue.h"

namespace nnconv {
namespace {

using Info = Napi::CallbackInfo;

Error full_error() {
  return Error(Error::Kind::kRange, "ERR_NNCONV_QUEUE_FULL",
               std::to_string(kMaxQueued) +
                   " asynchronous runs are waiting already, which is as many as the queue takes: "
                   "await some of them before starting more");
}

Error cancelled_error() {
  return Error(Error::Kind::kRange, "ERR_NNCONV_CANCELLED", "the run was cancelled");
}

class Task final : public Work {
 public:
  Task(std::unique_ptr<AsyncCall> call, napi_threadsafe_function wake)
      : call_(std::move(call)), bytes_(call_->bytes()), wake_(wake) {}

  void run(Workspace* workspace) override {
    run_here(workspace);
    finished_.store(true, std::memory_order_release);
    // Can't fail: the environment waits for running work before it goes, and the queue of wake-ups
    // has no limit.
    napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
  }

  void run_here(Workspace* workspace) {
    if (cancelled()) return;
    try {
      const Cancellation cancellation(&cancelled_);
      // Scratch memory for each thread is counted before the threads are.
      const ThreadCount count(num_threads());
      call_->run(workspace, cancelled_);
    } catch (...) {
      error_ = std::current_exception();
    }
  }

  bool finished() const { return finished_.load(std::memory_order_acquire); }
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

  // The rest is for the environment's thread.
  int64_t bytes() const { return bytes_; }
  // Throws what the run threw, and Napi::Error.
  Napi::Value result(Napi::Env env) {
    if (cancelled()) throw cancelled_error();
    if (error_) std::rethrow_exception(error_);
    return call_->result(env);
  }
  // Whoever holds the task last may be on any thread: JS values go before.
  void release() {
    call_.reset();
    error_ = nullptr;
  }

 private:
  std::unique_ptr<AsyncCall> call_;
  const int64_t bytes_;
  const napi_threadsafe_function wake_;
  std::exception_ptr error_;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> finished_{false};
};

constexpr napi_type_tag kTaskTag = {0x6e6e636f6e767461ULL, 0x736b68616e646c65ULL};

void finalize_task(napi_env, void* data, void*) {
  delete static_cast<std::shared_ptr<Task>*>(data);
}

Napi::Object wrap_task(Napi::Env env, const std::shared_ptr<Task>& task) {
  return wrap_handle(env, kTaskTag, std::make_unique<std::shared_ptr<Task>>(task), finalize_task,
                     "a task");
}

std::shared_ptr<Task> to_task(const Napi::Value& value) {
  return unwrap_handle<std::shared_ptr<Task>>(value, kTaskTag,
                                              "task must be one of an asynchronous call");
}

void warn_no_thread(Napi::Env env) {
  static std::atomic<bool> warned{false};
  if (warned.exchange(true)) return;
  warn(env,
       "the system refuses a thread for asynchronous runs (a limit on processes?): they block the "
       "event loop until it grants one");
}

}  // namespace

class AsyncState {
 public:
  explicit AsyncState(Napi::Env env) : env_(env) {
    napi_value name = Napi::String::New(env, "nnconv");
    if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this,
                                        on_wake, &wake_) != napi_ok)
      throw Napi::Error::New(env, "can't create a threadsafe function");
    napi_unref_threadsafe_function(env, wake_);
    // Hooks run last in, first out: this one before `wake_` goes.
    napi_add_env_cleanup_hook(env, on_cleanup, this);
  }

  Napi::Value start(std::unique_ptr<AsyncCall> call) {
    if (closed_) throw cancelled_error();
    const Napi::Promise::Deferred deferred(env_);
    auto task = std::make_shared<Task>(std::move(call), wake_);
    Napi::Object result = Napi::Object::New(env_);
    result.Set("promise", deferred.Promise());
    result.Set("task", wrap_task(env_, task));
    pending_.push_back({task, deferred});
    const auto entry = std::prev(pending_.end());
    Napi::MemoryManagement::AdjustExternalMemory(env_, task->bytes());
    if (pending_.size() == 1) napi_ref_threadsafe_function(env_, wake_);
    switch (enqueue(task)) {
      case Queued::kQueued:
        break;
      case Queued::kFull:
        forget(entry);
        throw full_error();
      case Queued::kNoThread:
        warn_no_thread(env_);
        task->run_here(&environment(env_).workspace);
        settle(entry);
    }
    return result;
  }

  // Returns whether it was still to be settled.
  bool cancel(const std::shared_ptr<Task>& task) {
    const auto entry = std::find_if(pending_.begin(), pending_.end(),
                                    [&](const Pending& pending) { return pending.task == task; });
    if (entry == pending_.end()) return false;
    task->cancel();
    // Else it runs, and stops soon.
    if (take_back(task.get())) settle(entry);
    return true;
  }

 private:
  struct Pending {
    std::shared_ptr<Task> task;
    Napi::Promise::Deferred deferred;
  };
  using Entry = std::list<Pending>::iterator;

  void forget(Entry entry) {
    Napi::MemoryManagement::AdjustExternalMemory(env_, -entry->task->bytes());
    entry->task->release();
    pending_.erase(entry);
    if (pending_.empty()) napi_unref_threadsafe_function(env_, wake_);
  }

  void settle(Entry entry) {
    const Napi::HandleScope scope(env_);
    const Napi::Promise::Deferred deferred = entry->deferred;
    Napi::Value result, reason;
    try {
      result = result_of(*entry->task);
    } catch (const Napi::Error& error) {
      reason = error.Value();
    }
    forget(entry);
    // User code may run from here on: whoever put a `then` on all objects.
    if (reason.IsEmpty())
      deferred.Resolve(result);
    else
      deferred.Reject(reason);
  }

  Napi::Value result_of(Task& task) {
    try {
      return task.result(env_);
    } catch (...) {
      rethrow_as_js(env_);
    }
  }

  void settle_finished() {
    if (refused_threads() > 0) warn_of_refused_threads(env_);
    // Work ends in the order in which it was queued.
    while (!closed_ && !pending_.empty() && pending_.front().task->finished())
      settle(pending_.begin());
  }

  void close() {
    closed_ = true;
    for (const Pending& pending : pending_) pending.task->cancel();
    for (const Pending& pending : pending_) take_back_or_wait(pending.task.get());
    for (const Pending& pending : pending_) pending.task->release();
    pending_.clear();
  }

  static void on_wake(napi_env env, napi_value, void* context, void*) {
    if (!env) return;
    try {
      static_cast<AsyncState*>(context)->settle_finished();
    } catch (...) {
      // The environment is going: nobody is left to hear of it.
    }
  }

  // On worker.terminate() and at the end of the process, unless that is by process.exit(): then
  // neither JS memory nor the queue are destroyed, and what runs may run on.
  static void on_cleanup(void* state) { static_cast<AsyncState*>(state)->close(); }

  const Napi::Env env_;
  napi_threadsafe_function wake_ = nullptr;
  std::list<Pending> pending_;
  bool closed_ = false;
};

void require_room() {
  if (queue_info().waiting >= kMaxQueued) throw full_error();
}

Napi::Value start_async(Napi::Env env, std::unique_ptr<AsyncCall> call) {
  std::shared_ptr<AsyncState>& state = environment(env).async;
  if (!state) state = std::make_shared<AsyncState>(env);
  return state->start(std::move(call));
}

AlignedFloats copy_of_input(const float* input, int64_t count) {
  try {
    AlignedFloats copy(static_cast<size_t>(count));
    std::copy_n(input, count, copy.data());
    return copy;
  } catch (const std::bad_alloc&) {
    throw alloc_error("a copy of an input of " + std::to_string(count) +
                      " elements can't be allocated");
  }
}

PendingFloats::PendingFloats(Napi::Env env, int64_t length) {
  const Napi::Value value = new_floats(env, length);
  array_ = Napi::Reference<Napi::Value>::New(value, 1);
  data_ = value.As<Napi::Float32Array>().Data();
}

namespace {

Napi::Value cancel_task(const Info& info) {
  const std::shared_ptr<Task> task = to_task(info[0]);
  const std::shared_ptr<AsyncState> state = environment(info.Env()).async;
  return Napi::Boolean::New(info.Env(), state && state->cancel(task));
}

Napi::Value queue_state(const Info& info) {
  const QueueInfo queue = queue_info();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("waiting", static_cast<double>(queue.waiting));
  result.Set("running", queue.running);
  result.Set("capacity", static_cast<double>(kMaxQueued));
  return result;
}

}  // namespace

void export_async(Napi::Env env, Napi::Object exports) {
  exports.Set("cancelTask", Napi::Function::New<exported<cancel_task>>(env, "cancelTask"));
  exports.Set("queueInfo", Napi::Function::New<exported<queue_state>>(env, "queueInfo"));
}

}  // namespace nnconv
