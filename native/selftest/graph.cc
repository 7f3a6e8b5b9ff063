// Networks, among them such as keep tensors in blocks of channels: that tensors which are alive
// together lie apart, and that random networks compute the same whether memory is used again or
// not, whatever the batch and the threads.
#include "graph/graph.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "graph/conv_operation.h"
#include "graph/memory.h"
#include "graph/operations.h"
#include "problem/error.h"
#include "runtime/parallel.h"
#include "selftest/selftest.h"

namespace nnconv {
namespace {

void check_layout(const std::vector<Lifetime>& lives, const std::string& what) {
  const Layout layout = lay_out(lives);
  int64_t total = 0;
  bool ok = layout.offsets.size() == lives.size();
  for (size_t a = 0; ok && a < lives.size(); ++a) {
    const int64_t begin = layout.offsets[a], end = begin + lives[a].floats;
    ok = begin >= 0 && begin % 16 == 0 && end <= layout.floats;
    total += (lives[a].floats + 15) / 16 * 16;
    for (size_t b = 0; ok && b < a; ++b) {
      const bool together = lives[a].first <= lives[b].last && lives[b].first <= lives[a].last;
      const bool overlap = begin < layout.offsets[b] + lives[b].floats && layout.offsets[b] < end;
      ok = !(together && overlap);
    }
  }
  check(ok && layout.floats <= total, "layout of " + what);
}

// A network as it grows; a node that doesn't fit is left out.
struct Builder {
  const KernelTable& kernels;
  std::vector<float> weight;
  std::vector<Node> nodes;
  std::vector<Shape> shapes;
  bool many = false;  // channels

  void add(std::unique_ptr<Operation> operation, std::vector<size_t> inputs) {
    std::vector<Shape> from;
    for (size_t value : inputs) from.push_back(shapes[value]);
    try {
      const Shape shape = operation->output_shape(from);
      if (checked(shape) > 20000) return;
      shapes.push_back(shape);
    } catch (const Error&) {
      return;
    }
    nodes.push_back({std::move(operation), std::move(inputs)});
  }
  static int64_t checked(const Shape& shape) {
    int64_t count = 1;
    for (int64_t size : shape) count *= size;
    return count;
  }
};

std::unique_ptr<Operation> random_conv(const Builder& b, const Shape& input, bool adds,
                                       Random& random) {
  const bool many = b.many;
  ConvNode node;
  node.spec.dims = 2;
  node.spec.in_channels = input.size() == 4 ? input[1] : 4;
  const int64_t blocks = 16 * pick(random, 1, 2);  // whole vectors of every instruction set
  node.spec.out_channels = adds ? node.spec.in_channels : many ? blocks : pick(random, 1, 9);
  if (many && !adds && node.spec.in_channels % 16 == 0 && pick(random, 0, 2) == 0)
    node.spec.groups = node.spec.out_channels = node.spec.in_channels;
  node.spec.transposed = !adds && node.spec.groups == 1 && pick(random, 0, 4) == 0;
  // A depthwise kernel of 25 taps is worth two reorders.
  const int64_t k = node.spec.groups > 1 ? 5 : pick(random, 0, 1) ? 3 : 1;
  node.spec.kernel = {1, k, k};
  node.spec.pad_low = node.spec.pad_high = {0, k / 2, k / 2};
  if (node.spec.weight_size() > static_cast<int64_t>(b.weight.size())) return nullptr;
  // Some are given up: nobody may ask for them again.
  const auto given = std::make_shared<bool>(false);
  const std::string what = "weights of a " + node.spec.name() + " are gone";
  node.weight = [given, what, data = b.weight.data()] {
    check(!*given, what);
    return data;
  };
  if (pick(random, 0, 1)) node.give_up = [given] { return *given = true; };
  const size_t out = static_cast<size_t>(node.spec.out_channels);
  if (pick(random, 0, 1)) node.bias = noise(random, node.spec.out_channels, 0.5f);
  if (pick(random, 0, 1)) node.scale.assign(out, 0.75);
  node.adds = adds;
  node.cuts = pick(random, 0, 1) == 1;
  node.lo = -1.0f;
  node.hi = 2.0f;
  return make_conv_operation(std::move(node), b.kernels);
}

void add_random_node(Builder* b, Random& random) {
  const auto value = [&] {
    const int64_t last = static_cast<int64_t>(b->shapes.size()) - 1;
    return static_cast<size_t>(pick(random, 0, 1) ? last : pick(random, 0, last));
  };
  const size_t x = value(), y = value();
  const Shape& shape = b->shapes[x];
  switch (pick(random, 0, 9)) {
    case 0:
    case 1: {
      auto conv = random_conv(*b, shape, false, random);
      if (conv) b->add(std::move(conv), {x});
      break;
    }
    case 2: {
      auto conv = random_conv(*b, shape, true, random);
      if (conv) b->add(std::move(conv), {x, y});
      break;
    }
    case 3:
      b->add(make_activation_operation(kLeakyRelu, 0.25f, 0.0f, b->kernels), {x});
      break;
    case 4:
      b->add(make_binary_operation(pick(random, 0, 1) ? kAdd : kSub, b->kernels), {x, y});
      break;
    case 5: {
      std::vector<size_t> inputs{x, y};
      if (pick(random, 0, 1)) inputs.push_back(value());
      b->add(make_cat_operation(inputs.size(), pick(random, 0, 1)), inputs);
      break;
    }
    case 6:
      b->add(make_reshape_operation({1, -1, 5, 1}), {x});
      break;
    case 7:
      b->add(make_permute_operation({0, 1, 3, 2}), {x});
      break;
    case 8: {
      b->add(make_mean_operation({1}, true, b->kernels), {x});
      if (pick(random, 0, 1)) break;
      // A concatenation that may be computed over, and a part of it that is still read.
      const size_t part = b->shapes.size() - 1;
      b->add(make_cat_operation(2, 1), {part, x});
      b->add(make_binary_operation(kSub, b->kernels), {b->shapes.size() - 1, part});
      b->add(make_permute_operation({0, 1, 3, 2}), {b->shapes.size() - 1});
      break;
    }
    default:
      b->add(make_linear_operation({shape.empty() ? 1 : shape.back(),
                                    5,
                                    [data = b->weight.data()] { return data; },
                                    {},
                                    true,
                                    0.0f,
                                    1.0f},
                                   b->kernels),
             {x});
  }
}

Builder random_network(const KernelTable& kernels, uint32_t seed) {
  Random random(seed);
  Builder b{kernels, noise(random, 4000, 0.3f), {}, {{1, 4, 6, 5}}};
  b.many = pick(random, 0, 1) == 1;
  for (int64_t n = pick(random, 2, 14); n > 0; --n) add_random_node(&b, random);
  return b;
}

using Results = std::vector<std::vector<float>>;

Results run(Graph& graph, const std::vector<float>& input, const Shape& shape) {
  const std::shared_ptr<const GraphPlan> plan = graph.plan({shape});
  Results results;
  std::vector<float*> outputs;
  for (const Shape& out : plan->output_shapes())
    results.emplace_back(static_cast<size_t>(Builder::checked(out)), std::nanf(""));
  for (std::vector<float>& result : results) outputs.push_back(result.data());
  const float* inputs[] = {input.data()};
  graph.find_weights();
  std::unique_ptr<RunMemory> memory = graph.take_memory();
  check(plan->run(inputs, outputs.data(), memory.get(), nullptr, nullptr), "a network runs");
  graph.give_memory(std::move(memory));
  return results;
}

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

void test_graph(const KernelTable& kernels, uint32_t seed) {
  const std::string what = std::string(kernels.isa) + " network " + std::to_string(seed);
  Random random(seed + 1);
  const std::vector<float> input = noise(random, 4 * 6 * 5, 1.0f);
  const Shape shape{1, 4, 6, 5};
  set_num_threads(1);

  // Each value as it is while all are kept.
  Builder all = random_network(kernels, seed);
  const size_t count = all.nodes.size() + 1;
  std::vector<size_t> outputs(count);
  for (size_t value = 0; value < count; ++value) outputs[value] = value;
  Graph whole(1, std::move(all.nodes), outputs, nullptr, kernels);
  const Results kept = run(whole, input, shape);
  bool numbers = true;
  for (float v : kept.back()) numbers = numbers && !std::isnan(v);
  check(numbers, what + ": every element is written");

  Builder again = random_network(kernels, seed);
  std::vector<size_t> some{count - 1};
  if (pick(random, 0, 1))
    some.push_back(static_cast<size_t>(pick(random, 0, static_cast<int64_t>(count) - 1)));
  Graph reused(1, std::move(again.nodes), some, &whole, kernels);
  for (int threads : {1, 2}) {
    set_num_threads(threads);
    const Results got = run(reused, input, shape);
    bool ok = true;
    for (size_t o = 0; o < some.size(); ++o) ok = ok && same(got[o], kept[some[o]]);
    check(ok, what + ": memory used again, " + std::to_string(threads) + " threads");
  }
  const std::atomic<bool> cancelled{true};
  const std::shared_ptr<const GraphPlan> plan = reused.plan({shape});
  std::vector<std::vector<float>> results(kept.size());
  std::vector<float*> nowhere(some.size(), nullptr);
  const float* inputs[] = {input.data()};
  RunMemory memory;
  check(plan->steps().empty() || !plan->run(inputs, nowhere.data(), &memory, &cancelled, nullptr),
        what + ": stops before the first step");
}

}  // namespace

void test_layout(Random& random) {
  check_layout({}, "nothing");
  check_layout({{0, 0, 0}, {0, 0, 5}, {7, 1, 2}, {0, 2, 2}}, "empty tensors");
  for (int i = 0; i < 300; ++i) {
    std::vector<Lifetime> lives;
    const int64_t steps = pick(random, 1, 40);
    for (int64_t n = pick(random, 1, 60); n > 0; --n) {
      const int64_t first = pick(random, 0, steps);
      const int64_t floats = pick(random, 0, pick(random, 0, 3) ? 50 : 2000);
      lives.push_back({floats, first, first + pick(random, 0, pick(random, 0, 3) ? 3 : steps)});
    }
    check_layout(lives, "random lifetimes " + std::to_string(i));
  }
  bool threw = false;
  try {
    lay_out(std::vector<Lifetime>(3000, {(int64_t{1} << 53) - 1, 0, 1}));
  } catch (const Error&) {
    threw = true;
  }
  check(threw, "more than 64 bits count is refused");
}

void test_graphs(const std::vector<const KernelTable*>& tables, int rounds, Random& random) {
  for (int i = 0; i < rounds; ++i) {
    const uint32_t seed = random();
    for (const KernelTable* table : tables) test_graph(*table, seed);
  }
}

}  // namespace nnconv
