#pragma once

#include <string>

namespace nnconv {

// Threads, the queue and the floating-point mode.
void test_runtime(void (*check)(bool ok, const std::string& what));

}  // namespace nnconv
