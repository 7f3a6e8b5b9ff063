/** What activations, dense layers and operations accept, reject and print. */
import {
  add,
  cat,
  div,
  flatten,
  manualSeed,
  matmul,
  mean,
  mul,
  nn,
  ones,
  permute,
  sub,
  tensor,
  zeros,
} from '../../lib';
import type { Tensor } from '../../lib';
import { binding } from '../../lib/binding';
import { versionOf } from '../../lib/tensor';
import { expectRejected, thrownBy } from '../support/errors';
import { callOp, type OpCall, opLayer, opTitle } from '../support/ops';
import { Store } from '../support/stored';

const F = nn.functional;
const store = new Store('ops');
const rejected = store.read<OpCall & { error: string }>('rejected.json');
const accepted = store.read<OpCall & { shape: number[] }>('accepted.json');
const printed = store.read<OpCall & { text: string; state: string[] }>('repr.json');

const inputsOf = (c: OpCall) => c.inputs.map((shape) => ones(shape));

test.each(rejected.map((c) => [opTitle(c), c] as const))('rejects %s', (_, c) => {
  expectRejected(
    () => callOp(c, inputsOf(c)),
    /input|weight|bias|shape|tensor|size|dim|[a-z]Factor|approximate|numParameters|inFeatures|outFeatures|^p /i,
  );
});

test.each(accepted.map((c) => [opTitle(c), c] as const))('accepts %s', (_, c) => {
  expect(callOp(c, inputsOf(c)).shape).toEqual(c.shape);
});

test.each(printed.map((c) => [c.text, c] as const))('%s', (text, c) => {
  const layer = opLayer(c);
  expect(String(layer)).toBe(text);
  expect(Object.keys(layer.stateDict())).toEqual(c.state);
});

const x = ones([2, 3]);
const bad = <T>(value: unknown): T => value as T;

test.each([
  ['an array for a tensor', () => F.relu(bad([1])), 'ARG_TYPE'],
  ['another dtype', () => F.relu(bad(tensor(BigInt64Array.of(1n)))), 'ARG_TYPE'],
  ['true for options', () => new nn.ReLU(bad(true)), 'ARG_TYPE'],
  ['a number for inplace', () => new nn.ReLU({ inplace: bad(1) }), 'ARG_TYPE'],
  ['a misspelled option', () => new nn.ReLU(bad({ inPlace: true })), 'UNKNOWN_OPTION'],
  ['an option of another layer', () => new nn.GELU(bad({ inplace: true })), 'UNKNOWN_OPTION'],
  ['a slope that is a string', () => F.leakyRelu(x, { negativeSlope: bad('1') }), 'ARG_TYPE'],
  ['an alpha of null', () => new nn.ELU({ alpha: bad(null) }), 'ARG_TYPE'],
  ['half a parameter', () => new nn.PReLU({ numParameters: 0.5 }), 'ARG_VALUE'],
  ['no slope', () => Object.assign(new nn.PReLU(), { weight: null }), 'ARG_TYPE'],
  ['too many slopes', () => Object.assign(new nn.PReLU(), { weight: ones([2]) }), 'SHAPE'],
  ['features that are a string', () => new nn.Linear(bad('3'), 2), 'ARG_TYPE'],
  ['a fraction of features', () => new nn.Linear(3, 2.5), 'ARG_VALUE'],
  ['negative features', () => new nn.Linear(-3, 2), 'ARG_VALUE'],
  ['a bias that is 1', () => new nn.Linear(3, 2, { bias: bad(1) }), 'ARG_TYPE'],
  ['another weight', () => Object.assign(new nn.Linear(3, 2), { weight: ones([3, 2]) }), 'SHAPE'],
  ['another bias', () => Object.assign(new nn.Linear(3, 2), { bias: ones([3]) }), 'SHAPE'],
  ['a weight of null', () => F.linear(x, bad(null)), 'ARG_TYPE'],
  ['a bias that is a number', () => F.linear(x, ones([2, 3]), bad(1)), 'ARG_TYPE'],
  ['a string to add', () => add(x, bad('1')), 'ARG_TYPE'],
  ['a boolean to multiply', () => mul(bad(true), x), 'ARG_TYPE'],
  ['undefined to divide by', () => div(x, bad(undefined)), 'ARG_TYPE'],
  ['an alpha that is a tensor', () => add(x, 1, { alpha: bad(x) }), 'ARG_TYPE'],
  ['an unknown option to add', () => sub(x, 1, bad({ beta: 1 })), 'UNKNOWN_OPTION'],
  ['a number to matmul', () => matmul(x, bad(2)), 'ARG_TYPE'],
  ['a tensor to cat', () => cat(bad(x)), 'ARG_TYPE'],
  ['a hole among tensors', () => cat(bad([x, , x])), 'ARG_TYPE'], // eslint-disable-line no-sparse-arrays
  ['a fraction of a dim', () => cat([x], 0.5), 'ARG_VALUE'],
  ['a dim that is a string', () => mean(x, bad('0')), 'ARG_TYPE'],
  ['keepdim: 1', () => mean(x, 0, { keepdim: bad(1) }), 'ARG_TYPE'],
  ['dims that are a number', () => permute(x, bad(1)), 'ARG_TYPE'],
  ['an end before the start', () => flatten(x, 1, 0), 'ARG_VALUE'],
  ['a flatten of nothing', () => flatten(bad<Tensor>(null)), 'ARG_TYPE'],
  ['startDim of null', () => new nn.Flatten({ startDim: bad(null) }), 'ARG_TYPE'],
  ['a number to unflatten to', () => new nn.Unflatten(1, bad(3)), 'ARG_TYPE'],
  ['a factor that is a string', () => new nn.PixelShuffle(bad('2')), 'ARG_TYPE'],
  ['half a factor', () => F.pixelUnshuffle(ones([1, 2, 2]), 1.5), 'ARG_VALUE'],
  ['a result beyond memory', () => add(zeros([1 << 27, 1]), zeros([1, 1 << 27])), 'ALLOC'],
  ['p: NaN', () => new nn.Dropout({ p: NaN }), 'ARG_VALUE'],
  ['p that is a string', () => F.dropout(x, { p: bad('0.5') }), 'ARG_TYPE'],
  ['training: 1', () => F.dropout(x, { training: bad(1) }), 'ARG_TYPE'],
  ['training of a layer', () => new nn.Dropout(bad({ training: true })), 'UNKNOWN_OPTION'],
])('refuses %s', (_, call, code) => {
  expect(thrownBy(call).code).toBe(`ERR_NNCONV_${code}`);
});

describe('in place', () => {
  test('changes the tensor, its views and its version', () => {
    const t = tensor([-1, 2, -3, 4]);
    const view = t.reshape([2, 2]);
    const before = versionOf(t);
    expect(new nn.ReLU({ inplace: true }).forward(t)).toBe(t);
    expect(versionOf(t)).not.toBe(before);
    expect(view.toArray()).toEqual([
      [0, 2],
      [0, 4],
    ]);
  });

  test('is seen by a convolution whose weight it changes', () => {
    const conv = new nn.Conv1d(1, 1, 1, { bias: false });
    conv.weight = tensor([-2], [1, 1, 1]);
    const input = ones([1, 1, 1]);
    expect(conv.forward(input).item()).toBe(-2);
    F.relu(conv.weight, { inplace: true });
    expect(conv.forward(input).item()).toBe(0);
  });

  test('does not happen unless asked for', () => {
    const t = tensor([-1, 2]);
    const before = versionOf(t);
    expect(F.relu(t, { inplace: false })).not.toBe(t);
    expect(F.leakyRelu(t).toArray()).toEqual([Math.fround(-0.01), 2]);
    expect(versionOf(t)).toBe(before);
    expect(t.toArray()).toEqual([-1, 2]);
  });
});

test('views and copies', () => {
  const t = ones([2, 3]);
  flatten(t).fill_(5);
  expect(t.toArray()).toEqual([
    [5, 5, 5],
    [5, 5, 5],
  ]);
  new nn.Unflatten(1, [3, 1]).forward(t).fill_(6);
  expect(t.data[0]).toBe(6);
  permute(t, [1, 0]).fill_(7);
  cat([t]).fill_(7);
  expect(t.data[0]).toBe(6);
  expect(new nn.Identity(1, { any: 'thing' }).forward(t)).toBe(t);
  const whole = tensor(BigInt64Array.of(1n, 2n), [1, 2]);
  expect(flatten(whole)).toMatchObject({ dtype: 'int64', shape: [2] });
});

test('pixels of an empty input have the shape of those of any other', () => {
  expect(F.pixelUnshuffle(zeros([0, 3, 4, 6]), 2).shape).toEqual([0, 12, 2, 3]);
  expect(F.pixelUnshuffle(zeros([2, 0, 6]), 3).shape).toEqual([18, 0, 2]);
  expect(F.pixelShuffle(zeros([0, 12, 2, 3]), 2).shape).toEqual([0, 3, 4, 6]);
});

test('two numbers make a tensor without dimensions', () => {
  expect(div(1, 4)).toMatchObject({ shape: [], numel: 1 });
  expect(div(1, 4).item()).toBe(0.25);
});

test('the mean of many equal numbers is that number', () => {
  expect(mean(ones([4099, 1031]).fill_(0.1)).item()).toBe(Math.fround(0.1));
});

describe('a slope for each channel', () => {
  test('can be trained on: the state dict holds it', () => {
    const layer = new nn.PReLU({ numParameters: 2 });
    layer.loadStateDict({ weight: tensor([0.5, -1]) });
    expect(layer.forward(tensor([[-2, -3]])).toArray()).toEqual([[-1, 3]]);
    layer.resetParameters();
    expect(layer.weight.toArray()).toEqual([0.25, 0.25]);
  });
});

test('natively, sizes that only a 0 keeps small are refused, not computed with', () => {
  const none = new Float32Array(0);
  const huge = 2 ** 52;
  const native = binding();
  const expectAlloc = (call: () => unknown) => expect(thrownBy(call).code).toBe('ERR_NNCONV_ALLOC');
  expectAlloc(() => native.pixelShuffle(none, [0, huge, 4], huge, false));
  expectAlloc(() => native.pixelShuffle(none, [huge, 0, 0], huge, true));
  expectAlloc(() => native.mean(none, [0, huge, huge], [0], false));
  const many = new Array<number[]>(3000).fill([0, 2 ** 53 - 1]);
  expectAlloc(() => native.cat(new Array<Float32Array>(3000).fill(none), many, 1));
  expect(native.mean(none, [0, huge, huge], [1, 2], false).shape).toEqual([0]);
  expect(
    native.cat(
      [none, none],
      [
        [0, huge, huge],
        [0, 1, huge],
      ],
      1,
    ).shape,
  ).toEqual([0, huge + 1, huge]);
});

describe('dropout', () => {
  test('passes its input on when not training, or with nothing to drop', () => {
    const t = ones([2, 3]);
    expect(new nn.Dropout().eval().forward(t)).toBe(t);
    expect(F.dropout2d(t, { training: false })).toBe(t);
    expect(F.dropout(t, { p: 0 })).toBe(t);
  });

  test('drops whole channels, scales the others', () => {
    manualSeed(1);
    const rows = F.dropout2d(ones([4, 8, 3, 3]), { p: 0.25 }).reshape([32, 9]);
    const seen = new Set((rows.toArray() as number[][]).map((row) => new Set(row).size));
    expect([...seen]).toEqual([1]);
    expect([...new Set(rows.data)].sort()).toEqual([0, Math.fround(4 / 3)]);
  });

  test('in place changes the input, as a new tensor would be', () => {
    const [a, b] = [ones([5, 7]), ones([5, 7])];
    manualSeed(5);
    const expected = new nn.Dropout().forward(a);
    expect(a.toArray()).toEqual(ones([5, 7]).toArray());
    manualSeed(5);
    expect(new nn.Dropout({ inplace: true }).forward(b)).toBe(b);
    expect(b.toArray()).toEqual(expected.toArray());
  });
});
