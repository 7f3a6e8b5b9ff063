#include "algorithm/direct_panel.h"

#include <algorithm>
#include <map>
#include <utility>

#include "runtime/cpu.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

// Pieces of a plane, at least, where they are worth it.
constexpr int64_t kShares = 8;

// Cuts a row where much of it misses a tap on padding; a few pixels are not worth a tile of their
// own.
std::vector<Region> make_regions(const LatticeAxis& row, int64_t worth) {
  std::vector<int64_t> cuts = {0, row.count};
  for (const LatticeTap& tap : row.taps) {
    for (int64_t cut : {tap.lo, tap.hi}) {
      if (cut >= worth && cut <= row.count - worth) cuts.push_back(cut);
    }
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::vector<Region> regions;
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    Region region{cuts[i], cuts[i + 1], {}};
    for (const LatticeTap& tap : row.taps)
      region.meets.push_back(tap.lo < region.end && tap.hi > region.start);
    regions.push_back(std::move(region));
  }
  return regions;
}

// Taps share a stream where they read the same residue of the step, not far from each other.
RowLayout make_layout(const LatticeAxis& row, int64_t span, int64_t channels, bool listed) {
  constexpr int64_t kNear = 32;
  RowLayout layout{row.in_step, span, {}, 0, {}, {}, {}};
  std::vector<LatticeTap> taps = row.taps;
  std::sort(taps.begin(), taps.end(),
            [](const LatticeTap& a, const LatticeTap& b) { return a.offset < b.offset; });
  for (const LatticeTap& tap : taps) {
    const auto near =
        std::find_if(layout.streams.begin(), layout.streams.end(), [&](const Stream& stream) {
          return (tap.offset - stream.first) % row.in_step == 0 &&
                 (tap.offset - stream.first) / row.in_step + span <= stream.length + kNear;
        });
    if (near == layout.streams.end())
      layout.streams.push_back({tap.offset, span, 0});
    else
      near->length = (tap.offset - near->first) / row.in_step + span;
  }
  for (Stream& stream : layout.streams) {
    stream.at = layout.floats;
    layout.floats += stream.length;
  }
  for (const LatticeTap& tap : row.taps) {
    for (const Stream& stream : layout.streams) {
      const int64_t pixels = (tap.offset - stream.first) / row.in_step;
      if (tap.offset < stream.first || (tap.offset - stream.first) % row.in_step != 0 ||
          pixels + span > stream.length)
        continue;
      layout.taps.push_back(stream.at + pixels);
      break;
    }
    for (int64_t c = 0; listed && c < channels; ++c)
      layout.steps.push_back(static_cast<int32_t>(layout.taps.back() + c * layout.floats));
  }
  // Listed steps are the same for a whole row.
  layout.regions = make_regions(row, listed ? row.count : 4);
  return layout;
}

}  // namespace

DirectPanelPlan::DirectPanelPlan(const ConvSpec& spec, const ConvShape& shape,
                                 const KernelTable& kernels, std::vector<ChannelBlock> blocks,
                                 const Traits& traits)
    : spec_(spec),
      shape_(shape),
      kernels_(kernels),
      weights_(spec, shape, std::move(blocks)),
      traits_(traits),
      covered_(lattices_cover(weights_.lattices(), shape)) {
  for (size_t i = 0; i < weights_.lattices().size(); ++i) add_lattice(i);
}

void DirectPanelPlan::add_lattice(size_t index) {
  const Lattice& l = weights_.lattices()[index];
  const LatticeAxis& row = l.axis[2];
  max_taps_ = std::max(max_taps_, l.taps());
  // The rows that one output row meets must fit the cache, or a part of each.
  const int64_t row_taps = static_cast<int64_t>(l.axis[0].taps.size() * l.axis[1].taps.size());
  const int64_t cache = cpu_info().l2_bytes / 2 / 4;
  constexpr int64_t kLeastSpan = 96;
  const int64_t streams = std::min<int64_t>(row.in_step, static_cast<int64_t>(row.taps.size()));
  const int64_t most = std::max(
      kLeastSpan,
      cache / ((row_taps + zero_rows()) * std::max<int64_t>(1, spec_.in_per_group() * streams)));
  // Few rows and passes leave threads nothing else to share.
  const int64_t pieces = std::max<int64_t>(1, l.axis[0].count * l.axis[1].count * traits_.passes);
  const int64_t spans =
      std::max(ceil_div(row.count, most), std::min(kShares / pieces, row.count / kLeastSpan));
  layouts_.push_back(make_layout(row, spans ? ceil_div(row.count, spans) : 0, spec_.in_per_group(),
                                 traits_.listed));
  for (int64_t i = 0; i < spans; ++i)
    add_chunks(index, row.count * i / spans, row.count * (i + 1) / spans);
}

void DirectPanelPlan::add_chunks(size_t index, int64_t x0, int64_t x1) {
  const Lattice& l = weights_.lattices()[index];
  const LatticeAxis& axis = l.axis[1];
  const int64_t rows = l.axis[0].count * axis.count;
  // Rows [inside, outside) of a plane have no tap on padding.
  int64_t inside = 0, outside = axis.count;
  for (const LatticeTap& tap : axis.taps) {
    inside = std::max(inside, tap.lo);
    outside = std::min(outside, tap.hi);
  }
  for (int64_t r = 0; r < rows;) {
    if (r > 0) {
      const Chunk& last = chunks_.back();
      const int64_t count = last.row1 - last.row0, plane = r / axis.count * axis.count;
      if (last.row0 >= plane + inside && r + count <= plane + outside) {
        chunks_.push_back(
            Chunk{index, r, r + count, x0, x1, last.rows, last.shift + count * axis.in_step});
        r += count;
        continue;
      }
    }
    const int64_t end = add_panel_rows(index, r);
    chunks_.push_back(Chunk{index, r, end, x0, x1, panel_rows_.size() - 1, 0});
    r = end;
  }
}

// Lists what the output rows from row0 on meet, as many of them as fit; returns where they end.
int64_t DirectPanelPlan::add_panel_rows(size_t index, int64_t row0) {
  const Lattice& l = weights_.lattices()[index];
  const int64_t rows = l.axis[0].count * l.axis[1].count;
  const int64_t fit = cpu_info().l2_bytes / 2 / 4 / std::max<int64_t>(1, panel_row(index));
  // Few passes leave threads nothing to share but chunks.
  const int64_t most = std::max<int64_t>(1, ceil_div(rows * traits_.passes, kShares));
  std::map<int64_t, int32_t> found;  // panel rows by input row
  PanelRows panel;
  std::vector<int64_t> needed;  // input rows by tap, -1 on padding
  int64_t r = row0;
  for (; r < rows; ++r) {
    const int64_t q0 = r / l.axis[1].count, q1 = r % l.axis[1].count;
    needed.clear();
    int64_t fresh = 0;
    for (const LatticeTap& t0 : l.axis[0].taps) {
      for (const LatticeTap& t1 : l.axis[1].taps) {
        const bool outside = q0 < t0.lo || q0 >= t0.hi || q1 < t1.lo || q1 >= t1.hi;
        const int64_t d = q0 * l.axis[0].in_step + t0.offset;
        const int64_t h = q1 * l.axis[1].in_step + t1.offset;
        needed.push_back(outside ? -1 : d * l.axis[1].in_size + h);
        fresh += !outside && found.count(needed.back()) == 0;
      }
    }
    if (r > row0 && static_cast<int64_t>(panel.input_rows.size()) + fresh > fit) break;
    if (r - row0 == most) break;
    for (int64_t input_row : needed) {
      int32_t slot = -1;
      if (input_row >= 0) {
        const auto [entry, added] =
            found.emplace(input_row, static_cast<int32_t>(panel.input_rows.size()));
        if (added) panel.input_rows.push_back(input_row);
        slot = entry->second;
      }
      panel.slots.push_back(slot);
    }
  }
  panel_floats_ =
      std::max(panel_floats_,
               (static_cast<int64_t>(panel.input_rows.size()) + zero_rows()) * panel_row(index));
  panel_rows_.push_back(std::move(panel));
  return r;
}

void DirectPanelPlan::copy_panel(const float* input, const Chunk& chunk, Range rows,
                                 float* panel) const {
  const Lattice& l = weights_.lattices()[chunk.lattice];
  const RowLayout& layout = layouts_[chunk.lattice];
  const int64_t in = spec_.in_per_group(), width = l.axis[2].in_size;
  const int64_t step = layout.step;
  const std::vector<int64_t>& input_rows = panel_rows_[chunk.rows].input_rows;
  const int64_t last = static_cast<int64_t>(input_rows.size());
  panel += rows.begin * panel_row(chunk.lattice);
  for (int64_t r = rows.begin; r < std::min(rows.end, last); ++r) {
    const int64_t key = input_rows[static_cast<size_t>(r)] + chunk.shift;
    const float* row =
        input + key / l.axis[1].in_size * l.in_stride[0] + key % l.axis[1].in_size * l.in_stride[1];
    for (const Stream& stream : layout.streams) {
      // Pixels [lo, hi) of the stream are inside the input.
      const int64_t x = stream.first + chunk.x0 * step, length = stream.length;
      const int64_t lo = std::min(length, x >= 0 ? 0 : ceil_div(-x, step));
      const int64_t hi =
          std::clamp<int64_t>(x >= width ? 0 : (width - 1 - x) / step + 1, lo, length);
      const RowCopy copy{
          row + x, shape_.in_plane(), panel + stream.at, layout.floats, in, step, lo, hi, length};
      kernels_.copy_row(&copy);
    }
    panel += in * layout.floats;
  }
  if (rows.end > last) std::fill_n(panel, (rows.end - last) * panel_row(chunk.lattice), 0.0f);
}

void DirectPanelPlan::run_row(const ConvArgs& args, int64_t ng, const Chunk& chunk, int64_t row,
                              int64_t pass, const Scratch& scratch) const {
  const Lattice& l = weights_.lattices()[chunk.lattice];
  const LatticeAxis& axis = l.axis[2];
  const RowLayout& layout = layouts_[chunk.lattice];
  const int64_t in = spec_.in_per_group(), out = spec_.out_per_group();
  const PanelRows& panel = panel_rows_[chunk.rows];
  const int64_t zeros = static_cast<int64_t>(panel.input_rows.size());
  const size_t row_taps = l.axis[0].taps.size() * l.axis[1].taps.size();
  const int32_t* slots = panel.slots.data() + static_cast<size_t>(row - chunk.row0) * row_taps;
  const int64_t n = ng / spec_.groups, g = ng % spec_.groups;
  const int64_t q0 = row / l.axis[1].count, q1 = row % l.axis[1].count;
  float* output = args.output + (n * spec_.out_channels + g * out) * shape_.out_plane() +
                  ((l.axis[0].start + q0 * l.axis[0].step) * l.out_stride[0] +
                   (l.axis[1].start + q1 * l.axis[1].step) * l.out_stride[1] + axis.start) *
                      traits_.pixel;
  for (const Region& region : layout.regions) {
    int64_t segments = 0, steps = 0;
    for (size_t i = 0; i < row_taps; ++i) {
      const int64_t base = (slots[i] < 0 ? zeros : slots[i]) * panel_row(chunk.lattice);
      if (traits_.listed) {
        for (int32_t step : layout.steps)
          scratch.steps[steps++] = static_cast<int32_t>(base) + step;
        continue;
      }
      for (size_t j = 0; slots[i] >= 0 && j < layout.taps.size(); ++j) {
        if (!region.meets[j]) continue;
        const int64_t packed = static_cast<int64_t>(i * layout.taps.size() + j) * in;
        scratch.segments[segments++] = {base + layout.taps[j], packed, in, 0, 0, 0};
      }
    }
    const int64_t start = std::max(region.start, chunk.x0), end = std::min(region.end, chunk.x1);
    if (start >= end) continue;
    run_tiles(args,
              {g, chunk.lattice, scratch.panel, chunk.x0, start, end, scratch.segments, segments,
               scratch.steps, steps, layout.floats, output, row - chunk.row0},
              pass);
  }
}

void DirectPanelPlan::run(const ConvArgs& args) const {
  if (!covered_) fill_bias(args, spec_.out_channels, shape_.out_plane());
  const int64_t chunks = static_cast<int64_t>(chunks_.size());
  const int64_t planes = args.batch * spec_.groups * chunks;
  char* workspace = static_cast<char*>(args.workspace);
  const auto scratch_of = [&](int thread, int panel_of) {
    char* bytes = workspace + static_cast<size_t>(thread) * thread_bytes();
    char* panel = workspace + static_cast<size_t>(panel_of) * thread_bytes();
    return Scratch{reinterpret_cast<float*>(panel),
                   reinterpret_cast<Segment*>(bytes + panel_bytes()),
                   reinterpret_cast<int32_t*>(bytes + panel_bytes() + segment_bytes())};
  };
  const auto copy = [&](int64_t plane, Range rows, float* panel) {
    const int64_t ng = plane / chunks, n = ng / spec_.groups, g = ng % spec_.groups;
    copy_panel(args.input + (n * spec_.in_channels + g * spec_.in_per_group()) * shape_.in_plane(),
               chunks_[static_cast<size_t>(plane % chunks)], rows, panel);
  };
  const auto run_rows = [&](int64_t plane, int64_t pass, Range rows, const Scratch& scratch) {
    for (int64_t row = rows.begin; row < rows.end; ++row)
      run_row(args, plane / chunks, chunks_[static_cast<size_t>(plane % chunks)], row, pass,
              scratch);
  };
  if (args.threads == 1 || planes >= 4 * args.threads) {
    parallel_for(planes, args.threads, [&](int64_t plane, int thread) {
      const Chunk& chunk = chunks_[static_cast<size_t>(plane % chunks)];
      const Scratch scratch = scratch_of(thread, thread);
      copy(plane, {0, panel_rows(chunk)}, scratch.panel);
      for (int64_t pass = 0; pass < traits_.passes; ++pass)
        run_rows(plane, pass, {chunk.row0, chunk.row1}, scratch);
    });
    return;
  }
  // Few chunks: threads share the panel of each and then its outputs.
  for (int64_t plane = 0; plane < planes; ++plane) {
    const Chunk& chunk = chunks_[static_cast<size_t>(plane % chunks)];
    const int64_t copies = std::min<int64_t>(panel_rows(chunk), 4 * args.threads);
    parallel_for(copies, args.threads, [&](int64_t i, int thread) {
      copy(plane, part_of(panel_rows(chunk), i, copies), scratch_of(thread, 0).panel);
    });
    const int64_t rows = chunk.row1 - chunk.row0;
    const int64_t parts = std::min(rows, ceil_div(4 * args.threads, traits_.passes));
    parallel_for(traits_.passes * parts, args.threads, [&](int64_t i, int thread) {
      const Range part = part_of(rows, i % parts, parts);
      run_rows(plane, i / parts, {chunk.row0 + part.begin, chunk.row0 + part.end},
               scratch_of(thread, 0));
    });
  }
}

bool supports_panels(const ConvSpec& spec) {
  constexpr int64_t kMostRows = 1024;
  return spec.in_channels > 0 && spec.kernel[0] * spec.kernel[1] <= kMostRows;
}

}  // namespace nnconv
