#include "runtime/workspace.h"

#include <cstdint>
#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace nnconv {
namespace {

// Of most systems; what is larger is made of whole ones where that is possible.
constexpr size_t kHugePage = 2u << 20;

}  // namespace

void* aligned_allocate(size_t bytes) {
  constexpr size_t kLine = 64;
  if (bytes > SIZE_MAX - kLine) throw std::bad_alloc();
  const size_t rounded = (bytes + kLine) / kLine * kLine;
  const size_t align = bytes < kHugePage ? kLine : kHugePage;
#if defined(_WIN32)
  void* p = _aligned_malloc(rounded, align);
#else
  void* p = nullptr;
  if (posix_memalign(&p, align, rounded) != 0) p = nullptr;
#endif
  if (!p) throw std::bad_alloc();
  advise_huge_pages(p, bytes);
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
  const uintptr_t first =
      (reinterpret_cast<uintptr_t>(data) + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + bytes) / kHugePage * kHugePage;
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
  }
  return data_;
}

}  // namespace nnconv
