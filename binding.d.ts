/**
 * The exact type of the native addon (`nnconv.node`).
 *
 * Every function validates its own arguments: a wrong kind throws a TypeError, a bad value a
 * RangeError, both with a stable `code` (see `lib/errors.ts`). Nothing here is public API; user
 * code goes through `lib/index.ts`.
 */

/** A convolution, N-d (1 to 3 spatial dimensions, the length of `kernel`), fully spelled out. */
export interface ConvSpec {
  transposed: boolean;
  inChannels: number;
  outChannels: number;
  groups: number;
  kernel: readonly number[];
  stride: readonly number[];
  dilation: readonly number[];
  /** Padding before and after each spatial dimension. A transposed convolution crops by it. */
  padLow: readonly number[];
  padHigh: readonly number[];
  /** Transposed only (zeros otherwise): extra size at the end of each dimension. */
  outputPadding: readonly number[];
  paddingMode: 'zeros' | 'reflect' | 'replicate' | 'circular';
}

/** Opaque, garbage-collected: the validated spec and the weights packed for it. */
export interface ConvHandle {
  readonly __nnconvHandle: 'conv';
}

export interface ConvRunOptions {
  /** Replaces the spec's output padding in this call (transposed only). */
  outputPadding?: readonly number[];
  /** Direct summation only. */
  strict?: boolean;
  /** Forces one algorithm by name (tests and benchmarks); one that can't do the problem throws. */
  algorithm?: string;
}

/** How a convolution runs an input of some shape: see `conv.explain`. */
export interface ConvExplanation {
  /** The algorithm's name, such as 'winograd_4x4'. */
  algorithm: string;
  /** The instruction set in use. */
  isa: string;
  /** Why this algorithm, in words. */
  reason: string;
  /** The number of threads that take part. */
  threads: number;
  /** Scratch memory of the call. */
  workspaceBytes: number;
  /** Multiply-accumulates of the whole call, padded taps included. */
  macs: number;
}

/** Pooling windows at a fixed step, N-d (the length of `kernel`), fully spelled out. */
export type FixedPoolSpec = {
  kernel: readonly number[];
  stride: readonly number[];
  padding: readonly number[];
  ceilMode: boolean;
} & (
  | { kind: 'max'; dilation: readonly number[] }
  | { kind: 'average'; countIncludePad: boolean; divisorOverride: number | null }
);

/** Pooling to a fixed size of the output; null keeps the input's. */
export interface AdaptivePoolSpec {
  kind: 'max' | 'average';
  outputSize: readonly (number | null)[];
}

export type PoolSpec = FixedPoolSpec | AdaptivePoolSpec;

/** Padding, or cropping where it is negative, of the last dimensions: PyTorch's order and modes. */
export interface PadSpec {
  mode: 'constant' | 'reflect' | 'replicate' | 'circular';
  /** Before and behind the last dimension, before and behind the last but one, ... */
  padding: readonly number[];
  /** What 'constant' pads with; 0 in the other modes. */
  value: number;
}

/** Resampling of the spatial dimensions; PyTorch's modes. */
export interface ResampleSpec {
  mode: 'nearest' | 'nearest-exact' | 'area' | 'linear' | 'bilinear' | 'trilinear' | 'bicubic';
  /** One of these two has a value for each spatial dimension, the other is null. */
  size: readonly number[] | null;
  scaleFactor: readonly number[] | null;
  /** Null in the modes that it is not for. */
  alignCorners: boolean | null;
  recomputeScaleFactor: boolean;
}

/** `a` and `b` matter to those that name them: they clamp to [a, b], a is a slope or minus a limit. */
export type ActivationKind =
  | 'clamp'
  | 'leakyRelu'
  | 'elu'
  | 'sigmoid'
  | 'tanh'
  | 'silu'
  | 'gelu'
  | 'geluTanh'
  | 'mish'
  | 'hardswish'
  | 'hardsigmoid';

/** 'prelu' is x, and x times y where x is below 0. */
export type BinaryKind = 'add' | 'sub' | 'mul' | 'div' | 'prelu';

/** A result with the shape that it has. */
export interface Shaped {
  data: Float32Array;
  shape: number[];
}

/**
 * A node of a network. Attributes are those of the operation of the same name, fully spelled out;
 * weights are arrays, null for none.
 */
export interface GraphNodeSpec {
  op: string;
  /** Values: the inputs of the network come first, then the output of each node. */
  inputs: readonly number[];
  /**
   * Of a convolution: whether the graph may detach the buffer of `weight` once it has packed it, to
   * free its memory. Nobody else may rely on that array; `graphKeepWeight` gives it back.
   */
  takesWeight?: boolean;
  [attribute: string]: unknown;
}

/** Opaque, garbage-collected: a run that has been queued. */
export interface TaskHandle {
  readonly __nnconvHandle: 'task';
}

/** Opaque, garbage-collected: a network, and its plans by input shapes. */
export interface GraphHandle {
  readonly __nnconvHandle: 'graph';
}

export interface GraphStep {
  /** Which node it runs; some have nothing to do at run time. */
  node: number;
  algorithm: string;
  /** Of the output: 'NCHW', or in blocks of channels, such as 'NCHW8c'. */
  layout: string;
  /** Nothing but a change of layout, before that node. */
  reorder: boolean;
  macs: number;
  packedBytes: number;
  outputShape: number[];
  /** Of the tensors read and written. */
  bytes: number;
}

export interface GraphExplanation {
  steps: GraphStep[];
  outputShapes: number[][];
  arenaBytes: number;
  packedBytes: number;
}

/**
 * A run on the addon's own thread, one after another in the order in which they were asked for. What
 * it needs has been copied: the arguments may be changed, transferred or detached at once. The promise
 * rejects with ERR_NNCONV_CANCELLED after `cancelTask`, with ERR_NNCONV_ALLOC where memory is short.
 */
export interface AsyncRun<T> {
  promise: Promise<T>;
  task: TaskHandle;
}

export interface QueueInfo {
  /** Runs that wait, of all threads of the process, and how many may. */
  waiting: number;
  capacity: number;
  /** Whether one runs. */
  running: boolean;
}

export interface ConvStats {
  /** How often weights were packed since the handle was made. */
  packs: number;
  /** Bytes of packed weights held now. */
  packedBytes: number;
}

/** What the library found and uses. */
export interface RuntimeInfo {
  /** Of nnconv. */
  version: string;
  /** The instruction set in use. */
  isa: string;
  /** The instruction sets that this CPU can run, best first. */
  isaAvailable: string[];
  /** The number of threads in use. */
  threads: number;
  /** How the default thread count was found. */
  threadsReason: string;
  /** The CPU's level 1 data cache. */
  l1Bytes: number;
  /** Its level 2 cache. */
  l2Bytes: number;
  /** Its level 3 cache, or what is assumed where it can't be found out. */
  l3Bytes: number;
  /** The CPU's name. */
  cpu: string;
  /** What compiled the addon. */
  compiler: string;
}

export interface Binding {
  /** Validates the spec; throws what PyTorch's constructor or forward would reject. */
  convCreate(spec: ConvSpec): ConvHandle;
  /** Shape of the output for a batched `(N, C, ...)` or unbatched `(C, ...)` input shape. */
  convOutputShape(
    handle: ConvHandle,
    inputShape: readonly number[],
    options?: ConvRunOptions,
  ): number[];
  /**
   * Runs the convolution. `weight` is PyTorch's layout: `(out, in/groups, ...)`, transposed
   * `(in, out/groups, ...)`; its length must match the spec. `weightVersion` names the state of the
   * weights: packed weights are reused while it stays the same; a negative one says "unknown", and
   * the weights are compared with those packed last.
   */
  convForward(
    handle: ConvHandle,
    input: Float32Array,
    inputShape: readonly number[],
    weight: Float32Array,
    weightVersion: number,
    bias: Float32Array | null,
    options?: ConvRunOptions,
  ): { data: Float32Array; shape: number[] };
  /**
   * The same on the addon's thread, with the weights as they are now. Throws what `convForward` throws,
   * and ERR_NNCONV_QUEUE_FULL.
   */
  convForwardAsync(
    handle: ConvHandle,
    input: Float32Array,
    inputShape: readonly number[],
    weight: Float32Array,
    weightVersion: number,
    bias: Float32Array | null,
    options?: ConvRunOptions,
  ): AsyncRun<{ data: Float32Array; shape: number[] }>;
  convExplain(
    handle: ConvHandle,
    inputShape: readonly number[],
    options?: ConvRunOptions,
  ): ConvExplanation;
  convStats(handle: ConvHandle): ConvStats;
  /** Names of all algorithms that can run this spec on this input shape, default one first. */
  convAlgorithms(handle: ConvHandle, inputShape: readonly number[]): string[];

  /** Throws what PyTorch's constructor or forward would reject. */
  poolCheck(spec: PoolSpec): void;
  /** Shape of the output for a batched `(N, C, ...)` or unbatched `(C, ...)` input shape. */
  poolOutputShape(spec: PoolSpec, inputShape: readonly number[]): number[];
  poolForward(
    spec: PoolSpec,
    input: Float32Array,
    inputShape: readonly number[],
  ): { data: Float32Array; shape: number[] };

  /**
   * Normalises the channels of `(N, C, ...)`: with statistics of the input where `training`, to
   * which running ones are then moved in place; with the running ones otherwise. Weight, bias and
   * statistics hold C elements.
   */
  batchNorm(
    input: Float32Array,
    inputShape: readonly number[],
    weight: Float32Array | null,
    bias: Float32Array | null,
    runningMean: Float32Array | null,
    runningVar: Float32Array | null,
    training: boolean,
    momentum: number,
    eps: number,
  ): Float32Array;
  /** The same with statistics of each instance alone, to whose mean the running ones are moved. */
  instanceNorm(
    input: Float32Array,
    inputShape: readonly number[],
    weight: Float32Array | null,
    bias: Float32Array | null,
    runningMean: Float32Array | null,
    runningVar: Float32Array | null,
    training: boolean,
    momentum: number,
    eps: number,
  ): Float32Array;
  /** Normalises groups of the channels of `(N, C, ...)`. Weight and bias hold C elements. */
  groupNorm(
    input: Float32Array,
    inputShape: readonly number[],
    numGroups: number,
    weight: Float32Array | null,
    bias: Float32Array | null,
    eps: number,
  ): Float32Array;
  /** Normalises over the last dimensions, of sizes `normalizedShape`; weight and bias alike. */
  layerNorm(
    input: Float32Array,
    inputShape: readonly number[],
    normalizedShape: readonly number[],
    weight: Float32Array | null,
    bias: Float32Array | null,
    eps: number,
  ): Float32Array;
  /** Divides `(N, C, ...)` by (k + alpha * mean square of `size` channels)^beta. */
  localResponseNorm(
    input: Float32Array,
    inputShape: readonly number[],
    size: number,
    alpha: number,
    beta: number,
    k: number,
  ): Float32Array;
  /** Softmax over dimension `dim`, which may count from the end, or its logarithm. */
  softmax(
    input: Float32Array,
    inputShape: readonly number[],
    dim: number,
    log: boolean,
  ): Float32Array;

  /** Throws what PyTorch would reject whatever the input. */
  padCheck(spec: PadSpec): void;
  padOutputShape(spec: PadSpec, inputShape: readonly number[]): number[];
  padForward(
    spec: PadSpec,
    input: Float32Array,
    inputShape: readonly number[],
  ): { data: Float32Array; shape: number[] };

  /** Throws what PyTorch would reject whatever the input. */
  resampleCheck(spec: ResampleSpec): void;
  /** Shape of the output for an input shape `(N, C, ...)`. */
  resampleOutputShape(spec: ResampleSpec, inputShape: readonly number[]): number[];
  /** Not for mode 'area', which is adaptive pooling to the output's shape. */
  resampleForward(
    spec: ResampleSpec,
    input: Float32Array,
    inputShape: readonly number[],
  ): { data: Float32Array; shape: number[] };

  /** An activation of each element; in place it returns `input` itself. */
  activation(
    kind: ActivationKind,
    input: Float32Array,
    a: number,
    b: number,
    inPlace: boolean,
  ): Float32Array;
  /** Arithmetic on the elements of two tensors whose shapes broadcast. */
  binary(
    kind: BinaryKind,
    x: Float32Array,
    xShape: readonly number[],
    y: Float32Array,
    yShape: readonly number[],
  ): Shaped;
  /** `(*, in)` times the transposed weight `(out, in)`, or `(in)`; plus `out` values of a bias. */
  linear(
    input: Float32Array,
    inputShape: readonly number[],
    weight: Float32Array,
    weightShape: readonly number[],
    bias: Float32Array | null,
  ): Shaped;
  /** Products of vectors, matrices and batches of them, as torch.matmul takes them. */
  matmul(
    x: Float32Array,
    xShape: readonly number[],
    y: Float32Array,
    yShape: readonly number[],
  ): Shaped;
  /** Concatenation along `dim`, at most 65536 tensors. Those of shape [0] count for nothing. */
  cat(inputs: readonly Float32Array[], shapes: readonly (readonly number[])[], dim: number): Shaped;
  permute(input: Float32Array, inputShape: readonly number[], dims: readonly number[]): Shaped;
  /** The mean over `dims`, over all where there are none. */
  mean(
    input: Float32Array,
    inputShape: readonly number[],
    dims: readonly number[],
    keepdim: boolean,
  ): Shaped;
  /** `(*, C r^2, H, W)` to `(*, C, H r, W r)`, or back where `inverse`. */
  pixelShuffle(
    input: Float32Array,
    inputShape: readonly number[],
    factor: number,
    inverse: boolean,
  ): Shaped;

  /**
   * Fills `out` from a Mersenne Twister: `state` is its 624 words, then how many of them are used up,
   * and goes on to what comes next. 'uniform': `a` + `b` * u for float32 numbers `a` and `b`;
   * 'normal', for at least 16 elements: mean `a`, standard deviation `b`; 'bernoulli': `b` in places
   * of probability `a`, 0 in the others.
   */
  randomFill(
    kind: 'uniform' | 'normal' | 'bernoulli',
    state: Uint32Array,
    out: Float32Array,
    a: number,
    b: number,
  ): void;

  /**
   * A network of `inputs` inputs. Weights of convolutions and dense layers must stay where and as they
   * are while it lives: those of convolutions are read when a plan is made, those of dense layers in
   * each run, until the first asynchronous one makes a copy. What
   * `like`, another network or null, has packed of the same weights for the same layers is used again.
   */
  graphCreate(
    inputs: number,
    nodes: readonly GraphNodeSpec[],
    outputs: readonly number[],
    like: GraphHandle | null,
  ): GraphHandle;
  /** Frees it; any later use but this one and `graphKeepWeight` throws. */
  graphDispose(graph: GraphHandle): void;
  /**
   * A new array of the weight that the graph has taken from this node, bit for bit; null where it
   * has not. From now on it doesn't take it.
   */
  graphKeepWeight(graph: GraphHandle, node: number): Float32Array | null;
  /** The shape of a node's output. */
  graphNodeShape(node: GraphNodeSpec, inputShapes: readonly (readonly number[])[]): number[];
  /** Plans for inputs of these shapes, if that has not been done, and tells what the plan is. */
  graphExplain(graph: GraphHandle, inputShapes: readonly (readonly number[])[]): GraphExplanation;
  /** Runs on this thread and `threads` - 1 others; 0: as many as `setNumThreads` allows. */
  graphRun(
    graph: GraphHandle,
    inputs: readonly Float32Array[],
    inputShapes: readonly (readonly number[])[],
    threads: number,
  ): Shaped[];
  graphProfile(
    graph: GraphHandle,
    inputs: readonly Float32Array[],
    inputShapes: readonly (readonly number[])[],
    threads: number,
  ): { seconds: number[]; outputs: Shaped[] };
  /** `graphRun` on the addon's thread; `graph` may be disposed of meanwhile. */
  graphRunAsync(
    graph: GraphHandle,
    inputs: readonly Float32Array[],
    inputShapes: readonly (readonly number[])[],
    threads: number,
  ): AsyncRun<Shaped[]>;
  /**
   * Rejects the run's promise: at once while it waits, as soon as it has stopped where it runs. False
   * where it was settled already.
   */
  cancelTask(task: TaskHandle): boolean;
  queueInfo(): QueueInfo;

  /** Number of threads for all later calls, 1 to 1024. */
  setNumThreads(n: number): void;
  getNumThreads(): number;
  runtimeInfo(): RuntimeInfo;
  /**
   * Multiplies and accumulates for `seconds` (above 0, at most 0.1) and returns the highest speed of
   * one thread in GFLOP/s, under the instruction set in use.
   */
  fmaPeak(seconds: number): number;
}
