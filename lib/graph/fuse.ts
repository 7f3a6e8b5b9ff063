/**
 * Fusing: what a convolution or a dense layer can do on the way to memory is taken from the nodes
 * behind it. Results differ from the separate operations by rounding only.
 */
import type { NodeSpec } from '../record';
import type { Graph, GraphNode } from '../nn/trace';

/** A node, or an input of the network, while nodes move. */
class Value {
  uses = 0;
  constructor(
    readonly shape: readonly number[],
    public node?: { spec: NodeSpec; inputs: Value[]; modules: string[] },
  ) {}
}

interface ConvGeometry {
  transposed: boolean;
  kernel: readonly number[];
  padLow: readonly number[];
  padHigh: readonly number[];
}

interface PadGeometry {
  mode: string;
  padding: readonly number[];
  value: number;
}

/** The node of `value` where it is an `op` that nobody else reads. */
function single(value: Value, ...ops: string[]): Value['node'] {
  const { node } = value;
  return node !== undefined && ops.includes(node.spec.op) && value.uses === 1 ? node : undefined;
}

function sameShape(a: Value, b: Value): boolean {
  return a.shape.length === b.shape.length && a.shape.every((size, dim) => size === b.shape[dim]);
}

class Fuser {
  readonly #order: Value[] = [];

  /** What stands for the node from now on. */
  add(value: Value): Value {
    const node = value.node!;
    const fused = this.#fuse(value, node);
    if (fused === undefined) {
      this.#order.push(value);
      return value;
    }
    fused.node!.modules.push(...node.modules);
    fused.uses = value.uses;
    return fused;
  }

  #fuse(value: Value, { spec, inputs }: NonNullable<Value['node']>): Value | undefined {
    switch (spec.op) {
      case 'batchNorm':
        return this.#norm(inputs[0], spec);
      case 'activation':
        return spec.kind === 'clamp' ? this.#cut(inputs[0], [spec.a, spec.b]) : undefined;
      case 'binary':
        if (spec.kind !== 'add') return undefined;
        return this.#sum(value, inputs[0], inputs[1]) ?? this.#sum(value, inputs[1], inputs[0]);
      case 'conv':
        this.#pad(value);
        return undefined;
      default:
        return undefined;
    }
  }

  /** A batch norm by running statistics scales a convolution's weights. */
  #norm(input: Value, { weight, bias, mean, var: variance, eps }: NodeSpec): Value | undefined {
    const conv = single(input, 'conv');
    if (!conv || conv.spec.norm !== null || conv.spec.adds === true || conv.spec.cut !== null) {
      return undefined;
    }
    // Statistics of the batch can't be known before. Without a batch, dimension 1 is no channel.
    const dims = (conv.spec.spec as ConvGeometry).kernel.length;
    if (mean === null || input.shape.length !== dims + 2) return undefined;
    conv.spec = { ...conv.spec, norm: { weight, bias, mean, var: variance, eps } };
    return input;
  }

  #cut(input: Value, cut: unknown[]): Value | undefined {
    const node = single(input, 'conv', 'linear');
    if (node?.spec.cut !== null) return undefined;
    node.spec = { ...node.spec, cut };
    return input;
  }

  /** A convolution adds what has been computed by the time it runs: so it moves behind that. */
  #sum(sum: Value, input: Value, other: Value): Value | undefined {
    const conv = single(input, 'conv');
    if (!conv || conv.spec.adds === true || conv.spec.cut !== null || input === other) {
      return undefined;
    }
    if (!sameShape(sum, input) || !sameShape(sum, other)) return undefined;
    conv.spec = { ...conv.spec, adds: true };
    conv.inputs.push(other);
    this.#order.splice(this.#order.indexOf(input), 1);
    this.#order.push(input);
    return input;
  }

  /** Zeros around the input are the convolution's own padding. */
  #pad(value: Value): void {
    const { spec, inputs } = value.node!;
    const geometry = spec.spec as ConvGeometry;
    const pad = single(inputs[0], 'pad');
    if (!pad || geometry.transposed) return;
    const { mode, padding, value: fill } = pad.spec.spec as PadGeometry;
    const dims = geometry.kernel.length;
    if (mode !== 'constant' || fill !== 0 || padding.some((pixels) => pixels < 0)) return;
    // PyTorch lists the last dimension first; channels can't be padded so.
    if (padding.slice(2 * dims).some((pixels) => pixels > 0)) return;
    const side = (dim: number, end: number): number => padding[2 * (dims - 1 - dim) + end] ?? 0;
    const padLow = geometry.padLow.map((pixels, dim) => pixels + side(dim, 0));
    const padHigh = geometry.padHigh.map((pixels, dim) => pixels + side(dim, 1));
    this.#order.splice(this.#order.indexOf(inputs[0]), 1);
    value.node = {
      spec: { ...spec, spec: { ...geometry, padLow, padHigh }, padded: true },
      inputs: pad.inputs,
      modules: [...pad.modules, ...value.node!.modules],
    };
  }

  finish(inputs: readonly Value[], outputs: readonly Value[]): Pick<Graph, 'nodes' | 'outputs'> {
    const needed = new Set(outputs);
    for (const value of [...this.#order].reverse()) {
      if (needed.has(value)) value.node!.inputs.forEach((input) => needed.add(input));
    }
    const order = this.#order.filter((value) => needed.has(value));
    const numbers = new Map([...inputs, ...order].map((value, number) => [value, number]));
    const numbersOf = (values: readonly Value[]) => values.map((value) => numbers.get(value)!);
    const nodes = order.map(({ shape, node }): GraphNode => {
      const { spec, inputs: read, modules } = node!;
      return { spec, inputs: numbersOf(read), shape, modules };
    });
    return { nodes, outputs: numbersOf(outputs) };
  }
}

/** The same network in fewer nodes. */
export function fuse(graph: Graph): Graph {
  const inputs = graph.inputShapes.map((shape) => new Value(shape));
  const values = [...inputs];
  const uses = new Array<number>(inputs.length + graph.nodes.length).fill(0);
  for (const read of [...graph.nodes.map((node) => node.inputs), graph.outputs]) {
    for (const value of read) uses[value] += 1;
  }
  const fuser = new Fuser();
  graph.nodes.forEach(({ spec, inputs: read, shape, modules }, index) => {
    const value = new Value(shape, {
      spec,
      inputs: read.map((number) => values[number]),
      modules: [...modules],
    });
    value.uses = uses[inputs.length + index];
    values.push(fuser.add(value));
  });
  const outputs = graph.outputs.map((number) => values[number]);
  return { inputShapes: graph.inputShapes, ...fuser.finish(inputs, outputs) };
}
