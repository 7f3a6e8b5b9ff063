#include "runtime/workspace.h"

#include <cstdint>
#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace nnconv {

void* aligned_allocate(size_t bytes) {
  constexpr size_t kAlign = 64;
  if (bytes > SIZE_MAX - kAlign) throw std::bad_alloc();
  const size_t rounded = (bytes + kAlign) / kAlign * kAlign;
#if defined(_WIN32)
  void* p = _aligned_malloc(rounded, kAlign);
#else
  void* p = nullptr;
  if (posix_memalign(&p, kAlign, rounded) != 0) p = nullptr;
#endif
  if (!p) throw std::bad_alloc();
  return p;
}

void aligned_free(void* p) {
#if defined(_WIN32)
  _aligned_free(p);
#else
  std::free(p);
#endif
}

void advise_huge_pages(void* data, size_t bytes) {
#if defined(__linux__)
  constexpr size_t kPage = 2u << 20;
  const uintptr_t first = (reinterpret_cast<uintptr_t>(data) + kPage - 1) / kPage * kPage;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + bytes) / kPage * kPage;
  if (end > first) madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
#else
  (void)data;
  (void)bytes;
#endif
}

void keep_freed_memory() {
#if defined(__GLIBC__)
  // The C library maps and unmaps large blocks one by one, and returns the top of its heap, until a
  // large block was freed once: from then on it keeps up to twice that. No page of it is touched.
  constexpr size_t kLargest = 32u << 20;  // that the rule takes, the block's own head included
  static const bool once = [] {
    void* volatile block = std::malloc(kLargest - (64u << 10));
    std::free(block);
    return true;
  }();
  (void)once;
#endif
}

Workspace::~Workspace() { aligned_free(data_); }

void* Workspace::get(size_t bytes) {
  if (bytes > size_) {
    aligned_free(data_);
    data_ = nullptr;
    size_ = 0;
    data_ = aligned_allocate(bytes);
    size_ = bytes;
    advise_huge_pages(data_, bytes);
  }
  return data_;
}

}  // namespace nnconv
