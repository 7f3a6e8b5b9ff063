// Native self-test, free of JS: every algorithm under every instruction set that this machine can
// run (and the AVX-512 tile shapes in plain code where it was built so) against the
// double-precision reference, on seeded random and hand-picked awkward problems; bit-identity over
// batch and threads; packing and errors; networks and their memory (graph.cc). Runs under
// sanitizers and, cross-built, under an emulator.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "algorithm/conv.h"
#include "algorithm/kernels.h"
#include "algorithm/select.h"
#include "op/reorder.h"
#include "problem/error.h"
#include "runtime/cpu.h"
#include "runtime/parallel.h"
#include "selftest/runtime.h"
#include "selftest/selftest.h"

namespace nnconv {
namespace {

int passed = 0;
int failed = 0;

}  // namespace

void check(bool ok, const std::string& what) {
  if (ok) {
    ++passed;
  } else {
    ++failed;
    std::printf("FAILED: %s\n", what.c_str());
  }
}

namespace {

struct Problem {
  ConvSpec spec;
  std::vector<int64_t> input_shape;
  bool bias = true;
};

std::string text(const Problem& p) {
  const ConvSpec& s = p.spec;
  return s.name() + " " + std::to_string(s.in_channels) + "->" + std::to_string(s.out_channels) +
         " g" + std::to_string(s.groups) + " k" + format_dims(s.kernel, s.dims) + " s" +
         format_dims(s.stride, s.dims) + " p" + format_dims(s.pad_low, s.dims) +
         format_dims(s.pad_high, s.dims) + " d" + format_dims(s.dilation, s.dims) + " op" +
         format_dims(s.output_padding, s.dims) + " mode" +
         std::to_string(static_cast<int>(s.padding_mode)) + " input " + format_list(p.input_shape);
}

Problem random_problem(Random& random) {
  Problem p;
  ConvSpec& s = p.spec;
  s.dims = static_cast<int>(pick(random, 1, 3));
  s.transposed = pick(random, 0, 2) == 0;
  const int64_t in = pick(random, 1, 9), out = pick(random, 1, 40);
  switch (pick(random, 0, 3)) {
    case 0:  // depthwise, with a multiplier
      s.groups = pick(random, 1, 9);
      s.in_channels = s.groups;
      s.out_channels = s.groups * pick(random, 1, 3);
      break;
    case 1:
      s.groups = pick(random, 2, 3);
      s.in_channels = s.groups * in;
      s.out_channels = s.groups * out;
      break;
    default:
      s.in_channels = in;
      s.out_channels = out;
  }
  p.input_shape = {pick(random, 1, 2), s.in_channels};
  p.bias = pick(random, 0, 1) == 1;
  for (int d = kMaxDims - s.dims; d < kMaxDims; ++d) {
    const int64_t most = s.dims == 1 ? 70 : s.dims == 2 ? 30 : 9;
    s.kernel[d] = pick(random, 1, pick(random, 0, 3) ? 3 : 7);
    s.stride[d] = pick(random, 1, pick(random, 0, 1) ? 1 : 4);
    s.dilation[d] = pick(random, 1, pick(random, 0, 1) ? 1 : 5);
    const int64_t extent = s.dilation[d] * (s.kernel[d] - 1) + 1;
    s.pad_low[d] = s.pad_high[d] = pick(random, 0, extent - (s.transposed ? 1 : 0));
    if (s.transposed) {
      s.output_padding[d] = pick(random, 0, std::max(s.stride[d], s.dilation[d]) - 1);
    } else if (pick(random, 0, 2) == 0) {
      s.pad_high[d] += pick(random, 0, 2);
    }
    const int64_t missing = extent - s.pad_low[d] - s.pad_high[d];
    const int64_t least = std::max<int64_t>(
        1,
        s.transposed ? (s.stride[d] - missing - s.output_padding[d]) / s.stride[d] + 1 : missing);
    p.input_shape.push_back(pick(random, least, std::max(least, most)));
  }
  if (!s.transposed && pick(random, 0, 3) == 0) {
    s.padding_mode = static_cast<PaddingMode>(pick(random, 1, 3));
    for (int d = kMaxDims - s.dims; d < kMaxDims; ++d) {
      int64_t& size = p.input_shape[static_cast<size_t>(2 + d - (kMaxDims - s.dims))];
      size = std::max(size, s.dilation[d] * (s.kernel[d] - 1) + 1);
      s.pad_low[d] = std::min(s.pad_low[d], size - 1);
      s.pad_high[d] = std::min(s.pad_high[d], size - 1);
    }
  }
  return p;
}

Problem conv2d(int64_t in, int64_t out, int64_t k, int64_t stride, int64_t pad, int64_t dilation,
               int64_t groups, int64_t h, int64_t w) {
  Problem p;
  p.spec.in_channels = in;
  p.spec.out_channels = out;
  p.spec.groups = groups;
  p.spec.kernel = {1, k, k};
  p.spec.stride = {1, stride, stride};
  p.spec.pad_low = p.spec.pad_high = {0, pad, pad};
  p.spec.dilation = {1, dilation, dilation};
  p.input_shape = {1, in, h, w};
  return p;
}

Problem conv1d(int64_t in, int64_t out, int64_t k, int64_t stride, int64_t pad, int64_t dilation,
               int64_t groups, int64_t length) {
  Problem p = conv2d(in, out, k, stride, pad, dilation, groups, 1, length);
  p.spec.dims = 1;
  p.spec.kernel[1] = p.spec.stride[1] = p.spec.dilation[1] = 1;
  p.spec.pad_low[1] = p.spec.pad_high[1] = 0;
  p.input_shape.erase(p.input_shape.begin() + 2);
  return p;
}

std::vector<Problem> picked_problems() {
  std::vector<Problem> problems = {
      conv2d(3, 64, 7, 2, 3, 1, 1, 33, 37),   conv2d(64, 64, 3, 1, 1, 1, 1, 14, 14),
      conv2d(65, 33, 1, 1, 0, 1, 1, 17, 19),  conv2d(32, 32, 3, 1, 1, 1, 32, 28, 28),
      conv2d(24, 24, 3, 2, 1, 1, 24, 29, 29), conv2d(16, 48, 3, 1, 12, 12, 1, 28, 28),
      conv2d(64, 64, 3, 1, 1, 1, 8, 13, 13),  conv2d(5, 7, 5, 1, 4, 1, 1, 1, 1),
      conv2d(7, 100, 3, 1, 1, 1, 1, 7, 7),
  };
  for (int64_t channels = 1; channels <= 33; ++channels)
    problems.push_back(conv2d(channels, 34 - channels, 3, 1, 1, 1, 1, 5, 1 + channels));
  // So many rows that they are cut into chunks which repeat each other.
  problems.push_back(conv2d(64, 4, 3, 1, 1, 1, 1, 2500, 3));
  problems.push_back(conv2d(64, 4, 3, 2, 2, 2, 1, 3000, 3));
  return problems;
}

// What Winograd knows beside three taps at stride 1: odd sizes, partial tiles and vectors, groups,
// strips of several rows, depth.
std::vector<Problem> winograd_problems() {
  std::vector<Problem> problems;
  const int64_t sizes[][2] = {{1, 1}, {5, 6}, {9, 17}, {16, 16}, {31, 30}};
  for (const auto& size : sizes) {
    for (int64_t pad = 0; pad <= 3; ++pad) {
      for (int64_t k = 3; k <= 5; ++k) {
        for (bool transposed : {false, true}) {
          const int64_t channels = k == 4 && size[0] < 20 ? 66 : 10;
          Problem p = conv2d(channels, 35, k, k == 5 ? 1 : 2, pad, 1, 1, size[0], size[1]);
          p.spec.transposed = transposed;
          p.spec.output_padding = {0, k == 4, k == 3};
          if (!transposed) p.spec.output_padding = {0, 0, 0};
          if (transposed && (k == 5 || size[0] * 2 + k - 2 <= 2 * pad)) continue;
          if (!transposed && size[0] + 2 * pad < k) continue;
          problems.push_back(p);
        }
      }
    }
  }
  // Dilated: interleaved tiles, fewer outputs than phases, padding beyond the window.
  for (int64_t dilation = 2; dilation <= 5; ++dilation) {
    for (int64_t pad : {int64_t{0}, dilation, dilation + 2}) {
      for (const auto& size : {std::array<int64_t, 2>{11, 12}, {23, 31}, {40, 10}}) {
        if (std::min(size[0], size[1]) + 2 * pad <= 2 * dilation) continue;
        problems.push_back(conv2d(18, 35, 3, 1, pad, dilation, 1, size[0], size[1]));
        problems.push_back(conv2d(6, 4, 5, 1, 2 * pad, dilation, 2, size[0] + 10, size[1] + 12));
      }
    }
  }
  // Phases of a stride as channels: taps before the kernel's first, pixels short of a whole
  // position, groups, more channels than a vector.
  const int64_t strided[][6] = {{3, 20, 7, 2, 3, 1}, {3, 20, 7, 2, 2, 1}, {1, 9, 8, 2, 1, 1},
                                {5, 17, 5, 2, 2, 1}, {6, 34, 6, 2, 1, 2}, {2, 9, 11, 4, 2, 1},
                                {3, 12, 12, 4, 5, 1}};
  for (const auto& [in, out, k, stride, pad, groups] : strided) {
    for (const auto& size : {std::array<int64_t, 2>{12, 13}, {37, 22}})
      problems.push_back(conv2d(in, out, k, stride, pad, 1, groups, size[0], size[1]));
  }
  problems.push_back(conv2d(9, 20, 4, 1, 2, 1, 1, 13, 10));
  problems.push_back(conv2d(9, 20, 4, 1, 3, 2, 1, 13, 20));
  problems.push_back(conv1d(4, 20, 5, 2, 2, 1, 1, 67));
  // Rows of several tiles of the widest vectors, short sums; depthwise ones of any kernel.
  problems.push_back(conv1d(3, 9, 3, 1, 1, 1, 1, 331));
  problems.push_back(conv1d(2, 11, 1, 1, 0, 1, 1, 300));
  problems.push_back(conv1d(3, 20, 4, 2, 1, 1, 1, 415));
  problems.push_back(conv1d(3, 3, 9, 1, 4, 1, 3, 301));
  problems.push_back(conv1d(3, 3, 5, 1, 8, 4, 3, 340));
  problems.push_back(conv1d(2, 2, 4, 2, 1, 2, 2, 603));
  problems.push_back(conv1d(3, 6, 3, 3, 1, 1, 3, 200));
  problems.push_back(conv2d(2, 2, 6, 1, 2, 1, 2, 7, 150));
  // Depthwise ones whose channels don't fill the last block.
  problems.push_back(conv2d(21, 21, 7, 1, 3, 1, 21, 7, 6));
  problems.push_back(conv2d(18, 18, 5, 2, 2, 1, 18, 14, 13));
  problems.push_back(conv2d(17, 17, 3, 1, 0, 1, 17, 9, 37));
  problems.push_back(conv2d(17, 17, 3, 1, 9, 9, 17, 5, 4));
  problems.push_back(conv2d(19, 19, 2, 3, 1, 1, 19, 40, 31));
  problems.back().spec.pad_high = {0, 0, 2};
  problems.push_back(conv1d(19, 19, 5, 1, 6, 3, 19, 30));
  Problem volume = conv2d(3, 18, 7, 2, 3, 1, 1, 13, 18);
  volume.spec.dims = 3;
  volume.spec.kernel[0] = 3;
  volume.spec.pad_low[0] = volume.spec.pad_high[0] = 1;
  volume.input_shape.insert(volume.input_shape.begin() + 2, 4);
  problems.push_back(volume);
  problems.push_back(conv2d(128, 20, 3, 2, 1, 1, 2, 90, 91));
  problems.push_back(conv2d(12, 36, 4, 2, 1, 1, 3, 13, 14));
  Problem depth = conv2d(9, 18, 3, 2, 1, 1, 1, 8, 9);
  depth.spec.dims = 3;
  depth.spec.kernel[0] = 3;
  depth.spec.stride[0] = 2;
  depth.spec.pad_low[0] = depth.spec.pad_high[0] = 1;
  depth.input_shape.insert(depth.input_shape.begin() + 2, 7);
  problems.push_back(depth);
  // Planes of few tiles and many weights, several images of which are computed together.
  const int64_t few[][3] = {{3, 4, 37}, {4, 7, 73}, {2, 12, 110}, {7, 7, 146}};
  for (const auto& [h, w, out] : few) {
    Problem p = conv2d(101, out, 3, 1, 1, 1, 1, h, w);
    p.bias = true;
    p.input_shape[0] = 3;
    problems.push_back(p);
  }
  problems.push_back(conv2d(202, 2 * 37, 3, 1, 1, 1, 2, 3, 4));
  // Long rows.
  problems.push_back(conv2d(20, 36, 3, 1, 1, 1, 1, 10, 117));
  for (int64_t k = 3; k <= 4; ++k) {
    problems.push_back(conv2d(10, 35, k, 2, 1, 1, 1, 6, 201));
    problems.push_back(conv2d(10, 35, k, 2, 1, 1, 1, 3, 51));
    problems.back().spec.transposed = true;
  }
  for (int64_t k = 3; k <= 4; ++k) {
    for (int64_t size = 1; size <= 3; size += 2) {
      Problem p = conv2d(150, 141, k, 2, 1, 1, 1, size, size + 1);
      p.spec.transposed = true;
      p.input_shape[0] = 3;
      problems.push_back(p);
    }
  }
  depth = conv2d(101, 73, 3, 1, 1, 1, 1, 4, 7);
  depth.spec.dims = 3;
  depth.spec.kernel[0] = 3;
  depth.spec.pad_low[0] = depth.spec.pad_high[0] = 2;
  depth.input_shape.insert(depth.input_shape.begin() + 2, 3);
  problems.push_back(depth);
  return problems;
}

// Few output channels, in planes that are cut to chunks.
std::vector<Problem> narrow_problems() {
  std::vector<Problem> problems;
  for (bool transposed : {false, true}) {
    for (int64_t k = 1; k <= 9; k += 2) {
      for (int64_t dilation = 1; dilation <= 2; ++dilation) {
        Problem p = conv2d(17, 1, k, transposed ? 1 + k / 2 : 1, k / 2, dilation, 1, 70, 101);
        p.spec.transposed = transposed;
        if (transposed) p.spec.output_padding = {0, k / 2, 0};
        problems.push_back(p);
      }
    }
  }
  Problem wide = conv2d(33, 2, 4, 2, 1, 1, 1, 1, 3000);  // cut along the row
  wide.spec.kernel[1] = wide.spec.stride[1] = 1;
  wide.spec.pad_low[1] = wide.spec.pad_high[1] = 0;
  wide.spec.transposed = true;
  problems.push_back(wide);
  return problems;
}

bool close(float got, float expected) {
  // torch.testing.assert_close for float32.
  return std::fabs(got - expected) <= 1e-5 + 1.3e-6 * std::fabs(expected);
}

struct Data {
  std::vector<float> input, weight, bias;
};

// What finished outputs are cut to.
constexpr float kLow = -0.1f, kHigh = 0.8f;

std::vector<float> run(Conv& conv, const Problem& p, const Data& data, const std::string& algorithm,
                       int64_t batch, const std::vector<float>* other = nullptr) {
  std::vector<int64_t> shape = p.input_shape;
  shape[0] = batch;
  const ConvShape sizes = infer_shape(p.spec, shape, nullptr);
  std::vector<float> out(static_cast<size_t>(batch * p.spec.out_channels * sizes.out_plane()),
                         std::nanf(""));
  ConvOptions options;
  options.algorithm = algorithm;
  Workspace workspace;
  Finish finish{0, kLow, kHigh};
  if (other)
    finish.other = static_cast<int64_t>(reinterpret_cast<intptr_t>(other->data()) -
                                        reinterpret_cast<intptr_t>(out.data()));
  conv.run(sizes, options, {data.weight.data(), 1},
           {data.input.data(), p.bias ? data.bias.data() : nullptr, out.data(),
            other ? &finish : nullptr},
           &workspace);
  return out;
}

// A blocked algorithm, if there is one, between tensors as PyTorch has them; or one that takes them
// and gives blocks: that is tried first where `from` says so.
std::vector<float> run_blocked(const KernelTable& table, const Problem& p, const Data& data,
                               int64_t batch, int threads, const std::vector<float>* other,
                               Format from) {
  std::vector<int64_t> shape = p.input_shape;
  shape[0] = batch;
  const ConvSpec& s = p.spec;
  const ConvShape sizes = infer_shape(s, shape, nullptr);
  if (s.padding_mode != PaddingMode::kConstant) return {};
  const BlockedSelection selection = select_blocked(s, sizes, table, false);
  const bool gives = selection.giving && (from == Format::kPlain || !selection.algorithm);
  const char* algorithm = gives ? selection.giving : selection.algorithm;
  if (!algorithm) return {};
  const auto plan =
      make_blocked_plan(algorithm, s, sizes, table, gives ? Format::kPlain : Format::kBlocked);
  AlignedFloats packed(plan->packed_floats());
  plan->pack(data.weight.data(), packed.data());
  const size_t in = static_cast<size_t>(batch * s.in_channels * sizes.in_plane());
  const size_t out = static_cast<size_t>(batch * s.out_channels * sizes.out_plane());
  std::vector<float> input(in), added(out), blocked(out, std::nanf("")), result(out);
  if (gives)
    std::copy_n(data.input.data(), in, input.data());
  else
    to_blocked(table, batch, s.in_channels, sizes.in_plane(), data.input.data(), input.data());
  Finish finish{0, kLow, kHigh};
  if (other) {
    to_blocked(table, batch, s.out_channels, sizes.out_plane(), other->data(), added.data());
    finish.other = static_cast<int64_t>(reinterpret_cast<intptr_t>(added.data()) -
                                        reinterpret_cast<intptr_t>(blocked.data()));
  }
  Workspace workspace;
  plan->run({input.data(), packed.data(), p.bias ? data.bias.data() : nullptr, blocked.data(),
             batch, workspace.get(plan->workspace_bytes(threads)), threads,
             other ? &finish : nullptr});
  from_blocked(table, batch, s.out_channels, sizes.out_plane(), blocked.data(), result.data());
  return result;
}

void test_blocked_from(Format from, const KernelTable& table, const Problem& p, const Data& data,
                       int64_t batch, const std::vector<float>& expected, Random& random) {
  set_num_threads(2);
  const std::vector<float> got = run_blocked(table, p, data, batch, 1, nullptr, from);
  if (got.empty()) return;
  const std::string what = std::string(table.isa) + " blocked " + text(p);
  size_t bad = 0;
  for (size_t i = 0; i < got.size(); ++i)
    bad += std::isfinite(expected[i]) ? !close(got[i], expected[i]) : std::isfinite(got[i]);
  check(bad == 0, what + ": " + std::to_string(bad) + " of " + std::to_string(got.size()) +
                      " elements differ from the reference");
  const std::vector<float> threaded = run_blocked(table, p, data, batch, 2, nullptr, from);
  const std::vector<float> first = run_blocked(table, p, data, 1, 1, nullptr, from);
  check(std::memcmp(got.data(), threaded.data(), got.size() * sizeof(float)) == 0,
        what + ": 2 threads differ from 1");
  check(std::memcmp(got.data(), first.data(), first.size() * sizeof(float)) == 0,
        what + ": batch 1 differs from the first of a batch");
  const std::vector<float> other = noise(random, static_cast<int64_t>(got.size()), 0.5f);
  const std::vector<float> finished = run_blocked(table, p, data, batch, 2, &other, from);
  bad = 0;
  for (size_t i = 0; i < got.size(); ++i)
    bad += std::isfinite(got[i]) && finished[i] != std::clamp(got[i] + other[i], kLow, kHigh);
  check(bad == 0, what + ": finished outputs differ from added and cut ones");
}

void test_blocked(const KernelTable& table, const Problem& p, const Data& data, int64_t batch,
                  const std::vector<float>& expected, Random& random) {
  test_blocked_from(Format::kBlocked, table, p, data, batch, expected, random);
  const BlockedSelection s =
      select_blocked(p.spec, infer_shape(p.spec, p.input_shape, nullptr), table, false);
  if (s.algorithm && s.giving)
    test_blocked_from(Format::kPlain, table, p, data, batch, expected, random);
}

// Channels in whole vectors of every instruction set.
std::vector<Problem> blocked_problems() {
  std::vector<Problem> problems;
  const int64_t sizes[][2] = {{1, 1}, {2, 7}, {5, 6}, {9, 17}, {14, 23}};
  for (const auto& size : sizes) {
    const int64_t h = size[0], w = size[1];
    for (int64_t stride = 1; stride <= 3; ++stride) {
      problems.push_back(conv2d(32, 48, 1, stride, 0, 1, 1, h, w));
      for (int64_t k : {1, 3, 4, 5}) {
        for (int64_t pad : {0, 1, 4}) {
          const int64_t dilation = 1 + (pad + k) % 2;
          if (dilation * (k - 1) + 1 <= std::min(h, w) + 2 * pad)
            problems.push_back(conv2d(32, 32, k, stride, pad, dilation, 32, h, w));
        }
      }
    }
    problems.push_back(conv2d(48, 32, 3, 1, 1, 1, 1, h, w));
    problems.push_back(conv2d(32, 64, 3, 1, 1, 1, 2, h, w));
    problems.push_back(conv2d(32, 32, 3, 2, 1, 1, 1, h + 8, w + 7));
    problems.push_back(conv2d(32, 32, 3, 1, 1, 1, 1, h + 8, w + 7));
  }
  problems.push_back(conv2d(1040, 16, 1, 1, 0, 1, 1, 3, 5));
  problems.push_back(conv2d(528, 80, 1, 2, 0, 1, 1, 3, 5));
  problems.push_back(conv2d(96, 96, 3, 1, 1, 1, 1, 4, 7));
  for (Problem& p : problems) p.input_shape[0] = 2;
  return problems;
}

void test_problem(const Problem& p, const std::vector<const KernelTable*>& tables, Random& random) {
  const ConvShape sizes = infer_shape(p.spec, p.input_shape, nullptr);
  const double fan = static_cast<double>(p.spec.taps() * p.spec.in_per_group());
  Data data{noise(random, sizes.batch * p.spec.in_channels * sizes.in_plane(), 1.0f),
            noise(random, p.spec.weight_size(), static_cast<float>(1.0 / std::sqrt(fan))),
            noise(random, p.spec.out_channels, 0.5f)};
  Conv oracle(p.spec, *tables[0]);
  const std::vector<float> expected = run(oracle, p, data, "reference", sizes.batch);
  for (const KernelTable* table : tables) {
    test_blocked(*table, p, data, sizes.batch, expected, random);
    Conv conv(p.spec, *table);
    for (const std::string& algorithm : conv.algorithms(sizes)) {
      if (algorithm == "reference") continue;
      const std::string what = std::string(table->isa) + " " + algorithm + " " + text(p);
      set_num_threads(1);
      const std::vector<float> got = run(conv, p, data, algorithm, sizes.batch);
      const int64_t packs = conv.packs();
      size_t bad = 0;
      for (size_t i = 0; i < got.size(); ++i) bad += !close(got[i], expected[i]);
      check(bad == 0, what + ": " + std::to_string(bad) + " of " + std::to_string(got.size()) +
                          " elements differ from the reference");
      set_num_threads(2);
      const std::vector<float> threaded = run(conv, p, data, algorithm, sizes.batch);
      const std::vector<float> first = run(conv, p, data, algorithm, 1);
      check(std::memcmp(got.data(), threaded.data(), got.size() * sizeof(float)) == 0,
            what + ": 2 threads differ from 1");
      check(std::memcmp(got.data(), first.data(), first.size() * sizeof(float)) == 0,
            what + ": batch 1 differs from the first of a batch");
      check(conv.packs() == packs, what + ": packed again");
      const std::vector<float> other = noise(random, static_cast<int64_t>(got.size()), 0.5f);
      std::vector<float> cut(got.size());
      for (size_t i = 0; i < got.size(); ++i) cut[i] = std::clamp(got[i] + other[i], kLow, kHigh);
      check(run(conv, p, data, algorithm, sizes.batch, &other) == cut,
            what + ": finished outputs differ from added and cut ones");
      test_given_weights(p.spec, sizes, *table, algorithm, data.weight, random, what);
    }
  }
}

// Inf and NaN reach the outputs whose windows hold them and no others.
void test_non_finite(const Problem& p, const std::vector<const KernelTable*>& tables,
                     Random& random) {
  const ConvShape sizes = infer_shape(p.spec, p.input_shape, nullptr);
  Data data{noise(random, p.spec.in_channels * sizes.in_plane(), 1.0f),
            noise(random, p.spec.weight_size(), 0.1f), noise(random, p.spec.out_channels, 0.5f)};
  data.input[data.input.size() / 2] = INFINITY;
  data.input[data.input.size() / 5] = NAN;
  Conv oracle(p.spec, *tables[0]);
  const std::vector<float> expected = run(oracle, p, data, "reference", 1);
  for (const KernelTable* table : tables) {
    test_blocked(*table, p, data, 1, expected, random);
    Conv conv(p.spec, *table);
    for (const std::string& algorithm : conv.algorithms(sizes)) {
      const std::vector<float> got = run(conv, p, data, algorithm, 1);
      size_t bad = 0;
      for (size_t i = 0; i < got.size(); ++i) {
        bad += std::isfinite(expected[i]) ? !close(got[i], expected[i])
                                          : std::isnan(got[i]) != std::isnan(expected[i]) ||
                                                (!std::isnan(got[i]) && got[i] != expected[i]);
      }
      check(bad == 0, std::string(table->isa) + " " + algorithm + " " + text(p) + ": " +
                          std::to_string(bad) + " elements wrong around Inf and NaN");
    }
  }
}

void test_packing() {
  Problem p = conv2d(4, 8, 3, 1, 1, 1, 1, 6, 6);
  Random random(7);
  Data data{noise(random, 4 * 36, 1.0f), noise(random, p.spec.weight_size(), 1.0f),
            noise(random, 8, 1.0f)};
  Conv conv(p.spec, kernels());
  const ConvShape sizes = infer_shape(p.spec, p.input_shape, nullptr);
  std::vector<float> out(8 * 36), changed(8 * 36);
  Workspace workspace;
  const auto call = [&](int64_t version, std::vector<float>& to) {
    conv.run(sizes, {}, {data.weight.data(), version}, {data.input.data(), nullptr, to.data()},
             &workspace);
  };
  call(5, out);
  call(5, out);
  check(conv.packs() == 1, "the same version packs once");
  data.weight[0] += 1.0f;
  call(6, changed);
  check(conv.packs() == 2 && out != changed, "a new version packs again");
  call(-1, out);
  call(-1, out);
  check(conv.packs() == 3 && out == changed, "an unknown version packs once");
  data.weight[0] += 1.0f;
  call(-1, out);
  check(conv.packs() == 4 && out != changed, "an unknown version sees a changed weight");

  const auto prepared = conv.prepare(sizes, {}, {data.weight.data(), 7});
  conv.run(prepared, sizes, {data.input.data(), nullptr, out.data()}, &workspace);
  for (float& w : data.weight) w = 3.0f;
  call(8, changed);
  std::vector<float> again(8 * 36);
  conv.run(prepared, sizes, {data.input.data(), nullptr, again.data()}, &workspace);
  check(again == out && again != changed, "a prepared run keeps its weights");
}

void test_errors() {
  const auto rejects = [](const char* what, auto change) {
    ConvSpec spec;
    change(spec);
    bool threw = false;
    try {
      validate(spec);
    } catch (const Error&) {
      threw = true;
    }
    check(threw, std::string("rejects ") + what);
  };
  rejects("stride 0", [](ConvSpec& s) { s.stride[2] = 0; });
  rejects("dilation 0", [](ConvSpec& s) { s.dilation[1] = 0; });
  rejects("negative padding", [](ConvSpec& s) { s.pad_low[2] = -1; });
  rejects("groups that don't divide", [](ConvSpec& s) { s.groups = 2; });
  rejects("output padding of a convolution", [](ConvSpec& s) { s.output_padding[2] = 1; });
  rejects("output padding as large as the stride", [](ConvSpec& s) {
    s.transposed = true;
    s.output_padding[2] = 1;
  });
  rejects("weights too large",
          [](ConvSpec& s) { s.in_channels = s.out_channels = s.kernel[2] = 1 << 30; });
}

}  // namespace
}  // namespace nnconv

int main() {
  using namespace nnconv;
  std::vector<const KernelTable*> tables;
  std::string names;
  std::vector<std::string> isas = cpu_info().isas;
  if (const char* forced = std::getenv("NNCONV_ISA")) {
    if (*forced) isas = {forced};
  }
  for (const std::string& isa : isas) {
    const KernelTable* table = kernels_for(isa.c_str());
    if (!table) continue;
    tables.push_back(table);
    names += " " + isa;
  }
#if defined(NNCONV_WIDE_TEST)
  tables.push_back(kernels_wide_test());
  names += " wide_test";
#endif
  if (tables.empty()) {
    std::printf("no usable instruction set\n");
    return 1;
  }
  const char* rounds_text = std::getenv("NNCONV_SELFTEST_ROUNDS");
  const int rounds = rounds_text ? std::atoi(rounds_text) : 400;
  Random random(20240229);
  try {
    for (const Problem& p : picked_problems()) test_problem(p, tables, random);
    for (const Problem& p : blocked_problems()) {
      test_problem(p, tables, random);
      Problem one = p;
      one.input_shape[0] = 1;
      test_non_finite(one, tables, random);
    }
    for (const Problem& p : narrow_problems()) test_problem(p, tables, random);
    for (const Problem& p : winograd_problems()) {
      test_problem(p, tables, random);
      test_non_finite(p, tables, random);
    }
    for (int i = 0; i < rounds; ++i) test_problem(random_problem(random), tables, random);
    test_packing();
    test_errors();
    test_runtime(check);
    test_layout(random);
    test_graphs(tables, rounds, random);
  } catch (const std::exception& e) {
    check(false, std::string("exception: ") + e.what());
  }
  std::printf("instruction sets:%s\nself-test: %d passed, %d failed\n", names.c_str(), passed,
              failed);
  return failed ? 1 : 0;
}
