// A layer ready to run: a validated spec, plans by spatial size and weights packed once for each
// version.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "algorithm/plan.h"
#include "problem/conv_problem.h"
#include "runtime/workspace.h"

namespace nnconv {

struct ConvOptions {
  bool has_output_padding = false;
  Dims output_padding{0, 0, 0};
  bool strict = false;
  std::string algorithm;  // empty: selected

  const Dims* output_padding_or_null() const {
    return has_output_padding ? &output_padding : nullptr;
  }
};

struct ConvExplanation {
  std::string algorithm;
  std::string isa;
  std::string reason;
  int threads;
  size_t workspace_bytes;
  double macs;
};

struct ConvWeights {
  const float* data;
  // Names their state; negative: unknown, compare with what was packed last.
  int64_t version;
};

struct ConvBuffers {
  const float* input;
  const float* bias;  // or null
  float* output;
  const Finish* finish = nullptr;
};

class Conv {
 public:
  // Throws Error for an illegal spec.
  Conv(const ConvSpec& spec, const KernelTable& kernels);

  const ConvSpec& spec() const { return spec_; }

  // What runs of one shape, with one state of the weights, need. Stays as it is whatever happens to
  // the Conv, as long as that lives.
  struct Prepared {
    std::shared_ptr<const ConvPlan> plan;
    std::shared_ptr<const AlignedFloats> packed;
  };
  // `shape` is infer_shape()'s for the options. Throws Error or std::bad_alloc.
  Prepared prepare(const ConvShape& shape, const ConvOptions& options, const ConvWeights& weights);
  // On any thread, whatever else is done with the Conv meanwhile. Throws Error or std::bad_alloc;
  // then nothing was computed.
  void run(const Prepared& prepared, const ConvShape& shape, const ConvBuffers& buffers,
           Workspace* workspace) const;

  void run(const ConvShape& shape, const ConvOptions& options, const ConvWeights& weights,
           const ConvBuffers& buffers, Workspace* workspace) {
    run(prepare(shape, options, weights), shape, buffers, workspace);
  }
  ConvExplanation explain(const ConvShape& shape, const ConvOptions& options);
  std::vector<std::string> algorithms(const ConvShape& shape) const;

  int64_t packs() const { return packs_; }
  size_t packed_bytes() const;

 private:
  struct CachedPlan {
    Dims in, out;
    bool strict;
    std::string forced;  // the algorithm asked for, or empty
    std::string algorithm;
    std::string reason;
    std::shared_ptr<const ConvPlan> plan;
  };
  struct PackedWeights {
    std::string key;
    int64_t version = -1;
    std::shared_ptr<AlignedFloats> packed;
    std::vector<float> source;  // kept where the version is unknown
  };

  const CachedPlan& plan_for(const ConvShape& shape, const ConvOptions& options);
  size_t scratch_bytes(const ConvPlan& plan, const ConvShape& shape, int threads,
                       size_t* pad_offset) const;
  std::shared_ptr<const AlignedFloats> packed_for(const ConvPlan& plan, const ConvWeights& weights);
  ConvShape inner_shape(const ConvShape& shape) const;
  bool pads_first() const { return inner_.padding_mode != spec_.padding_mode; }

  ConvSpec spec_;
  ConvSpec inner_;  // the spec without its padding mode
  const KernelTable& kernels_;
  std::list<CachedPlan> plans_;       // most recently used first, bounded
  std::list<PackedWeights> weights_;  // one for each pack key
  int64_t packs_ = 0;
};

}  // namespace nnconv
