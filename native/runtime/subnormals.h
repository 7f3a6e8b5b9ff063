// Numbers below 1.2e-38 lose bits of their mantissa, and most CPUs take a hundred cycles for each
// of them: a network that fades out would become many times slower.
#pragma once

#include <cstdint>

namespace nnconv {

// While it lives, arithmetic on the thread that made it takes subnormal numbers for zeros and makes
// none, or takes them as they are; the mode that was set before comes back after.
class SubnormalMode {
 public:
  explicit SubnormalMode(bool flush) : before_(mode()) {
    set_mode(flush ? before_ | kFlush : before_ & ~kFlush);
  }
  ~SubnormalMode() { set_mode(before_); }
  SubnormalMode(const SubnormalMode&) = delete;
  SubnormalMode& operator=(const SubnormalMode&) = delete;

 private:
#if defined(__x86_64__)
  using Mode = uint32_t;
  static constexpr Mode kFlush = 0x8040;  // results, operands
  static Mode mode() { return __builtin_ia32_stmxcsr(); }
  static void set_mode(Mode mode) { __builtin_ia32_ldmxcsr(mode); }
#elif defined(__aarch64__)
  using Mode = uint64_t;
  static constexpr Mode kFlush = 1u << 24;  // both
  static Mode mode() {
    Mode mode;
    asm volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
  }
  static void set_mode(Mode mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
  using Mode = int;
  static constexpr Mode kFlush = 0;
  static Mode mode() { return 0; }
  static void set_mode(Mode) {}
#endif

  const Mode before_;
};

struct FlushSubnormals : SubnormalMode {
  FlushSubnormals() : SubnormalMode(true) {}
};

}  // namespace nnconv
