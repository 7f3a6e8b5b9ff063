/**
 * Receptive fields: which part of the input an element of each value of a network can depend on.
 *
 * Every dimension of the first input is an axis. A value's field has a size and a jump along each axis
 * (both in elements of the input), and each dimension of the value runs along some of them. What mixes
 * elements along a dimension widens the field along its axes. Normalisation by statistics of the input
 * counts as elementwise, as is usual; where branches meet, the widest counts.
 */
import type { Graph, GraphNode } from '../trace';

/** Along each axis: how many elements of the input, and how many lie between neighbours. */
export interface Field {
  readonly size: readonly number[];
  readonly jump: readonly number[];
}

/** An axis that a dimension runs along, in so many steps. */
interface Along {
  axis: number;
  steps: number;
}

interface Spread extends Field {
  /** For each dimension of the value. */
  readonly dims: readonly (readonly Along[])[];
}

interface Window {
  /** Elements from the first to the last one that an output element is made of. */
  reach: number;
  /** Steps of the input for one of the output. */
  step: number;
}

interface ConvGeometry {
  transposed: boolean;
  kernel: readonly number[];
  stride: readonly number[];
  dilation: readonly number[];
}

/** How many elements of one dimension bilinear, bicubic, ... interpolation looks at. */
const TAPS: Readonly<Record<string, number>> = { linear: 2, bilinear: 2, trilinear: 2, bicubic: 4 };

function windowsOfConv({ transposed, kernel, stride, dilation }: ConvGeometry): Window[] {
  return kernel.map((taps, dim) => {
    const reach = dilation[dim] * (taps - 1) + 1;
    return transposed
      ? { reach: Math.ceil(reach / stride[dim]), step: 1 / stride[dim] }
      : { reach, step: stride[dim] };
  });
}

/** The last dimensions of `input`, of which `output` has so many elements. */
function evenWindows(input: readonly number[], output: readonly number[]): Window[] {
  return input.map((size, dim) => {
    const count = output[dim];
    let reach = 1;
    for (let at = 0; at < count; at++) {
      const [first, end] = [Math.floor((at * size) / count), Math.ceil(((at + 1) * size) / count)];
      reach = Math.max(reach, end - first);
    }
    return { reach, step: count > 0 ? size / count : 1 };
  });
}

/** Slides windows over the last dimensions. */
function slide(input: Spread, windows: readonly Window[], shape: readonly number[]): Spread {
  const size = [...input.size];
  const jump = [...input.jump];
  const first = input.dims.length - windows.length;
  const dims = input.dims.map((along, dim) => {
    if (dim < first) return along;
    const { reach, step } = windows[dim - first];
    return along.map(({ axis, steps }) => {
      const taps = along.length === 1 ? reach : Math.min(reach, steps);
      size[axis] += (taps - 1) * jump[axis];
      jump[axis] *= step;
      return { axis, steps: shape[dim] };
    });
  });
  return { size, jump, dims };
}

/** Makes each element depend on all along dimension `dim`. */
function mix(input: Spread, dim: number): Spread {
  const size = [...input.size];
  for (const { axis, steps } of input.dims[dim] ?? []) size[axis] += (steps - 1) * input.jump[axis];
  return { ...input, size };
}

/** The dimensions of a view: those that keep their size keep their axes, others share what they had. */
function reshape(input: Spread, from: readonly number[], to: readonly number[]): Spread {
  const dims: (readonly Along[])[] = [];
  let next = 0;
  while (next < from.length || dims.length < to.length) {
    let [before, after] = [from[next] ?? 1, to[dims.length] ?? 1];
    let [taken, made] = [1, 1];
    while (before !== after) {
      if (before < after && next + taken < from.length) before *= from[next + taken++];
      else if (before > after && dims.length + made < to.length) after *= to[dims.length + made++];
      else break;
    }
    const whole = input.dims.slice(next, next + taken).flat();
    const along = taken === 1 && made === 1 ? whole : whole.filter(({ steps }) => steps > 1);
    const count = Math.min(made, to.length - dims.length);
    for (let i = 0; i < count; i++) dims.push(along);
    next += taken;
  }
  return { ...input, dims };
}

/** What elements depend on that are made of elements of all `inputs`. */
function union(inputs: readonly Spread[], rank: number): Spread {
  const widest = (values: (spread: Spread) => readonly number[]): number[] =>
    inputs[0].size.map((_, axis) => Math.max(...inputs.map((input) => values(input)[axis])));
  // A factor for each channel, say, has one element where the other input has many.
  const steps = (dims: Spread['dims']): number =>
    dims.flat().reduce((total, along) => total + along.steps, 0);
  const [main] = [...inputs].sort((a, b) => steps(b.dims) - steps(a.dims));
  const dims = Array.from({ length: rank }, (_, i) => main.dims[i + main.dims.length - rank] ?? []);
  return { size: widest(({ size }) => size), jump: [...main.jump], dims };
}

class Tracker {
  /** Of each value that depends on an input. */
  readonly fields: (Spread | undefined)[];
  readonly #shapes: (readonly number[])[];

  constructor(inputShapes: readonly (readonly number[])[]) {
    this.#shapes = [...inputShapes];
    const axes = inputShapes[0] ?? [];
    this.fields = inputShapes.map((shape) => ({
      size: axes.map(() => 1),
      jump: axes.map(() => 1),
      dims: shape.map((steps, axis) => (axis < axes.length ? [{ axis, steps }] : [])),
    }));
  }

  add({ spec, inputs, shape }: GraphNode): void {
    const known = inputs.map((input) => this.fields[input]);
    const given = known.filter((field) => field !== undefined);
    const from = this.#shapes[inputs[0]] ?? [];
    this.fields.push(given.length > 0 ? this.#after(spec, given, from, shape) : undefined);
    this.#shapes.push(shape);
  }

  #after(
    spec: GraphNode['spec'],
    inputs: readonly Spread[],
    from: readonly number[],
    shape: readonly number[],
  ): Spread {
    const [input] = inputs;
    const details = spec.spec as never;
    const channel = (spread: Spread, dims: number): Spread => mix(spread, shape.length - dims - 1);
    switch (spec.op) {
      case 'conv': {
        const windows = windowsOfConv(details);
        return slide(channel(input, windows.length), windows, shape);
      }
      case 'pool': {
        const fixed: { kernel?: readonly number[]; outputSize?: readonly unknown[] } = details;
        if (fixed.kernel === undefined) {
          const count = fixed.outputSize!.length;
          return slide(input, evenWindows(from.slice(-count), shape.slice(-count)), shape);
        }
        const { kernel, stride, dilation = kernel.map(() => 1) } = details as ConvGeometry;
        return slide(input, windowsOfConv({ transposed: false, kernel, stride, dilation }), shape);
      }
      case 'resample': {
        const { mode } = details as { mode: string };
        const windows = shape.slice(2).map((size, dim) => ({
          reach: Math.min(TAPS[mode] ?? 1, from[dim + 2]),
          step: from[dim + 2] / size,
        }));
        return slide(input, windows, shape);
      }
      case 'pixelShuffle': {
        const factor = Number(spec.factor);
        const step = spec.inverse === true ? factor : 1 / factor;
        return slide(
          input,
          [1, 1].map(() => ({ reach: 1, step })),
          shape,
        );
      }
      case 'linear':
      case 'matmul':
        return union(
          inputs.map((spread) => withoutLast(mix(spread, spread.dims.length - 1))),
          shape.length,
        );
      case 'mean': {
        const { dims, keepdim } = spec as unknown as { dims: readonly number[]; keepdim: boolean };
        const all = dims.length > 0 ? dims : from.map((_, dim) => dim);
        const over = all.map((dim) => (dim < 0 ? dim + from.length : dim));
        const mixed = over.reduce(mix, input);
        const left = mixed.dims.map((along, dim) => (over.includes(dim) ? [] : along));
        return { ...mixed, dims: keepdim ? left : left.filter((_, dim) => !over.includes(dim)) };
      }
      case 'softmax':
        return mix(input, Number(spec.dim));
      case 'permute':
        return {
          ...input,
          dims: (spec.dims as number[]).map((dim) => input.dims[dim < 0 ? dim + from.length : dim]),
        };
      case 'select':
        return { ...input, dims: input.dims.filter((_, dim) => dim !== spec.dim) };
      case 'reshape':
        return reshape(input, from, shape);
      case 'binary':
      case 'cat':
        return union(inputs, shape.length);
      default:
        return input;
    }
  }
}

/** The output of a product runs along nothing in its last dimension. */
function withoutLast(spread: Spread): Spread {
  return {
    ...spread,
    dims: spread.dims.map((along, dim) => (dim < spread.dims.length - 1 ? along : [])),
  };
}

/** How many spatial dimensions a network's windows have: those of the first. */
function spatialDims(graph: Pick<Graph, 'nodes'>): number {
  for (const { spec } of graph.nodes) {
    const { kernel, outputSize } = (spec.spec ?? {}) as Record<string, readonly unknown[]>;
    if (spec.op === 'conv' || spec.op === 'pool') return (kernel ?? outputSize).length;
  }
  return 0;
}

/**
 * The field of each value along the spatial axes of the first input; undefined where it depends on no
 * input, or where nothing in the network has windows.
 */
export function receptiveFields(
  graph: Pick<Graph, 'nodes' | 'inputShapes'>,
): (Field | undefined)[] {
  const dims = spatialDims(graph);
  const tracker = new Tracker(graph.inputShapes);
  for (const node of graph.nodes) tracker.add(node);
  return tracker.fields.map((field) =>
    field === undefined || dims === 0
      ? undefined
      : { size: field.size.slice(-dims), jump: field.jump.slice(-dims) },
  );
}
