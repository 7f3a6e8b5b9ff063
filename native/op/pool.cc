// Pooling as tables of windows, one for each dimension, whatever they came from. Three ways, chosen
// by the windows alone:
//   spans     the windows hold whole rows (global pooling): one reduction over contiguous floats
//   lattice   column windows at a small fixed step: vectors of outputs
//   windows   any column windows: rows are joined by vectors, columns one output at a time
#include "op/pool.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "op/work.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

// Sums of more rows or columns than this are made in double.
constexpr int64_t kMostFloatTaps = 16;

struct Windows {
  std::vector<int64_t> first, count;
  std::vector<float> divisor;
  int64_t step = 1;
  int64_t most = 0;  // the largest count

  Windows(const PoolSpec& spec, const PoolShape& shape, int dim)
      : step(spec.adaptive ? 1 : spec.dilation[dim]) {
    for (int64_t i = 0; i < shape.out[dim]; ++i) {
      const PoolWindow w = pool_window(spec, shape, dim, i);
      first.push_back(w.first);
      count.push_back(w.count);
      divisor.push_back(spec.has_divisor ? 1.0f : static_cast<float>(w.divisor));
      most = std::max(most, w.count);
    }
  }
};

// Column windows at a fixed step.
struct Lattice {
  int64_t kernel, stride, dilation, pad;
  bool regular = true;

  Lattice(const PoolSpec& spec, const PoolShape& shape)
      : kernel(spec.kernel[2]),
        stride(spec.stride[2]),
        dilation(spec.dilation[2]),
        pad(spec.padding[2]) {
    if (!spec.adaptive) return;
    regular = shape.in[2] % shape.out[2] == 0;
    kernel = stride = shape.in[2] / shape.out[2];
    dilation = 1;
    pad = 0;
  }
};

// The rows of a plane, in pieces that are worth a thread's while.
struct RowUnits {
  int64_t out_rows, rows, count;
  int64_t floats;  // that a piece reads

  RowUnits(int64_t row_floats, int64_t all) : out_rows(all) {
    constexpr int64_t kFloats = 1 << 15;
    rows = std::clamp<int64_t>(kFloats / std::max<int64_t>(1, row_floats), 1,
                               std::max<int64_t>(1, all));
    count = (all + rows - 1) / rows;
    floats = rows * row_floats;
  }
  int64_t begin(int64_t i) const { return i * rows; }
  int64_t end(int64_t i) const { return std::min(out_rows, (i + 1) * rows); }
};

class Pool {
 public:
  Pool(const PoolSpec& spec, const PoolShape& shape, const KernelTable& kernels)
      : spec_(spec),
        shape_(shape),
        kernels_(kernels),
        depth_(spec, shape, 0),
        rows_(spec, shape, 1),
        columns_(spec, shape, 2),
        lattice_(spec, shape),
        way_(choose()),
        units_(shape.in_plane() / (shape.out[0] * shape.out[1]), shape.out[1]) {
    const size_t row = way_ == kLattice   ? kPoolScratch * sizeof(float)
                       : way_ == kWindows ? shape.in[2] * sizeof(double)
                                          : 0;
    plane_bytes_ = align(depth_.most * sizeof(float*));
    thread_bytes_ = plane_bytes_ + align(row);
  }

  void run(const float* input, float* output, Workspace* workspace) const {
    // Another environment may change the number while this runs.
    const ThreadCount same(num_threads());
    char* const scratch =
        static_cast<char*>(workspace->get(static_cast<size_t>(num_threads()) * thread_bytes_));
    parallel_units(shape_.planes() * shape_.out[0] * units_.count, units_.floats,
                   [&](int64_t unit, int thread) {
                     const int64_t block = unit % units_.count, plane = unit / units_.count;
                     run_rows(input, output, plane / shape_.out[0], plane % shape_.out[0], block,
                              scratch + thread * thread_bytes_);
                   });
  }

 private:
  enum Way { kSpans, kLattice, kWindows };

  static size_t align(size_t bytes) { return (bytes + 63) / 64 * 64; }

  Way choose() const {
    if (shape_.out[2] == 1 && columns_.count[0] == shape_.in[2] &&
        (columns_.step == 1 || shape_.in[2] == 1) && (rows_.step == 1 || rows_.most <= 1))
      return kSpans;
    const bool exact = !spec_.average || (rows_.most * depth_.most <= kMostFloatTaps &&
                                          lattice_.kernel <= kMostFloatTaps);
    const bool fits = lattice_.regular && lattice_.stride <= kPoolMostStride &&
                      lattice_.dilation * (lattice_.kernel - 1) <= kPoolMostExtent;
    return exact && fits ? kLattice : kWindows;
  }

  void run_rows(const float* input, float* output, int64_t channel, int64_t depth, int64_t block,
                char* scratch) const {
    const int64_t area = shape_.in[1] * shape_.in[2];
    const float** planes = reinterpret_cast<const float**>(scratch);
    const int64_t count = depth_.count[depth];
    for (int64_t i = 0; i < count; ++i)
      planes[i] =
          input + channel * shape_.in_plane() + (depth_.first[depth] + i * depth_.step) * area;
    float* const out =
        output + channel * shape_.out_plane() + depth * shape_.out[1] * shape_.out[2];
    const float divisor =
        spec_.has_divisor ? static_cast<float>(spec_.divisor) : depth_.divisor[depth];
    const int64_t begin = units_.begin(block), end = units_.end(block);
    if (way_ == kSpans) {
      for (int64_t row = begin; row < end; ++row) out[row] = span(planes, count, row, divisor);
      return;
    }
    const PoolTile tile{planes,
                        count,
                        {shape_.in[1], shape_.in[2]},
                        shape_.out[2],
                        rows_.first.data(),
                        rows_.count.data(),
                        rows_.step,
                        lattice_.kernel,
                        lattice_.stride,
                        lattice_.dilation,
                        lattice_.pad,
                        columns_.first.data(),
                        columns_.count.data(),
                        columns_.step,
                        columns_.divisor.data(),
                        rows_.divisor.data(),
                        divisor,
                        out,
                        begin,
                        end,
                        scratch + plane_bytes_};
    const PoolTable& table = kernels_.pool;
    if (way_ == kLattice)
      (spec_.average ? table.average_lattice : table.max_lattice)(&tile);
    else
      (spec_.average ? table.average_windows : table.max_windows)(&tile);
  }

  // One output whose window holds whole rows.
  float span(const float* const* planes, int64_t count, int64_t row, float divisor) const {
    const int64_t first = rows_.first[row] * shape_.in[2];
    const int64_t length = rows_.count[row] * shape_.in[2];
    if (spec_.average) {
      double sum = 0.0;
      for (int64_t i = 0; i < count; ++i) sum += kernels_.reduce.sum(planes[i] + first, length);
      return static_cast<float>(
          sum / (static_cast<double>(divisor) * rows_.divisor[row] * columns_.divisor[0]));
    }
    float best = -std::numeric_limits<float>::infinity();
    for (int64_t i = 0; i < count; ++i) {
      const float m = kernels_.reduce.max(planes[i] + first, length);
      if (m > best || m != m) best = m;
    }
    return best;
  }

  const PoolSpec& spec_;
  const PoolShape& shape_;
  const KernelTable& kernels_;
  const Windows depth_, rows_, columns_;
  const Lattice lattice_;
  const Way way_;
  const RowUnits units_;
  size_t plane_bytes_, thread_bytes_;
};

}  // namespace

bool supports_pool_blocked(const PoolSpec& spec) { return spec.dims == 2 && !spec.average; }

std::function<void(const float*, float*)> make_pool_blocked(const PoolSpec& spec,
                                                            const PoolShape& shape,
                                                            const KernelTable& kernels) {
  const int64_t width = kernels.width, blocks = shape.planes() / width;
  const int64_t row_floats = shape.in_plane() / std::max<int64_t>(1, shape.out[1]) * width;
  return [&kernels, shape, width, blocks, units = RowUnits(row_floats, shape.out[1]),
          rows = Windows(spec, shape, 1),
          columns = Windows(spec, shape, 2)](const float* input, float* output) {
    if (blocks * shape.out_plane() == 0) return;
    parallel_units(blocks * units.count, units.floats, [&](int64_t unit, int) {
      const int64_t block = unit / units.count, part = unit % units.count;
      const BlockedPool tile{input + block * shape.in_plane() * width,
                             shape.in[2],
                             rows.first.data(),
                             rows.count.data(),
                             rows.step,
                             columns.first.data(),
                             columns.count.data(),
                             columns.step,
                             shape.out[2],
                             output + block * shape.out_plane() * width,
                             units.begin(part),
                             units.end(part)};
      kernels.blocked.max_pool(&tile);
    });
  };
}

void pool(const PoolSpec& spec, const PoolShape& shape, const float* input, float* output,
          const KernelTable& kernels, Workspace* workspace) {
  if (shape.planes() * shape.out_plane() == 0) return;
  Pool(spec, shape, kernels).run(input, output, workspace);
}

}  // namespace nnconv
