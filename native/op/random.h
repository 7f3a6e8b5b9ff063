// PyTorch's random numbers: the Mersenne Twister (MT19937), and what is made of its words.
#pragma once

#include <cstdint>

namespace nnconv {

constexpr int64_t kTwisterWords = 624;
constexpr int64_t kNormalBlock = 16;

struct Twister {
  uint32_t words[kTwisterWords];
  uint32_t next;  // the words before this one are used up; at most kTwisterWords
};

// low + range * u for u from [0, 1) of 24 bits; `low` and `range` are float32 numbers.
void fill_uniform(Twister* twister, float* out, int64_t count, double low, double range);

// Normal numbers by blocks of 16, the same whatever the number of threads and the instruction set.
// `count` is at least kNormalBlock.
void fill_normal(Twister* twister, float* out, int64_t count, double mean, double std);

// `value` in places of probability `p`, zero in the others.
void fill_bernoulli(Twister* twister, float* out, int64_t count, double p, double value);

}  // namespace nnconv
