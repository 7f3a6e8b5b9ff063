// Calls that run on the queue's thread and settle a promise.
#pragma once

#include <napi.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/workspace.h"

namespace nnconv {

// A call on its way. It is made and destroyed on the thread of its environment, and holds whatever
// the run reads: JS may do anything to the arguments meanwhile.
class AsyncCall {
 public:
  virtual ~AsyncCall() = default;
  // On the queue's thread, or here where there is none. May stop once `cancelled` turns true. May
  // throw Error and std::bad_alloc.
  virtual void run(Workspace* workspace, const std::atomic<bool>& cancelled) = 0;
  // After a run to the end: what the promise is resolved with.
  virtual Napi::Value result(Napi::Env env) = 0;
  // Native memory that it holds.
  virtual int64_t bytes() const = 0;
};

// Throws Error where the queue is full: asked before anything is copied.
void require_room();

// Queues `call`; returns {promise, task}. Throws Error where the queue is full.
Napi::Value start_async(Napi::Env env, std::unique_ptr<AsyncCall> call);

// A copy of what `read` points to, with `count` elements. Throws Error where memory is short.
AlignedFloats copy_of_input(const float* input, int64_t count);

// A Float32Array for a result that no JS sees before it is complete: it is neither detached nor
// moved till then.
class PendingFloats {
 public:
  PendingFloats(Napi::Env env, int64_t length);
  float* data() const { return data_; }
  Napi::Value value() const { return array_.Value(); }

 private:
  Napi::Reference<Napi::Value> array_;
  float* data_;
};

// What one environment has under way.
class AsyncState;

void export_async(Napi::Env env, Napi::Object exports);

}  // namespace nnconv
