#include "runtime/workspace.h"

#include <cstdint>
#include <cstdlib>
#include <new>

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
