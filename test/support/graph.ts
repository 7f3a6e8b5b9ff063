/** Compiled networks against the same model run layer by layer. */
import { compile, nn, tensor } from '../../lib';
import type { CompileOptions, Explanation, Session, Tensor } from '../../lib';
import { readData } from '../../lib/tensor';
import { expectClose, expectSameBits } from './close';
import { normal } from './hashfill';
import { product } from './spec';

/** What `forward` returns: tensors in a structure. */
export type Outputs = Tensor | Outputs[] | { [key: string]: Outputs };

type Forward<Parts> = (this: nn.Module & Parts, ...inputs: Tensor[]) => Outputs;

/** A model of some modules, parameters or anything else, in evaluation mode. */
export function network<Parts extends object>(
  parts: Parts,
  forward: Forward<Parts>,
): nn.Module & Parts & { forward: (...inputs: Tensor[]) => Outputs } {
  class Network extends nn.Module {
    constructor() {
      super();
      Object.assign(this, parts);
    }
    override forward(...inputs: Tensor[]): Outputs {
      return forward.call(this as unknown as nn.Module & Parts, ...inputs);
    }
  }
  return new Network().eval() as ReturnType<typeof network<Parts>>;
}

/** The same numbers for the same seed and shape. */
export function noise(seed: number, shape: readonly number[]): Tensor {
  return tensor(normal(seed, product(shape))).reshape(shape);
}

/** Makes all state of a model look trained: nothing is 0, 1 or the same everywhere. */
export function scramble<M extends nn.Module>(model: M, seed = 1): M {
  let next = seed * 1000;
  for (const [name, state] of Object.entries(model.stateDict())) {
    if (state.dtype !== 'float32') continue;
    const values = normal(next++, state.numel);
    const scale = 1 / Math.sqrt(Math.max(1, product(state.shape.slice(1))));
    const positive = name.endsWith('running_var');
    state.copy_(
      tensor(values.map((x) => (positive ? 0.5 + Math.abs(x) : state.ndim > 1 ? x * scale : x))) // one by one
        .reshape(state.shape),
    );
  }
  return model;
}

/** All tensors of a structure with their paths. */
export function leaves(outputs: Outputs, path = 'output'): [string, Tensor][] {
  if (typeof (outputs as Tensor).numel === 'number') return [[path, outputs as Tensor]];
  return Object.entries(outputs).flatMap(([key, item]) =>
    leaves(item as Outputs, `${path}.${key}`),
  );
}

/** Asserts the same structure, shapes and bits. */
export function expectSame(actual: Outputs, expected: Outputs): void {
  const [a, b] = [leaves(actual), leaves(expected)];
  expect(a.map(([path, { shape }]) => [path, shape])).toEqual(
    b.map(([path, { shape }]) => [path, shape]),
  );
  a.forEach(([path, got], i) => expectSameBits(readData(got), readData(b[i][1]), path));
}

/** Whether rounding differs from that of the layers one by one. */
export function folds(explanation: Explanation): boolean {
  return explanation.steps.some(
    ({ operation }) => operation.includes('+batchNorm') || operation.startsWith('pad+'),
  );
}

/** Asserts that outputs differ by rounding at most. */
export function expectNear(actual: Outputs, expected: Outputs): void {
  const [a, b] = [leaves(actual), leaves(expected)];
  expect(a.map(([path, { shape }]) => [path, shape])).toEqual(
    b.map(([path, { shape }]) => [path, shape]),
  );
  a.forEach(([path, got], i) => {
    const values = readData(b[i][1]);
    const largest = values.reduce(
      (most, x) => Math.max(most, Number.isFinite(x) ? Math.abs(x) : 0),
      0,
    );
    expectClose(readData(got), values, path, { atol: 1e-5 * Math.max(1, largest), rtol: 1e-5 });
  });
}

/**
 * Asserts that the compiled model returns what `forward` does: bit for bit where nothing was folded.
 * Leaves the inputs alone.
 */
export function expectCompiled(
  model: nn.Module,
  inputs: Tensor[],
  options?: CompileOptions,
): Session {
  const expected = model.forward(...inputs.map((input) => input.clone())) as Outputs;
  const before = inputs.map((input) => input.clone());
  const session = compile(model, options);
  const actual = session.run<Outputs>(...inputs);
  const explanation = session.explain(...inputs.map(({ shape }) => shape));
  if (folds(explanation)) expectNear(actual, expected);
  else expectSame(actual, expected);
  expectSame(inputs, before);
  expect(explanation.outputShapes).toEqual(leaves(actual).map(([, { shape }]) => shape));
  return session;
}

/** What each step does. */
export function operations(session: Session, ...shapes: (readonly number[])[]): string[] {
  return session.explain(...shapes).steps.map(({ operation }) => operation);
}
