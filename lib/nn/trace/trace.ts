/**
 * Tracing: a model's own `forward` runs on tensors that have shapes but no values, and each operation
 * it does becomes a node.
 */
import { binding } from '../../binding';
import { pyList, show, traceError } from '../../errors';
import { type Module, standInForForward } from '../module';
import { type NodeSpec, type Recorder, symbolicTensor } from '../../record';
import { checkFloat32, type DType, isTensor, storageOf, type Tensor } from '../../tensor';
import type { Constant, Graph, GraphNode, OutputTree } from './graph';
import { nativeNode } from './native';

export interface Trace {
  graph: Graph;
  tree: OutputTree;
}

const CANT_RECORD =
  'a network is recorded from tensors that have shapes but no values. Keep such steps outside of ' +
  'the model, or run it by forward()';

/** Says what a tensor that is no input is in the graph. */
export interface Constants {
  constant(tensor: Tensor): Constant;
}

/** Attributes that are tensors, or null. */
const TENSORS = ['weight', 'bias', 'mean', 'var'];

class GraphRecorder implements Recorder {
  readonly nodes: GraphNode[] = [];
  /** Names of the modules whose `forward` is running. */
  readonly path: string[] = [];
  readonly #inputShapes: readonly (readonly number[])[];
  readonly #constants: Constants;
  readonly #known = new Map<string, number>();
  readonly #names: ReadonlyMap<string, string>;

  constructor(
    inputShapes: readonly (readonly number[])[],
    constants: Constants,
    names: ReadonlyMap<string, string>,
  ) {
    this.#inputShapes = inputShapes;
    this.#constants = constants;
    this.#names = names;
  }

  refuse(what: string, remedy = CANT_RECORD): never {
    const name = this.path.at(-1) ?? '';
    const where = `${name === '' ? 'the model' : `module '${name}'`} (${this.#names.get(name) ?? 'Module'})`;
    throw traceError(`${where} ${what}, which can't be compiled: ${remedy}`);
  }

  add(node: NodeSpec, inputs: readonly Tensor[]): Tensor {
    switch (node.op) {
      case 'conv':
        return this.#conv(node, inputs);
      case 'linear':
        return this.#linear(node, inputs);
      case 'batchNorm':
      case 'instanceNorm': {
        // An unbatched input is seen as a batch of one.
        const { shape, ...spec } = node;
        const seen = inputs[0].reshape(shape as number[]);
        const value = this.#node(this.#resolved(spec), [this.#valueOf(seen)]);
        return symbolicTensor(this, value, shape as number[]).reshape(inputs[0].shape);
      }
      default:
        return this.#tensor(
          this.#node(
            this.#resolved(node),
            inputs.map((input) => this.#valueOf(input)),
          ),
        );
    }
  }

  /** Padding of another mode than zeros is a node of its own. */
  #conv(node: NodeSpec, [input, weight, bias]: readonly Tensor[]): Tensor {
    for (const tensor of [weight, bias]) {
      if (tensor && storageOf(tensor).symbolic) this.refuse('convolves with computed weights');
    }
    const spec = node.spec as { paddingMode: string; padLow: number[]; padHigh: number[] };
    const plain = { ...spec, paddingMode: 'zeros' };
    let value = this.#valueOf(input);
    if (spec.paddingMode !== 'zeros') {
      const padding = spec.padLow.flatMap((low, dim) => [spec.padHigh[dim], low]).reverse();
      const pad = { mode: spec.paddingMode, padding, value: 0 };
      value = this.#node({ op: 'pad', spec: pad }, [value]);
      plain.padLow = plain.padHigh = spec.padLow.map(() => 0);
    }
    const resolved = this.#resolved({ ...node, spec: plain, norm: null, adds: false, cut: null });
    return this.#tensor(this.#node(resolved, [value]));
  }

  #linear(node: NodeSpec, [input, weight]: readonly Tensor[]): Tensor {
    const bias = node.bias as Tensor | null;
    for (const tensor of [weight, bias]) {
      if (tensor && storageOf(tensor).symbolic) this.refuse('multiplies by computed weights');
    }
    if (weight.ndim !== 2) this.refuse('calls linear with a weight that is no matrix');
    const [outFeatures, inFeatures] = weight.shape;
    const spec = { ...node, outFeatures, inFeatures, cut: null };
    return this.#tensor(this.#node(this.#resolved(spec), [this.#valueOf(input)]));
  }

  /** The attributes with constants in place of tensors. */
  #resolved(node: NodeSpec): NodeSpec {
    const entries = Object.entries(node).map(([key, attribute]) => {
      if (TENSORS.includes(key) && attribute !== null) checkFloat32(key, attribute);
      if (!isTensor(attribute)) return [key, attribute];
      if (storageOf(attribute).symbolic) this.refuse(`calls ${node.op} with a computed ${key}`);
      return [key, this.#constants.constant(attribute as Tensor)];
    });
    return Object.fromEntries(entries) as NodeSpec;
  }

  shapeOf(value: number): readonly number[] {
    const inputs = this.#inputShapes.length;
    return value < inputs ? this.#inputShapes[value] : this.nodes[value - inputs].shape;
  }

  #node(spec: NodeSpec, inputs: readonly number[]): number {
    const shapes = inputs.map((input) => this.shapeOf(input));
    const shape =
      spec.op === 'constant'
        ? (spec.shape as number[])
        : binding().graphNodeShape(nativeNode(spec, inputs), shapes);
    const module = this.path.at(-1);
    this.nodes.push({ spec, inputs, shape, modules: module === undefined ? [] : [module] });
    return this.#inputShapes.length + this.nodes.length - 1;
  }

  #tensor(value: number): Tensor {
    return symbolicTensor(this, value, this.shapeOf(value));
  }

  /** The value that a tensor stands for: of its shape, as a view may differ from what it views. */
  #valueOf(tensor: Tensor): number {
    const { symbolic } = storageOf(tensor);
    if (symbolic === undefined) return this.#constant(tensor);
    if (symbolic.recorder !== this) this.refuse('uses a tensor of another compilation');
    const { value } = symbolic;
    if (pyList(this.shapeOf(value)) === pyList(tensor.shape)) return value;
    return this.#node({ op: 'reshape', shape: tensor.shape }, [value]);
  }

  #constant(tensor: Tensor): number {
    const { dtype } = tensor as Tensor<DType>;
    if (dtype !== 'float32') this.refuse(`returns a tensor of dtype ${dtype}`);
    const data = this.#constants.constant(tensor);
    const key = `${data.id} ${pyList(tensor.shape)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const value = this.#node({ op: 'constant', shape: tensor.shape, data }, []);
    this.#known.set(key, value);
    return value;
  }

  /** The structure of what `forward` returned; `within` are those that `output` is part of. */
  treeOf(output: unknown, values: number[], within: readonly unknown[] = []): OutputTree {
    if (isTensor(output)) {
      values.push(this.#valueOf(output as Tensor));
      return values.length - 1;
    }
    if (within.includes(output)) this.refuse('returns a structure that holds itself');
    const branch = (item: unknown): OutputTree => this.treeOf(item, values, [...within, output]);
    if (Array.isArray(output)) return Array.from(output, branch);
    if (typeof output === 'object' && output !== null) {
      const prototype: unknown = Object.getPrototypeOf(output);
      if (prototype === Object.prototype || prototype === null) {
        return Object.fromEntries(Object.entries(output).map(([key, item]) => [key, branch(item)]));
      }
    }
    return this.refuse(
      `returns ${show(output)}; only tensors, and arrays and plain objects of them, can be outputs`,
    );
  }
}

type Forward = (...args: unknown[]) => unknown;

/** What runs in place of a module's `forward`; `name` is the module's, dotted. */
export type AroundForward = (module: Module, name: string, forward: Forward) => Forward;

/** Runs `body` while what `around` makes of them stands in for the `forward` of all modules. */
export function aroundForwards<T>(model: Module, around: AroundForward, body: () => T): T {
  const undo: (() => void)[] = [];
  try {
    for (const [name, module] of model.namedModules()) {
      undo.push(standInForForward(module, (forward) => around(module, name, forward)));
    }
    return body();
  } finally {
    for (const step of undo.reverse()) step();
  }
}

/**
 * Records what `model` does with inputs of these shapes. `around` sees each call of a module's
 * `forward`; the tensors in it have no values.
 *
 * @throws Error ERR_NNCONV_TRACE where it does something that can't be recorded; whatever its
 *   `forward` throws
 */
export function trace(
  model: Module,
  constants: Constants,
  inputShapes: readonly (readonly number[])[],
  around: AroundForward = (_module, _name, forward) => forward,
): Trace {
  const names = new Map(
    Array.from(model.namedModules(), ([name, module]) => [name, module.constructor.name]),
  );
  const recorder = new GraphRecorder(inputShapes, constants, names);
  const inputs = inputShapes.map((shape, value) => symbolicTensor(recorder, value, shape));
  const named: AroundForward = (module, name, forward) => {
    const run = around(module, name, forward);
    return (...args) => {
      recorder.path.push(name);
      try {
        return run(...args);
      } finally {
        recorder.path.pop();
      }
    };
  };
  const output = aroundForwards(model, named, () => (model.forward as Forward)(...inputs));
  const outputs: number[] = [];
  const tree = recorder.treeOf(output, outputs);
  return { graph: { inputShapes, nodes: recorder.nodes, outputs }, tree };
}
