#include "algorithm/conv.h"

#include <atomic>
#include <cstring>

#include "algorithm/pad.h"
#include "algorithm/select.h"
#include "problem/error.h"

namespace nnconv {
namespace {

constexpr size_t kMaxPlans = 16;

size_t round_up(size_t n) { return (n + 63) / 64 * 64; }

}  // namespace

Conv::Conv(const ConvSpec& spec, const KernelTable& kernels) : spec_(spec), kernels_(kernels) {
  validate(spec);
  inner_ = spec;
  if (spec.padding_mode != PaddingMode::kConstant) {
    inner_.padding_mode = PaddingMode::kConstant;
    inner_.pad_low = inner_.pad_high = Dims{0, 0, 0};
  }
}

ConvShape Conv::inner_shape(const ConvShape& shape) const {
  ConvShape inner = shape;
  if (pads_first()) inner.in = padded_size(spec_, shape.in);
  return inner;
}

std::vector<std::string> Conv::algorithms(const ConvShape& shape) const {
  return algorithms_for(inner_, inner_shape(shape), kernels_);
}

const Conv::CachedPlan& Conv::plan_for(const ConvShape& shape, const ConvOptions& options) {
  for (auto it = plans_.begin(); it != plans_.end(); ++it) {
    const bool fits = it->in == shape.in && it->out == shape.out && it->strict == options.strict &&
                      it->forced == options.algorithm;
    if (!fits) continue;
    plans_.splice(plans_.begin(), plans_, it);
    return plans_.front();
  }
  const ConvShape inner = inner_shape(shape);
  CachedPlan entry{shape.in,          shape.out, options.strict, options.algorithm,
                   options.algorithm, "forced",  nullptr};
  if (options.algorithm.empty()) {
    Selection selection = select_algorithm(inner_, inner, kernels_, options.strict);
    entry.algorithm = selection.algorithm;
    entry.reason = std::move(selection.reason);
  }
  entry.plan = make_plan(entry.algorithm, inner_, inner, kernels_);
  if (!entry.plan) {
    std::string names;
    for (const std::string& name : algorithms(shape)) names += (names.empty() ? "" : ", ") + name;
    throw unsupported_error("algorithm must be one that can run this " + spec_.name() + " (" +
                            names + "), got '" + options.algorithm + "'");
  }
  plans_.push_front(std::move(entry));
  if (plans_.size() > kMaxPlans) plans_.pop_back();
  return plans_.front();
}

std::shared_ptr<const AlignedFloats> Conv::packed_for(const ConvPlan& plan,
                                                      const ConvWeights& weights) {
  PackedWeights* entry = nullptr;
  for (PackedWeights& w : weights_) {
    if (w.key == plan.pack_key()) entry = &w;
  }
  const size_t count = static_cast<size_t>(spec_.weight_size());
  const bool known = weights.version >= 0;
  if (entry) {
    if (known && entry->version == weights.version) return entry->packed;
    if (!known && entry->version < 0 && entry->source.size() == count &&
        std::memcmp(entry->source.data(), weights.data, count * sizeof(float)) == 0)
      return entry->packed;
  } else {
    PackedWeights fresh;
    fresh.key = plan.pack_key();
    fresh.packed = std::make_shared<AlignedFloats>(plan.packed_floats());
    weights_.push_back(std::move(fresh));
    entry = &weights_.back();
  }
  // Not valid until packed: an allocation below may throw.
  entry->version = -1;
  entry->source.clear();
  if (entry->packed.use_count() > 1) {
    // A run that has begun goes on with the weights of its call.
    entry->packed = std::make_shared<AlignedFloats>(plan.packed_floats());
  }
  std::atomic_thread_fence(std::memory_order_acquire);  // after the last reader
  if (known) {
    entry->source.shrink_to_fit();
  } else {
    entry->source.assign(weights.data, weights.data + count);
  }
  plan.pack(weights.data, entry->packed->data());
  entry->version = known ? weights.version : -1;
  ++packs_;
  return entry->packed;
}

// The plan's scratch, then the padded input if the padding mode asks for one.
size_t Conv::scratch_bytes(const ConvPlan& plan, const ConvShape& shape, int threads,
                           size_t* pad_offset) const {
  *pad_offset = round_up(plan.workspace_bytes(threads));
  if (!pads_first()) return *pad_offset;
  const Dims padded = padded_size(spec_, shape.in);
  const int64_t floats =
      checked_product({shape.batch, spec_.in_channels, padded[0], padded[1], padded[2]});
  if (floats < 0)
    throw alloc_error("input padded to size " + format_dims(padded, spec_.dims) +
                      " is too large to be allocated");
  return *pad_offset + static_cast<size_t>(floats) * sizeof(float);
}

Conv::Prepared Conv::prepare(const ConvShape& shape, const ConvOptions& options,
                             const ConvWeights& weights) {
  if (shape.batch == 0) return {};
  Prepared prepared;
  prepared.plan = plan_for(shape, options).plan;
  prepared.packed = packed_for(*prepared.plan, weights);
  return prepared;
}

void Conv::run(const Prepared& prepared, const ConvShape& shape, const ConvBuffers& buffers,
               Workspace* workspace) const {
  if (shape.batch == 0) return;
  const ConvPlan& plan = *prepared.plan;
  const int threads = threads_for(spec_, shape, kernels_);
  size_t pad_offset = 0;
  const size_t bytes = scratch_bytes(plan, shape, threads, &pad_offset);
  char* scratch = static_cast<char*>(workspace->get(bytes));
  const float* input = buffers.input;
  if (pads_first()) {
    float* copy = reinterpret_cast<float*>(scratch + pad_offset);
    pad_planes(spec_, shape.in, shape.batch * spec_.in_channels, input, copy, threads);
    input = copy;
  }
  plan.run({input, prepared.packed->data(), buffers.bias, buffers.output, shape.batch, scratch,
            threads, buffers.finish});
}

ConvExplanation Conv::explain(const ConvShape& shape, const ConvOptions& options) {
  const CachedPlan& entry = plan_for(shape, options);
  const double macs = multiply_accumulates(spec_, shape);
  const int threads = threads_for(spec_, shape, kernels_);
  size_t pad_offset = 0;
  const size_t bytes = scratch_bytes(*entry.plan, shape, threads, &pad_offset);
  return {entry.algorithm, kernels_.isa, entry.reason.empty() ? "forced" : entry.reason,
          threads,         bytes,        macs};
}

size_t Conv::packed_bytes() const {
  size_t bytes = 0;
  for (const PackedWeights& w : weights_)
    bytes += (w.packed->size() + w.source.size()) * sizeof(float);
  return bytes;
}

}  // namespace nnconv
