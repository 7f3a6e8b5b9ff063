/** Random networks: compiled ones compute what `forward` does, whatever the batch and the threads. */
import { compile } from '../../lib';
import type { Tensor } from '../../lib';
import { expectNear, expectSame, folds, leaves, noise } from '../support/graph';
import type { Outputs } from '../support/graph';
import { randomNetwork } from '../support/random-network';

const COUNT = 300;
const BATCH = 3;

/** One row of every output of a batch. */
const rowOf = (outputs: Outputs, row: number): Tensor[] =>
  leaves(outputs).map(([, output]) => {
    const slice = output.select(0, row);
    return slice.reshape([1, ...slice.shape]);
  });

const copyOf = (outputs: Outputs): Tensor[] => leaves(outputs).map(([, output]) => output.clone());

const seen = new Set<string>();

test.each(Array.from({ length: COUNT }, (_, seed) => seed))('network %i', (seed) => {
  const { model, inputs: shapes, text } = randomNetwork(seed);
  const inputs = shapes.map((shape, i) => noise(seed + i, [BATCH, ...shape]));
  const before = inputs.map((input) => input.clone());
  try {
    const session = compile(model, { threads: 1 });
    const expected = model.forward(...inputs.map((input) => input.clone())) as Outputs;
    const first = session.run<Outputs>(...inputs);
    const explanation = session.explain(...inputs.map(({ shape }) => shape));
    for (const { operation } of explanation.steps) seen.add(operation);
    if (folds(explanation)) expectNear(first, expected);
    else expectSame(first, expected);
    expectSame(inputs, before);

    const copy = copyOf(first);
    expectSame(session.run<Outputs>(...inputs), first);
    session.run<Outputs>(...shapes.map((shape, i) => noise(seed + 7 + i, [BATCH, ...shape])));
    expectSame(copyOf(first), copy);
    expectSame(compile(model, { threads: 2 }).run<Outputs>(...inputs), first);

    for (let row = 0; row < BATCH; row++) {
      const alone = inputs.map((input) =>
        input.select(0, row).reshape([1, ...input.shape.slice(1)]),
      );
      expectSame(copyOf(session.run<Outputs>(...alone)), rowOf(first, row));
    }
    session.dispose();
  } catch (error) {
    throw new Error(`${text}\n${(error as Error).message}`, { cause: error });
  }
});

test('the networks had all kinds of fused steps', () => {
  for (const operation of [
    'conv+clamp',
    'conv+batchNorm',
    'conv+batchNorm+clamp',
    'conv+add',
    'conv+batchNorm+add',
    'conv+batchNorm+add+clamp',
    'pad+conv',
    'linear+clamp',
    'cat',
  ]) {
    expect(seen).toContain(operation);
  }
});
