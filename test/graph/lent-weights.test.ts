/**
 * Networks free the weights that they have packed and make them anew when somebody asks: nobody may
 * see a difference.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import {
  compile,
  load,
  manualSeed,
  nn,
  ones,
  randn,
  save,
  saveAsync,
  type Session,
  type Tensor,
} from '../../lib';
import { readData, storageOf } from '../../lib/tensor';

const SHAPE = [1, 32, 12, 12];

/** Convolutions that keep all their weights when they are packed, with and without batch norms. */
function network(): nn.Sequential {
  manualSeed(3);
  const norm = (): nn.BatchNorm2d => {
    const made = new nn.BatchNorm2d(32);
    nn.init.normal_(made.weight!); // of either sign
    nn.init.uniform_(made.running_var!, 0.01, 30);
    return made;
  };
  return new nn.Sequential(
    ...[new nn.Conv2d(32, 32, 3, { padding: 1 }), norm()],
    ...[new nn.Conv2d(32, 32, 1), norm(), new nn.ReLU()],
    ...[new nn.Conv2d(32, 32, 3, { padding: 1 }), new nn.ConvTranspose2d(32, 32, 2, { stride: 2 })],
  ).eval();
}

const weights = (model: nn.Module): Tensor[] =>
  [...model.namedParameters()].filter(([, { ndim }]) => ndim === 4).map(([, tensor]) => tensor);

/** The arrays themselves, whatever becomes of them. */
const arrays = (model: nn.Module) => weights(model).map((tensor) => readData(tensor));
const bits = (data: Float32Array) => Array.from(new Uint32Array(data.slice().buffer));
const allBits = (model: nn.Module) => weights(model).map((tensor) => bits(readData(tensor)));

function prepared(model: nn.Module, shape: readonly number[] = SHAPE): Session {
  const session = compile(model);
  session.prepare(shape);
  return session;
}

test('weights are freed when they are packed, and are the same bits afterwards', () => {
  const model = network();
  const before = allBits(model);
  const held = arrays(model);
  const session = prepared(model);
  expect(held.map(({ length }) => length)).toEqual([0, 0, 0, 0]);
  expect(allBits(model)).toEqual(before);
  const x = randn(SHAPE);
  const expected = model.forward(x).toArray();
  expect(session.run(x).shape).toEqual([1, 32, 24, 24]);
  const other = prepared(model).run(x);
  expect(other.data).toEqual(session.run(x).data);
  const largest = Math.max(...Array.from(other.data, Math.abs));
  (expected as number[][][][]).flat(3).forEach((value, i) => {
    expect(Math.abs(value - other.data[i])).toBeLessThan(1e-5 * largest);
  });
});

test.each([
  ['a norm that multiplies by zero', 0, []],
  ['one that overflows', 1e38, [1e30, -1e38]],
  ['one that makes subnormal numbers', 1e-38, [1e-5, -1e-6, 1e-38]],
  ['values that are not finite', 0.3, [Infinity, -Infinity, NaN]],
  ['zeros of either sign', -0.7, [0, -0, 0]],
  ['subnormal values', -0.7, [1e-45, -1e-45, 1e-40]],
])('%s', (_, gamma, values) => {
  const conv = new nn.Conv2d(32, 32, 3, { padding: 1 });
  const norm = new nn.BatchNorm2d(32);
  norm.weight!.fill_(gamma);
  const model = new nn.Sequential(conv, norm).eval();
  const copy = readData(conv.weight).slice();
  copy.set(values, 100);
  conv.weight.copy_(tensorOf(copy, conv.weight.shape));
  const before = allBits(model);
  const session = prepared(model);
  session.run(ones(SHAPE));
  expect(allBits(model)).toEqual(before);
});

function tensorOf(data: Float32Array, shape: readonly number[]): Tensor {
  const made = randn(shape);
  made.data.set(data);
  return made;
}

test('other sizes, for which the weights are packed in other ways', () => {
  const model = network();
  const before = allBits(model);
  const held = arrays(model);
  const session = prepared(model);
  for (const shape of [
    [1, 32, 1, 1],
    [3, 32, 5, 40],
    [1, 32, 64, 3],
  ]) {
    const x = randn(shape);
    const expected = compile(network()).run(x);
    expect(session.run(x).data).toEqual(expected.data);
  }
  // Nobody had to make them anew for that.
  expect(held.map(({ length }) => length)).toEqual([0, 0, 0, 0]);
  expect(allBits(model)).toEqual(before);
});

test('sessions of one model, in any order, disposed of or not', () => {
  const model = network();
  const before = allBits(model);
  const x = randn(SHAPE);
  const expected = compile(network()).run(x).data;
  const [a, b] = [compile(model), compile(model)];
  a.prepare(SHAPE); // while b relies on nothing yet
  b.prepare(SHAPE);
  expect(a.run(x).data).toEqual(expected);
  expect(b.run(x).data).toEqual(expected);
  a.dispose();
  expect(allBits(model)).toEqual(before);
  expect(b.run(x).data).toEqual(expected);
  b.dispose();
  const c = prepared(model);
  const held = storageOf(weights(model)[0]).elements;
  c.dispose();
  c.dispose();
  expect(held.isHeld).toBe(false);
  expect(allBits(model)).toEqual(before);
  expect(compile(model).run(x).data).toEqual(expected);
});

test('a model that is disposed of before anybody looks', () => {
  const model = network();
  const before = allBits(model);
  const session = prepared(model);
  session.dispose();
  expect(() => session.run(randn(SHAPE))).toThrow(/disposed/);
  expect(allBits(model)).toEqual(before);
});

test('weights that somebody has, or has twice, stay', () => {
  const conv = new nn.Conv2d(32, 32, 3, { padding: 1 });
  const array = conv.weight.data;
  const before = bits(array);
  const tied = new nn.Conv2d(32, 32, 3, { padding: 1 });
  const twin = new nn.Conv2d(32, 32, 3, { padding: 1 });
  twin.weight = tied.weight;
  const model = new nn.Sequential(conv, tied, twin, tied).eval();
  const session = prepared(model);
  expect(bits(array)).toEqual(before);
  expect(readData(tied.weight)).toHaveLength(32 * 32 * 9);
  const x = randn(SHAPE);
  const first = session.run(x).data;
  array.fill(0); // the session has the weights of before
  expect(session.run(x).data).toEqual(first);
});

test('an input may be a weight', () => {
  const model = new nn.Sequential(new nn.Conv2d(32, 32, 3, { padding: 1 })).eval();
  const { weight } = model.at(0) as nn.Conv2d;
  const expected = model.forward(weight);
  const result = compile(model).run(weight);
  expect(result.shape).toEqual(expected.shape);
  expect(result.data).toEqual(expected.data);
});

test('changes of the model, and what shares its weights', () => {
  const model = network();
  const state = model.stateDict();
  const copy = network();
  copy.loadStateDict(state);
  const session = prepared(model);
  const x = randn(SHAPE);
  const expected = session.run(x).data;
  const before = allBits(copy);
  weights(model)[0].fill_(0.5);
  expect(readData(weights(model)[0]).every((value) => value === 0.5)).toBe(true);
  expect(allBits(copy)).toEqual(before);
  expect(session.run(x).data).toEqual(expected);
  expect(session.run(randn([2, 32, 7, 7])).shape).toEqual([2, 32, 14, 14]);
  expect(compile(copy).run(x).data).toEqual(expected);
});

test('files, also those that are being written', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-lent-'));
  try {
    const files = ['a', 'b'].map((name) => path.join(folder, name));
    const model = network();
    const before = allBits(model);
    const writing = saveAsync(files[0], model.stateDict());
    const session = prepared(model);
    await writing;
    session.prepare([1, 32, 9, 9]);
    save(files[1], model.stateDict());
    for (const file of files) {
      const read = network();
      read.loadStateDict(load(file));
      expect(allBits(read)).toEqual(before);
    }
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
