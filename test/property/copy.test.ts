/** That tensors share elements after `copy_` can't be seen: random calls, against arrays. */
import fc from 'fast-check';

import { compile, nn, type Tensor, tensor, zeros } from '../../lib';
import { Snapshot } from '../../lib/nn/trace/snapshot';
import { storageOf, versionOf, wrap, writeData } from '../../lib/tensor';
import { check } from '../support/run';

const TENSORS = 5;
const SIZE = 4;

type Step =
  | { op: 'copy' | 'view' | 'clone' | 'module'; to: number; from: number }
  | { op: 'fill' | 'set' | 'write'; to: number; value: number }
  | { op: 'expose' | 'snapshot'; to: number };

const index = fc.nat(TENSORS - 1);
const value = fc.integer({ min: -9, max: 9 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ op: fc.constant('copy' as const), to: index, from: index }) },
  fc.record({ op: fc.constantFrom('view', 'clone', 'module'), to: index, from: index }),
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constantFrom('fill', 'set', 'write'), to: index, value }),
  },
  fc.record({ op: fc.constantFrom('expose', 'snapshot'), to: index }),
);

/** A tensor, those of an equal `group` being views of one another, and what was handed out of it. */
interface Slot {
  tensor: Tensor;
  group: { values: number[]; exposed?: Float32Array };
}

const holder = (weight: Tensor): nn.Linear => {
  const layer = new nn.Linear(SIZE, 1, { bias: false });
  layer.weight = new nn.Parameter(weight.reshape([1, SIZE]));
  return layer;
};

test('as if every copy_ had copied', () => {
  check(
    300,
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const slots = Array.from({ length: TENSORS }, (_, i): Slot => {
        const values = Array.from({ length: SIZE }, (_unused, j) => 10 * i + j);
        return { tensor: tensor(values), group: { values } };
      });
      const frozen: { take: () => ArrayLike<number>; values: number[] }[] = [];
      for (const now of steps) {
        const slot = slots[now.to];
        const { group } = slot;
        const before = slots.map((other) => versionOf(other.tensor));
        if ('from' in now) {
          const source = slots[now.from];
          const { values } = source.group;
          if (now.op === 'copy') {
            slot.tensor.copy_(source.tensor);
            group.values = [...values];
          } else if (now.op === 'module') {
            // The module's weight is a view of the target.
            holder(slot.tensor).loadStateDict({ weight: source.tensor.reshape([1, SIZE]) });
            group.values = [...values];
          } else if (now.op === 'view') {
            slots[now.to] = { tensor: source.tensor.reshape([SIZE]), group: source.group };
          } else {
            slots[now.to] = { tensor: source.tensor.clone(), group: { values: [...values] } };
          }
        } else if (now.op === 'fill') {
          slot.tensor.fill_(now.value);
          group.values = group.values.map(() => now.value);
        } else if (now.op === 'set') {
          slot.tensor.data[1] = now.value;
          group.exposed = slot.tensor.data;
          group.values[1] = now.value;
        } else if (now.op === 'write') {
          writeData(slot.tensor)[2] = now.value;
          group.values[2] = now.value;
        } else if (now.op === 'expose') {
          group.exposed ??= slot.tensor.data;
        } else {
          const model = holder(slot.tensor);
          const snapshot = new Snapshot(model);
          const held = snapshot.constant(model.weight);
          frozen.push({ take: () => held.elements.array, values: [...group.values] });
        }
        slots.forEach(({ tensor: current, group: { values, exposed } }, i) => {
          expect(current.toArray()).toEqual(values);
          if (exposed) expect(current.data).toBe(exposed);
          // Whoever was written to has another version, unless it is known to change unseen.
          const written = ['copy', 'module', 'fill', 'write'].includes(now.op);
          if (written && slots[i].group === group) {
            expect(versionOf(current) === -1 || versionOf(current) !== before[i]).toBe(true);
          }
          const { shared, exposed: out } = storageOf(current);
          expect(shared && out).toBe(false);
        });
        for (const { take, values } of frozen) expect([...Array.from(take())]).toEqual(values);
      }
    }),
  );
});

const dataOf = (t: Tensor) => storageOf(t).data;

test('what copy_ shares, and what it does not', () => {
  const source = tensor([1, 2, 3, 4]);
  const target = zeros([4]);
  target.copy_(source);
  expect(dataOf(target)).toBe(dataOf(source));
  source.fill_(7);
  expect(target.toArray()).toEqual([1, 2, 3, 4]);

  const view = zeros([2, 2]);
  view.copy_(tensor([1, 2, 3, 4]).reshape([2, 2]));
  view.copy_(view.reshape([2, 2]));
  expect(view.reshape([4]).toArray()).toEqual([1, 2, 3, 4]);

  // Elements that somebody has: of the source, of the target.
  const open = tensor([1, 2]);
  const handed = open.data;
  const copy = zeros([2]).copy_(open);
  handed[0] = 9;
  expect(copy.toArray()).toEqual([1, 2]);
  const other = zeros([2]);
  const seen = other.data;
  other.copy_(tensor([5, 6]));
  expect([...seen]).toEqual([5, 6]);

  // Repeated, or of another type.
  const row = tensor([1, 2]);
  expect(dataOf(zeros([2, 2]).copy_(row))).not.toBe(dataOf(row));
  const doubles = wrap('float64', Float64Array.of(1, 2), [2]);
  expect(dataOf(zeros([2]).copy_(doubles))).not.toBe(storageOf(doubles).data);
  const whole = wrap('int64', BigInt64Array.of(2n ** 60n, -1n), [2]);
  const integers = wrap('int64', new BigInt64Array(2), [2]).copy_(whole);
  whole.fill_(0);
  expect([...integers.data]).toEqual([2n ** 60n, -1n]);
});

test('a small part of a large buffer is copied, so that the rest can go', () => {
  const buffer = new ArrayBuffer(64);
  const part = wrap('float32', new Float32Array(buffer, 16, 4), [4]);
  const most = wrap('float32', new Float32Array(buffer, 16, 8), [8]);
  expect(dataOf(zeros([4]).copy_(part))).not.toBe(dataOf(part));
  expect(dataOf(zeros([8]).copy_(most))).toBe(dataOf(most));
});

test('a model, its state dict, its session and its handles each keep what they should', () => {
  const x = tensor([1, 2, 3, 4], [1, 1, 2, 2]);
  const layer = new nn.Conv2d(1, 1, 1, { bias: false });
  const loaded = { weight: tensor([2], [1, 1, 1, 1]) };
  layer.loadStateDict(loaded);
  const session = compile(layer);
  const run = () => [layer.forward(x), session.run(x)].map((y) => y.reshape([4]).toArray());
  expect(run()).toEqual([[2, 4, 6, 8], [2, 4, 6, 8]]); // prettier-ignore
  loaded.weight.fill_(5);
  expect(run()).toEqual([[2, 4, 6, 8], [2, 4, 6, 8]]); // prettier-ignore
  layer.loadStateDict(loaded);
  expect(run()).toEqual([[5, 10, 15, 20], [2, 4, 6, 8]]); // prettier-ignore
  layer.weight.data[0] = 1;
  expect(run()).toEqual([[1, 2, 3, 4], [2, 4, 6, 8]]); // prettier-ignore
  expect(loaded.weight.item()).toBe(5);
  session.dispose();
});
