/**
 * Weights are honoured as they are at the call, and packed again only where they have changed:
 * both halves, for every way to change them.
 */
import { nn, tensor, zeros } from '../lib';
import type { Tensor } from '../lib';
import { expectClose } from './support/close';
import { normal } from './support/hashfill';
import { packsOf } from './support/internals';
import { convolve } from './support/oracle';
import { product, specOf } from './support/spec';

const ARGS = [4, 6, 3] as const;
const SHAPE = [2, 4, 7, 8];
const x = tensor(normal(1, product(SHAPE)), SHAPE);

type Layer = nn.Conv2d | nn.ConvTranspose2d;

const LAYERS: [string, () => Layer][] = [
  ['Conv2d', () => new nn.Conv2d(...ARGS, { padding: 1 })],
  ['ConvTranspose2d', () => new nn.ConvTranspose2d(...ARGS, { padding: 1 })],
];

/** That `forward` uses the numbers that `weight` and `bias` hold now; they are read by a copy. */
function expectCurrent(layer: Layer, what: string): void {
  const name = layer instanceof nn.Conv2d ? 'Conv2d' : 'ConvTranspose2d';
  const spec = specOf(name, ARGS, { padding: 1 });
  const numbers = (t: Tensor) => t.clone().data;
  const expected = convolve(
    spec,
    numbers(x),
    SHAPE,
    numbers(layer.weight),
    layer.bias && numbers(layer.bias),
  );
  expectClose(layer.forward(x).data, expected, what);
}

const other = (t: Tensor, seed: number) => tensor(normal(seed, t.numel), t.shape);

const of = (layer: Layer, key: 'weight' | 'bias'): Tensor => layer[key]!;

/** Every way to change a parameter. The later ones hand the data out. */
const CHANGES: [string, (layer: Layer, key: 'weight' | 'bias') => void][] = [
  ['init.constant_', (layer, key) => void nn.init.constant_(of(layer, key), 0.25)],
  ['init.normal_', (layer, key) => void nn.init.normal_(of(layer, key))],
  ['init.uniform_', (layer, key) => void nn.init.uniform_(of(layer, key), -1, 1)],
  ['init.zeros_', (layer, key) => void nn.init.zeros_(of(layer, key))],
  ['init.ones_', (layer, key) => void nn.init.ones_(of(layer, key))],
  ['init.truncNormal_', (layer, key) => void nn.init.truncNormal_(of(layer, key))],
  ['copy_', (layer, key) => void of(layer, key).copy_(other(of(layer, key), 21))],
  ['fill_', (layer, key) => void of(layer, key).fill_(-0.5)],
  ['a view', (layer, key) => void of(layer, key).reshape([-1]).fill_(0.125)],
  [
    'loadStateDict',
    (layer, key) =>
      void layer.loadStateDict({ ...layer.stateDict(), [key]: other(of(layer, key), 22) }),
  ],
  ['a tensor of stateDict()', (layer, key) => void layer.stateDict()[key].fill_(0.75)],
  ['assignment', (layer, key) => void (layer[key] = other(of(layer, key), 23))],
  [
    'assignment, then a change of what was assigned',
    (layer, key) => {
      const assigned = other(of(layer, key), 24);
      layer[key] = assigned;
      layer.forward(x);
      assigned.fill_(0.5);
    },
  ],
  ['a write into data', (layer, key) => void (of(layer, key).data[3] += 2)],
  [
    'a late write into data that was handed out long ago',
    (layer, key) => {
      const { data } = layer[key]!;
      for (let i = 0; i < 3; i++) layer.forward(x);
      data[data.length - 1] -= 3;
    },
  ],
  [
    'a write into data of a view',
    (layer, key) =>
      void of(layer, key)
        .reshape([of(layer, key).numel])
        .data.fill(0.375, 1),
  ],
];

const WEIGHT_ONLY: [string, (layer: Layer) => void][] = [
  ['init.kaimingUniform_', (layer) => void nn.init.kaimingUniform_(layer.weight)],
  ['init.kaimingNormal_', (layer) => void nn.init.kaimingNormal_(layer.weight)],
  ['init.xavierUniform_', (layer) => void nn.init.xavierUniform_(layer.weight)],
  ['init.xavierNormal_', (layer) => void nn.init.xavierNormal_(layer.weight)],
  ['init.dirac_', (layer) => void nn.init.dirac_(layer.weight)],
  ['init.orthogonal_', (layer) => void nn.init.orthogonal_(layer.weight)],
];

describe.each(LAYERS)('%s', (_, make) => {
  test.each(CHANGES)('the next forward sees weight and bias changed by %s', (what, change) => {
    const layer = make();
    expectCurrent(layer, 'before');
    for (const key of ['weight', 'bias'] as const) {
      change(layer, key);
      expectCurrent(layer, `${key} changed by ${what}`);
    }
    // And once more, from the state that the change left behind.
    for (const key of ['bias', 'weight'] as const) {
      of(layer, key).copy_(other(of(layer, key), 31));
      expectCurrent(layer, `${key} changed by copy_ after ${what}`);
    }
  });

  test.each(WEIGHT_ONLY)('the next forward sees a weight changed by %s', (what, change) => {
    const layer = make();
    layer.forward(x);
    change(layer);
    expectCurrent(layer, what);
  });

  test('repeated forwards pack once', () => {
    const layer = make();
    expect(packsOf(layer)).toBe(0);
    for (let i = 0; i < 5; i++) layer.forward(x);
    expect(packsOf(layer)).toBe(1);
  });

  test('other shapes and batches need no packing of their own', () => {
    const layer = make();
    for (const batch of [1, 2, 8]) layer.forward(zeros([batch, 4, 7, 8]));
    layer.forward(zeros([4, 7, 8]));
    layer.outputShape([4, 9, 9]);
    layer.explain([1, 4, 9, 9]);
    expect(packsOf(layer)).toBe(1);
  });

  test('what changes no weight packs nothing', () => {
    const layer = make();
    layer.forward(x);
    layer.bias!.fill_(3);
    layer.bias!.data[0] = 4;
    void String(layer.weight);
    void layer.weight.clone();
    void layer.weight.select(0, 0);
    void layer.weight.toArray();
    void layer.stateDict();
    void layer.weight.reshape([-1]);
    layer.forward(x);
    expect(packsOf(layer)).toBe(1);
  });

  test('each change packs once more', () => {
    const layer = make();
    for (let i = 1; i <= 3; i++) {
      layer.weight.fill_(i);
      for (let j = 0; j < 3; j++) layer.forward(x);
      expect(packsOf(layer)).toBe(i);
    }
  });

  test('data that was handed out is packed again only when it has been written to', () => {
    const layer = make();
    const { data } = layer.weight;
    for (let i = 0; i < 4; i++) layer.forward(x);
    expect(packsOf(layer)).toBe(1);
    data[5] += 1;
    for (let i = 0; i < 4; i++) layer.forward(x);
    expect(packsOf(layer)).toBe(2);
    expectCurrent(layer, 'after the write');
    expect(packsOf(layer)).toBe(2);
    // NaN differs from itself, its bytes don't.
    data[5] = NaN;
    for (let i = 0; i < 4; i++) layer.forward(x);
    expect(packsOf(layer)).toBe(3);
  });

  test('two layers that share a weight both see its changes', () => {
    const [a, b] = [make(), make()];
    b.weight = a.weight;
    expectCurrent(a, 'first');
    expectCurrent(b, 'second');
    a.weight.fill_(0.3);
    expectCurrent(b, 'second, after a change through the first');
    expectCurrent(a, 'first, after that change');
  });
});

test('functional convolutions see their weight as it is', () => {
  const weight = other(zeros([6, 4, 3, 3]), 41);
  const spec = specOf('Conv2d', ARGS, { padding: 1 });
  const expectNow = (what: string) => {
    const { data } = nn.functional.conv2d(x, weight, null, { padding: 1 });
    const expected = convolve(spec, x.clone().data, SHAPE, weight.clone().data, null);
    expectClose(data, expected, what);
  };
  expectNow('at first');
  weight.fill_(0.5);
  expectNow('after fill_');
  weight.data[7] = 3;
  expectNow('after a write');
});

test('results are never views of one another', () => {
  const layer = LAYERS[0][1]();
  const first = layer.forward(x);
  const kept = first.clone();
  layer.weight.fill_(9);
  const second = layer.forward(x);
  expectClose(first.data, kept.data, 'the first result', { rtol: 0, atol: 0 });
  second.fill_(0);
  expectClose(first.data, kept.data, 'the first result', { rtol: 0, atol: 0 });
});
