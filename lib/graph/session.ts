/// <reference lib="esnext.disposable" preserve="true" />
/** Compiled networks. */
import { type AbortOptions, settled } from '../async';
import { type AsyncRun, binding, type GraphHandle, type Shaped } from '../binding';
import { argTypeError, argValueError, disposedError, show } from '../errors';
import { Module } from '../nn/module';
import {
  type Constant,
  constantsOf,
  fillTree,
  type Graph,
  graphKey,
  isConstant,
  nativeNode,
  type OutputTree,
  Snapshot,
  trace,
} from '../nn/trace';
import { wrapShaped } from '../ops';
import { integer, optionsOf } from '../options';
import {
  checkFloat32,
  checkShape,
  type DataOf,
  isTensor,
  readData,
  storageOf,
  type Tensor,
} from '../tensor';
import { Explanation, Profile } from './explain';
import { fuse } from './fuse';

/** Options of {@link compile}. */
export interface CompileOptions {
  /** Threads for the runs of this session. Default: what `setNumThreads` set. */
  threads?: number;
  /**
   * The shape of each input: what can't be compiled is an error of `compile` then, and the first run
   * with inputs of these shapes has nothing to prepare. Default: all that waits for the first run.
   */
  inputShapes?: readonly (readonly number[])[];
}

/** A network for one set of input shapes. */
interface Program {
  graph: Graph;
  /** The graph's: programs with the same one share a handle. */
  key: string;
  tree: OutputTree;
  handle: GraphHandle;
}

/** Programs that a session keeps: those used last. */
const MOST_PROGRAMS = 16;

/** A run on the addon's thread. */
export interface StartedRun {
  /** What the model's `forward` returns. */
  readonly outputs: Promise<unknown>;
  /** Rejects `outputs` as soon as the run has stopped. */
  cancel(): void;
}

/**
 * `runAsync` for callers of the library's own that start thousands a second: what that spends on options,
 * signals and the stack of the call is as much as a small network takes. On `threads` threads, or as many as the
 * session was given.
 */
let startRun: (session: Session, inputs: readonly Tensor[], threads?: number) => StartedRun;

/**
 * A network ready to run: recorded, fused and planned once for each set of input shapes, and run with
 * one native call. Results don't depend on the batch or the number of threads, bit for bit. Made by
 * {@link compile}.
 */
export class Session {
  static {
    startRun = (session, inputs, threads) => {
      const { tree, run } = session.#start(inputs, threads);
      return {
        outputs: run.promise.then((results) => outputsOf(tree, results)),
        cancel: () => void binding().cancelTask(run.task),
      };
    };
  }

  readonly #model: Module;
  readonly #snapshot: Snapshot;
  readonly #threads: number;
  readonly #programs = new Map<string, Program>();
  /** What lets go of the weights that the graphs rely on. */
  readonly #releases: (() => void)[] = [];
  #disposed = false;

  /** @internal */
  constructor(model: Module, threads: number) {
    this.#model = model;
    this.#snapshot = new Snapshot(model);
    this.#threads = threads;
  }

  /**
   * What the model's `forward` returns for these inputs: a tensor, or arrays and objects of them. All
   * are new, also where `forward` returns an input or one tensor twice; and inputs stay as they are,
   * also where `forward` changes them in place.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless all are float32 Tensors; RangeError
   *   ERR_NNCONV_SHAPE where a layer can't take what it gets; Error ERR_NNCONV_TRACE where the model
   *   can't be compiled; Error ERR_NNCONV_DISPOSED
   */
  run<Output = Tensor>(...inputs: Tensor[]): Output {
    const shapes = shapesOf(inputs);
    const { handle, tree } = this.#programFor(shapes);
    const data = dataOf(inputs);
    const results = binding().graphRun(handle, data, shapes, this.#threads);
    return outputsOf(tree, results) as Output;
  }

  /**
   * The same on a thread of the addon's own: the event loop stays free. Runs happen one after another,
   * in the order in which they were asked for. Inputs are copied first: they may be changed or
   * transferred at once.
   *
   * The last argument may be an object with an AbortSignal: `{ signal }`. A run that waits is given up
   * when it fires, one that has begun stops before its next step; the promise rejects with
   * `signal.reason`.
   *
   * @throws rejects as {@link run} throws; RangeError ERR_NNCONV_QUEUE_FULL where too many runs wait
   */
  async runAsync<Output = Tensor>(
    ...args: [...Tensor[], AbortOptions] | Tensor[]
  ): Promise<Output> {
    const last: unknown = args.at(-1);
    const given = args.length > 0 && !isTensor(last);
    const { signal } = optionsOf('runAsync', given ? (last as AbortOptions) : undefined, [
      'signal',
    ]);
    const inputs = (given ? args.slice(0, -1) : args) as Tensor[];
    let tree: OutputTree = [];
    const results = await settled(signal, () => {
      const started = this.#start(inputs);
      tree = started.tree;
      return started.run;
    });
    return outputsOf(tree, results) as Output;
  }

  #start(
    inputs: readonly Tensor[],
    threads = this.#threads,
  ): { tree: OutputTree; run: AsyncRun<Shaped[]> } {
    const shapes = shapesOf(inputs);
    const { handle, tree } = this.#programFor(shapes);
    const data = dataOf(inputs);
    return { tree, run: binding().graphRunAsync(handle, data, shapes, threads) };
  }

  /**
   * Does everything that the first run with inputs of these shapes would have to do: records the
   * network, packs weights, lays out memory.
   *
   * @throws as {@link run} does
   */
  prepare(...shapes: (readonly number[])[]): void {
    const checked = checkShapes(shapes);
    const { handle } = this.#programFor(checked);
    binding().graphExplain(handle, checked);
  }

  /**
   * The steps of a run with inputs of these shapes: what was fused, which algorithm runs, bytes read
   * and written, multiply-accumulates. Prints as a table.
   *
   * @throws as {@link run} does
   */
  explain(...shapes: (readonly number[])[]): Explanation {
    const checked = checkShapes(shapes);
    const { graph, handle } = this.#programFor(checked);
    return new Explanation(graph, binding().graphExplain(handle, checked));
  }

  /**
   * The same with the time that each step took, the least of a few runs. Prints as a table.
   *
   * @throws as {@link run} does
   */
  profile(...inputs: Tensor[]): Profile {
    const shapes = shapesOf(inputs);
    const { graph, handle } = this.#programFor(shapes);
    const data = dataOf(inputs);
    const runs = Array.from({ length: PROFILE_RUNS }, () =>
      binding().graphProfile(handle, data, shapes, this.#threads),
    );
    const seconds = runs[0].seconds.map((_, step) =>
      Math.min(...runs.map((run) => run.seconds[step])),
    );
    return new Profile(graph, binding().graphExplain(handle, shapes), seconds);
  }

  /** Frees what the session holds, which garbage collection does too; a second call does nothing. */
  dispose(): void {
    this.#disposed = true;
    for (const { handle } of this.#programs.values()) binding().graphDispose(handle);
    this.#programs.clear();
    for (const release of this.#releases.splice(0)) release();
  }

  /** As {@link dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #checkAlive(): void {
    if (this.#disposed) throw disposedError('this session was disposed of');
  }

  #programFor(shapes: readonly (readonly number[])[]): Program {
    this.#checkAlive();
    const key = JSON.stringify(shapes);
    let program = this.#programs.get(key);
    if (program === undefined) {
      program = this.#compile(shapes);
    } else {
      this.#programs.delete(key);
    }
    // A map is in the order of insertion: the one used last goes to its end.
    this.#programs.set(key, program);
    if (this.#programs.size > MOST_PROGRAMS) {
      this.#programs.delete(this.#programs.keys().next().value!);
    }
    return program;
  }

  #compile(shapes: readonly (readonly number[])[]): Program {
    const { graph: recorded, tree } = this.#snapshot.restored(() =>
      trace(this.#model, this.#snapshot, shapes),
    );
    this.#checkAlive(); // the model's code has run
    const graph = fuse(recorded);
    const key = graphKey(graph);
    const others = [...this.#programs.values()];
    // The same nodes for other sizes: one network with another plan.
    const same = others.find((other) => other.key === key);
    const handle = same?.handle ?? this.#create(graph, shapes.length, others.at(-1)?.handle);
    return { graph, key, tree, handle };
  }

  #create(graph: Graph, inputs: number, like: GraphHandle | undefined): GraphHandle {
    const constants = graph.nodes.flatMap(({ spec }) => constantsOf(spec));
    const takes = graph.nodes.map(({ spec }) => isLent(spec, constants));
    const nodes = graph.nodes.map(({ spec, inputs: from }, i) => nativeNode(spec, from, takes[i]));
    // Another graph that has taken a weight gives it back.
    const elements = new Set(constants.map((constant) => constant.elements));
    this.#releases.push(...Array.from(elements, (each) => each.hold()));
    const handle = binding().graphCreate(inputs, nodes, graph.outputs, like ?? null);
    for (const [node, { spec }] of graph.nodes.entries()) {
      if (!takes[node]) continue;
      (spec.weight as Constant).elements.lend(
        () => binding().graphKeepWeight(handle, node) as DataOf<'float32'> | null,
      );
    }
    return handle;
  }
}

/**
 * Whether the addon may free the weight of a convolution when it has packed it, which halves the
 * memory of a model: where this is the only use of it.
 */
function isLent({ op, weight }: Graph['nodes'][number]['spec'], all: readonly Constant[]): boolean {
  if (op !== 'conv' || !isConstant(weight) || weight.elements.isHeld) return false;
  return all.filter(({ elements }) => elements === weight.elements).length === 1;
}

const PROFILE_RUNS = 5;

function shapesOf(inputs: readonly Tensor[]): (readonly number[])[] {
  return inputs.map((input, index) => {
    checkFloat32(`inputs[${index}]`, input);
    return input.shape;
  });
}

/** An input may be a weight: it stays where it is. */
function dataOf(inputs: readonly Tensor[]): Float32Array[] {
  for (const input of inputs) storageOf(input).elements.keep();
  return inputs.map((input) => readData(input));
}

function checkShapes(shapes: readonly (readonly number[])[]): number[][] {
  return shapes.map((shape, index) => checkShape(`shapes[${index}]`, shape));
}

function outputsOf(tree: OutputTree, results: readonly Shaped[]): unknown {
  return fillTree(tree, results.map(wrapShaped));
}

/**
 * Turns a model into a {@link Session}: its `forward` is recorded, batch norms are folded into
 * convolutions, activations and sums are done on the way to memory, and all intermediate results
 * share one block of memory.
 *
 * Weights, modes (`train`, `eval`) and other properties of the modules are those of this moment,
 * whatever happens to the model later; weights are copied only when somebody writes to them. `forward`
 * runs once for each set of input shapes, on tensors without values, and must not depend on values;
 * forward hooks run with it. The model should be in evaluation mode: dropout and batch norms that are
 * training can't be compiled. Tensors that are no parameters or buffers of the model are part of the
 * network as they are when they are first met.
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE; with `inputShapes`, as {@link Session.prepare} does
 */
export function compile(model: Module, options?: CompileOptions): Session {
  if (!(model instanceof Module)) {
    throw argTypeError(`model must be an nn.Module, got ${show(model)}`);
  }
  const { threads, inputShapes } = optionsOf('compile', options, ['threads', 'inputShapes']);
  if (threads !== undefined && (integer('threads', threads) < 1 || threads > 1024)) {
    throw argValueError(`threads must be from 1 to 1024, got ${threads}`);
  }
  const shapes: unknown = inputShapes;
  if (shapes !== undefined && !Array.isArray(shapes)) {
    throw argTypeError(`inputShapes must be an array of shapes, got ${show(shapes)}`);
  }
  const session = new Session(model, threads ?? 0);
  if (inputShapes !== undefined) session.prepare(...inputShapes);
  return session;
}

export { startRun };
