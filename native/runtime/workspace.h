// Scratch memory that grows to the largest request and is used again.
#pragma once

#include <cstddef>

namespace nnconv {

class Workspace {
 public:
  Workspace() = default;
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  // At least `bytes`, aligned to 64; contents are undefined. Valid until the next call. Throws
  // std::bad_alloc.
  void* get(size_t bytes);

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

// Aligned to 64 bytes, with large pages behind what is large enough; throws std::bad_alloc.
void* aligned_allocate(size_t bytes);
void aligned_free(void* p);

// Asks for large pages behind fresh memory, where it is large enough: touching it first costs a
// tenth then. Just a hint.
void advise_huge_pages(void* data, size_t bytes);

// Lets memory that was freed serve the next large request, where it would go back to the system
// each time: outputs are freed by garbage collection, many at once, and fresh pages cost more than
// most layers. Once a process; at most 64 MiB stay.
void keep_freed_memory();

// Owns floats aligned to a cache line.
class AlignedFloats {
 public:
  AlignedFloats() = default;
  explicit AlignedFloats(size_t count)
      : data_(static_cast<float*>(aligned_allocate(count * sizeof(float)))), count_(count) {}
  AlignedFloats(AlignedFloats&& other) noexcept : data_(other.data_), count_(other.count_) {
    other.data_ = nullptr;
    other.count_ = 0;
  }
  AlignedFloats& operator=(AlignedFloats&& other) noexcept {
    float* d = data_;
    const size_t c = count_;
    data_ = other.data_;
    count_ = other.count_;
    other.data_ = d;
    other.count_ = c;
    return *this;
  }
  ~AlignedFloats() { aligned_free(data_); }

  float* data() { return data_; }
  const float* data() const { return data_; }
  size_t size() const { return count_; }

 private:
  float* data_ = nullptr;
  size_t count_ = 0;
};

}  // namespace nnconv
