// Direct summation over panels: what every plan that copies its input rows shares.
//
// The input rows that a chunk of output rows meets are copied to a panel [row][channel][pixel],
// with zeros for padding and, where the window strides, pixels sorted by their residue. Then every
// tile reads neighbouring pixels, channels lie close together whatever the size of a plane, and all
// channel blocks use the panel while it is in the cache. Each output element sums taps and then
// channels in one fixed order, whatever the batch, the thread or the tile.
#pragma once

#include <vector>

#include "algorithm/direct.h"

namespace nnconv {

// Output pixels [start, end) of a row that meet the same taps of it.
struct Region {
  int64_t start, end;
  std::vector<bool> meets;  // by tap
};

// Input pixels first + x0 * step, first + (x0 + 1) * step, ... that one or several taps of a row
// read for the outputs x0, x0 + 1, ...
struct Stream {
  int64_t first;
  int64_t length;  // for a whole span of outputs
  int64_t at;      // in a channel's part of a panel row
};

// How the panel holds a row: for every channel, one stream after another.
struct RowLayout {
  int64_t step;  // of the window
  int64_t span;  // most outputs of a chunk
  std::vector<Stream> streams;
  int64_t floats = 0;          // of a channel
  std::vector<int64_t> taps;   // where each tap's pixels begin
  std::vector<int32_t> steps;  // the same for every tap and channel, where steps are listed
  std::vector<Region> regions;
};

// Outputs of a row that share a panel and meet the same taps, for run_tiles().
struct PanelRow {
  int64_t group;
  size_t lattice;
  const float* panel;  // that of the row's outputs from x0 on
  int64_t x0;
  int64_t start, end;
  const Segment* segments;  // or steps, as the kernels take them
  int64_t segment_count;
  const int32_t* steps;
  int64_t step_count;
  int64_t input_k;
  float* output;  // output 0 of the group's first channel
  int64_t index;  // of the row in its chunk
};

class DirectPanelPlan : public ConvPlan {
 public:
  size_t packed_floats() const override { return weights_.floats(); }
  void pack(const float* weight, float* packed) const override { weights_.pack(weight, packed); }
  bool packs_all_weights() const override { return weights_.holds_all(); }
  size_t workspace_bytes(int threads) const override {
    return static_cast<size_t>(threads) * thread_bytes();
  }
  void run(const ConvArgs& args) const override;

 protected:
  // What plans say of themselves.
  struct Traits {
    bool listed;     // the steps of all taps are listed one by one instead of by tap
    int64_t passes;  // run_tiles() over each row
    int64_t pixel;   // floats from an output to its neighbour: 1, or a block's
    int64_t beyond;  // floats that kernels may read behind the panel
  };
  DirectPanelPlan(const ConvSpec& spec, const ConvShape& shape, const KernelTable& kernels,
                  std::vector<ChannelBlock> blocks, const Traits& traits);

  // Computes the outputs of a row for the channels of a pass.
  virtual void run_tiles(const ConvArgs& args, const PanelRow& row, int64_t pass) const = 0;

  ConvSpec spec_;
  ConvShape shape_;
  const KernelTable& kernels_;
  DirectWeights weights_;
  Traits traits_;

 private:
  // What lies in the panel of a chunk.
  struct PanelRows {
    std::vector<int64_t> input_rows;  // depth * height + row of the panel's rows
    // For each output row, for each tap of depth and height: the panel's row, or -1 on padding.
    std::vector<int32_t> slots;
  };
  // Output rows, and of those the pixels [x0, x1), that share a panel.
  struct Chunk {
    size_t lattice;
    int64_t row0, row1;  // of the lattice's rows, depth by height
    int64_t x0, x1;
    size_t rows;    // which PanelRows: chunks away from the padding repeat each other
    int64_t shift;  // of these input rows
  };
  struct Scratch {
    float* panel;
    Segment* segments;
    int32_t* steps;
  };

  void add_lattice(size_t index);
  void add_chunks(size_t index, int64_t x0, int64_t x1);
  int64_t add_panel_rows(size_t index, int64_t row0);
  // The rows of a chunk's panel that are in `rows`.
  void copy_panel(const float* input, const Chunk& chunk, Range rows, float* panel) const;
  // All of them, and those of zeros.
  int64_t panel_rows(const Chunk& chunk) const {
    return static_cast<int64_t>(panel_rows_[chunk.rows].input_rows.size()) + zero_rows();
  }
  void run_row(const ConvArgs& args, int64_t ng, const Chunk& chunk, int64_t row, int64_t pass,
               const Scratch& scratch) const;

  // Where steps are listed, padding reads a row of zeros behind the others.
  int64_t zero_rows() const { return traits_.listed ? 1 : 0; }
  int64_t panel_row(size_t lattice) const {
    return spec_.in_per_group() * layouts_[lattice].floats;
  }
  static size_t round_up(size_t bytes) { return (bytes + 63) / 64 * 64; }
  size_t panel_bytes() const {
    return round_up(static_cast<size_t>(panel_floats_ + traits_.beyond) * 4);
  }
  size_t segment_bytes() const {
    return round_up(static_cast<size_t>(max_taps_) * sizeof(Segment));
  }
  size_t step_bytes() const {
    return round_up(traits_.listed ? static_cast<size_t>(max_taps_ * spec_.in_per_group()) * 4 : 0);
  }
  size_t thread_bytes() const { return panel_bytes() + segment_bytes() + step_bytes(); }

  bool covered_;
  std::vector<RowLayout> layouts_;  // by lattice
  std::vector<PanelRows> panel_rows_;
  std::vector<Chunk> chunks_;
  int64_t panel_floats_ = 0;
  int64_t max_taps_ = 1;
};

// A plan lists the input rows of every output row.
bool supports_panels(const ConvSpec& spec);

}  // namespace nnconv
