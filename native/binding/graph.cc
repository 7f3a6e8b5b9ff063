// Whole networks: a graph is made once from a list of nodes, planned for each set of input shapes,
// and run with one call.
#include "binding/graph.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "algorithm/kernels.h"
#include "binding/async.h"
#include "binding/environment.h"
#include "binding/graph_nodes.h"
#include "binding/handle.h"
#include "binding/values.h"
#include "graph/graph.h"
#include "problem/conv_problem.h"
#include "problem/error.h"
#include "runtime/parallel.h"

namespace nnconv {
namespace {

using Info = Napi::CallbackInfo;

struct GraphHandle {
  std::shared_ptr<Graph> graph;
  bool disposed = false;  // what is left of the graph are weights that it was given
  ReportedBytes reported;
};

constexpr napi_type_tag kGraphTag = {0x6e6e636f6e766772ULL, 0x61706868616e646cULL};

void finalize_graph(napi_env env, void* data, void*) {
  GraphHandle* handle = static_cast<GraphHandle*>(data);
  handle->reported.set(env, 0);
  delete handle;
}

// It may be disposed.
GraphHandle& to_handle(const Napi::Value& value) {
  return unwrap_handle<GraphHandle>(value, kGraphTag, "graph must be what graphCreate returned");
}

GraphHandle& to_graph(const Napi::Value& value) {
  GraphHandle& handle = to_handle(value);
  if (handle.disposed) throw value_error("graph was disposed");
  return handle;
}

void report_memory(Napi::Env env, GraphHandle* handle) {
  handle->reported.set(env, handle->graph ? handle->graph->packed_bytes() : 0);
}

// Of a graph that was disposed of.
void leave_given(Napi::Env env, GraphHandle* handle) {
  if (handle->graph && !handle->graph->has_given_weights()) handle->graph.reset();
  report_memory(env, handle);
}

Napi::Array to_array(const Napi::Value& value, const std::string& name) {
  if (!value.IsArray()) throw type_error(name + " must be an array, got " + describe(value));
  return value.As<Napi::Array>();
}

std::vector<size_t> to_values(const Napi::Value& value, const std::string& name) {
  std::vector<size_t> result;
  for (int64_t i : to_integers(value, name, 1 << 16)) {
    if (i < 0) throw value_error(name + " must hold values of the graph, got " + std::to_string(i));
    result.push_back(static_cast<size_t>(i));
  }
  return result;
}

std::vector<Shape> to_shapes(const Napi::Value& value, const std::string& name) {
  const Napi::Array array = to_array(value, name);
  std::vector<Shape> shapes;
  for (uint32_t i = 0; i < array.Length(); ++i)
    shapes.push_back(
        to_integers(array.Get(i), name + "[" + std::to_string(i) + "]", kMostDimensions));
  return shapes;
}

// (inputs, nodes, outputs, like)
Napi::Value graph_create(const Info& info) {
  const Napi::Env env = info.Env();
  constexpr int64_t kMostInputs = 1024;
  const int64_t inputs = to_integer(info[0], "inputs");
  if (inputs < 0 || inputs > kMostInputs)
    throw value_error("inputs must be from 0 to " + std::to_string(kMostInputs) + ", got " +
                      std::to_string(inputs));
  auto handle = std::make_unique<GraphHandle>();
  const Napi::Array array = to_array(info[1], "nodes");
  std::vector<Node> nodes;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::HandleScope scope(env);
    const std::string at = "nodes[" + std::to_string(i) + "]";
    const Napi::Object object = to_object(array.Get(i), at);
    nodes.push_back({to_operation(object), to_values(object.Get("inputs"), at + ".inputs")});
  }
  std::vector<size_t> outputs = to_values(info[2], "outputs");
  const Graph* like = info[3].IsNull() ? nullptr : to_graph(info[3]).graph.get();
  handle->graph = std::make_shared<Graph>(static_cast<size_t>(inputs), std::move(nodes),
                                          std::move(outputs), like, kernels());
  report_memory(env, handle.get());
  return wrap_handle(env, kGraphTag, std::move(handle), finalize_graph, "a graph");
}

Napi::Value graph_dispose(const Info& info) {
  GraphHandle& handle = to_handle(info[0]);
  handle.disposed = true;
  if (handle.graph) handle.graph->drop_plans();
  leave_given(info.Env(), &handle);
  return info.Env().Undefined();
}

// The array of a weight that the graph took, as it was, or null where it has not: from now on it
// doesn't. (graph, node)
Napi::Value graph_keep_weight(const Info& info) {
  const Napi::Env env = info.Env();
  GraphHandle& handle = to_handle(info[0]);
  const int64_t index = to_integer(info[1], "node");
  if (!handle.graph) return env.Null();
  const std::shared_ptr<Graph> graph = handle.graph;
  if (index < 0 || index >= static_cast<int64_t>(graph->nodes()))
    throw value_error("node must be one of the graph's " + std::to_string(graph->nodes()) +
                      ", got " + std::to_string(index));
  Operation& operation = *graph->node(static_cast<size_t>(index)).operation;
  const int64_t count = operation.given_up();
  if (count == 0) {
    operation.keep_weights(nullptr);
    return env.Null();
  }
  const PendingFloats weight(env, count);
  if (operation.given_up() == 0) return env.Null();  // where JS ran meanwhile
  operation.restore_weights(weight.data());
  operation.keep_weights(pin_floats(weight.value(), count));
  if (handle.disposed) leave_given(env, &handle);
  return weight.value();
}

// The shape of one node's output, which is how tracing knows sizes: (node, inputShapes).
Napi::Value graph_node_shape(const Info& info) {
  const std::unique_ptr<Operation> operation = to_operation(to_object(info[0], "node"));
  const std::vector<Shape> shapes = to_shapes(info[1], "inputShapes");
  if (shapes.size() != operation->input_count())
    throw value_error("the node takes " + std::to_string(operation->input_count()) +
                      " inputs, got " + std::to_string(shapes.size()));
  for (const Shape& shape : shapes) require_sizes(shape);
  return from_integers(info.Env(), operation->output_shape(shapes));
}

std::shared_ptr<const GraphPlan> plan_for(const Info& info, GraphHandle* handle,
                                          const std::vector<Shape>& shapes) {
  std::shared_ptr<const GraphPlan> plan = handle->graph->plan(shapes);
  report_memory(info.Env(), handle);
  return plan;
}

Napi::Object describe_step(Napi::Env env, const GraphPlan& plan,
                           const GraphPlan::PlannedStep& step) {
  const StepInfo info = step.step->info();
  Napi::Object result = Napi::Object::New(env);
  result.Set("node", static_cast<double>(step.node));
  result.Set("algorithm", info.algorithm);
  result.Set("layout", step.blocked ? "NCHW" + std::to_string(plan.block_width()) + "c" : "NCHW");
  result.Set("reorder", step.reorder);
  result.Set("macs", info.macs);
  result.Set("packedBytes", info.packed_bytes);
  result.Set("outputShape", from_integers(env, plan.shape(step.output)));
  double bytes = static_cast<double>(checked_product(plan.shape(step.output)));
  for (size_t value : step.inputs) bytes += static_cast<double>(checked_product(plan.shape(value)));
  result.Set("bytes", bytes * sizeof(float));
  return result;
}

// (graph, inputShapes)
Napi::Value graph_explain(const Info& info) {
  const Napi::Env env = info.Env();
  const std::vector<Shape> shapes = to_shapes(info[1], "inputShapes");
  GraphHandle& handle = to_graph(info[0]);
  const auto plan = plan_for(info, &handle, shapes);
  const std::shared_ptr<Graph> graph = handle.graph;  // setters of user code may dispose of it
  Napi::Object result = Napi::Object::New(env);
  Napi::Array steps = Napi::Array::New(env);
  for (const GraphPlan::PlannedStep& step : plan->steps())
    steps.Set(steps.Length(), describe_step(env, *plan, step));
  Napi::Array outputs = Napi::Array::New(env);
  for (const Shape& shape : plan->output_shapes())
    outputs.Set(outputs.Length(), from_integers(env, shape));
  result.Set("steps", steps);
  result.Set("outputShapes", outputs);
  result.Set("arenaBytes", static_cast<double>(plan->arena_bytes()));
  result.Set("packedBytes", static_cast<double>(graph->packed_bytes()));
  return result;
}

// The pointers of a call's inputs.
std::vector<const float*> to_inputs(const Napi::Value& value, const std::vector<Shape>& shapes) {
  const Napi::Array array = to_array(value, "inputs");
  if (array.Length() != shapes.size())
    throw value_error("inputs must be " + std::to_string(shapes.size()) + " arrays, got " +
                      std::to_string(array.Length()));
  std::vector<Napi::Value> values;
  for (uint32_t i = 0; i < array.Length(); ++i) values.push_back(array.Get(i));
  std::vector<const float*> result;
  for (size_t i = 0; i < values.size(); ++i)
    result.push_back(
        to_floats(values[i], "inputs[" + std::to_string(i) + "]", checked_product(shapes[i])));
  return result;
}

// A plan takes time and memory as its sizes do: only for arrays that are there. Disposes of nothing
// itself, but JS may, while arrays are looked at: ask for the graph afterwards.
void check_inputs(const Info& info, const std::vector<Shape>& shapes) {
  to_graph(info[0]);
  for (const Shape& shape : shapes) require_sizes(shape);
  to_inputs(info[1], shapes);
}

using Outputs = std::vector<PendingFloats>;

Outputs allocate_outputs(Napi::Env env, const GraphPlan& plan) {
  Outputs outputs;
  for (const Shape& shape : plan.output_shapes()) outputs.emplace_back(env, checked_product(shape));
  return outputs;
}

std::vector<float*> pointers(const Outputs& outputs) {
  std::vector<float*> result;
  for (const PendingFloats& output : outputs) result.push_back(output.data());
  return result;
}

Napi::Array to_results(Napi::Env env, const GraphPlan& plan, const Outputs& outputs) {
  Napi::Array results = Napi::Array::New(env);
  for (size_t i = 0; i < outputs.size(); ++i) {
    results.Set(static_cast<uint32_t>(i), shaped(env, outputs[i].value(), plan.output_shapes()[i]));
  }
  return results;
}

// Runs on the calling thread; `seconds` may be null.
Napi::Array run_here(const Info& info, int64_t threads, std::vector<double>* seconds) {
  const Napi::Env env = info.Env();
  const std::vector<Shape> shapes = to_shapes(info[2], "inputShapes");
  check_inputs(info, shapes);
  GraphHandle& handle = to_graph(info[0]);
  const auto plan = plan_for(info, &handle, shapes);
  const std::shared_ptr<Graph> graph = handle.graph;  // JS may dispose of it below
  const Outputs outputs = allocate_outputs(env, *plan);
  const std::vector<const float*> inputs = to_inputs(info[1], shapes);
  graph->find_weights();  // no JS runs from here on
  if (seconds) seconds->resize(plan->steps().size());
  const ThreadCount count(static_cast<int>(threads));
  std::unique_ptr<RunMemory> memory = graph->take_memory();
  plan->run(inputs.data(), pointers(outputs).data(), memory.get(), nullptr,
            seconds ? seconds->data() : nullptr);
  graph->give_memory(std::move(memory));
  return to_results(env, *plan, outputs);
}

int64_t to_thread_count(const Napi::Value& value) {
  const int64_t threads = to_integer(value, "threads");
  if (threads < 0 || threads > kMaxThreads)
    throw value_error("threads must be from 0 to " + std::to_string(kMaxThreads) + ", got " +
                      std::to_string(threads));
  return threads;
}

// (graph, inputs, inputShapes, threads)
Napi::Value graph_run(const Info& info) {
  return run_here(info, to_thread_count(info[3]), nullptr);
}

class GraphCall final : public AsyncCall {
 public:
  GraphCall(std::shared_ptr<Graph> graph, std::shared_ptr<const GraphPlan> plan, int64_t threads,
            const std::vector<const float*>& inputs, Outputs outputs)
      : graph_(std::move(graph)),
        plan_(std::move(plan)),
        threads_(static_cast<int>(threads)),
        outputs_(std::move(outputs)) {
    for (size_t i = 0; i < inputs.size(); ++i)
      inputs_.push_back(copy_of_input(inputs[i], checked_product(plan_->input_shapes()[i])));
  }

  void run(Workspace*, const std::atomic<bool>& cancelled) override {
    const ThreadCount count(threads_);
    std::vector<const float*> inputs;
    for (const AlignedFloats& input : inputs_) inputs.push_back(input.data());
    std::unique_ptr<RunMemory> memory = graph_->take_memory();
    plan_->run(inputs.data(), pointers(outputs_).data(), memory.get(), &cancelled, nullptr);
    graph_->give_memory(std::move(memory));
    inputs_.clear();  // JS may be slow to ask for the result
  }
  Napi::Value result(Napi::Env env) override { return to_results(env, *plan_, outputs_); }
  int64_t bytes() const override {
    size_t floats = 0;
    for (const AlignedFloats& input : inputs_) floats += input.size();
    return static_cast<int64_t>(floats * sizeof(float));
  }

 private:
  // Steps refer to the graph's operations: it goes last.
  const std::shared_ptr<Graph> graph_;
  const std::shared_ptr<const GraphPlan> plan_;
  const int threads_;
  std::vector<AlignedFloats> inputs_;
  const Outputs outputs_;
};

// (graph, inputs, inputShapes, threads): {promise, task}
Napi::Value graph_run_async(const Info& info) {
  const Napi::Env env = info.Env();
  const int64_t threads = to_thread_count(info[3]);
  const std::vector<Shape> shapes = to_shapes(info[2], "inputShapes");
  check_inputs(info, shapes);
  GraphHandle& handle = to_graph(info[0]);
  const auto plan = plan_for(info, &handle, shapes);
  const std::shared_ptr<Graph> graph = handle.graph;  // JS may dispose of it below
  require_room();
  graph->copy_weights();
  report_memory(env, &handle);
  Outputs outputs = allocate_outputs(env, *plan);
  return start_async(env,
                     std::make_unique<GraphCall>(graph, plan, threads, to_inputs(info[1], shapes),
                                                 std::move(outputs)));
}

// The same, with the time of each step: {seconds, outputs}.
Napi::Value graph_profile(const Info& info) {
  std::vector<double> seconds;
  const Napi::Array outputs = run_here(info, to_thread_count(info[3]), &seconds);
  Napi::Array times = Napi::Array::New(info.Env(), seconds.size());
  for (size_t i = 0; i < seconds.size(); ++i) times.Set(static_cast<uint32_t>(i), seconds[i]);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("seconds", times);
  result.Set("outputs", outputs);
  return result;
}

}  // namespace

void export_graph(Napi::Env env, Napi::Object exports) {
  const auto set = [&](const char* name, Napi::Function function) { exports.Set(name, function); };
  set("graphCreate", Napi::Function::New<exported<graph_create>>(env, "graphCreate"));
  set("graphDispose", Napi::Function::New<exported<graph_dispose>>(env, "graphDispose"));
  set("graphKeepWeight", Napi::Function::New<exported<graph_keep_weight>>(env, "graphKeepWeight"));
  set("graphNodeShape", Napi::Function::New<exported<graph_node_shape>>(env, "graphNodeShape"));
  set("graphExplain", Napi::Function::New<exported<graph_explain>>(env, "graphExplain"));
  set("graphRun", Napi::Function::New<exported<graph_run>>(env, "graphRun"));
  set("graphRunAsync", Napi::Function::New<exported<graph_run_async>>(env, "graphRunAsync"));
  set("graphProfile", Napi::Function::New<exported<graph_profile>>(env, "graphProfile"));
}

}  // namespace nnconv
