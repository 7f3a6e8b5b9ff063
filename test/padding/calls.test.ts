/** Padding layers reject what PyTorch rejects, accept what it accepts, and print as it prints. */
import { nn, ones, zeros } from '../../lib';
import { expectRejected, thrownBy } from '../support/errors';
import { isLayer, padFunction, padLayer, padTitle, type PadCall } from '../support/padding';
import { Store } from '../support/stored';

const store = new Store('padding');
const rejected = store.read<PadCall & { error: string }>('rejected.json');
const accepted = store.read<PadCall & { shape: number[] }>('accepted.json');
const printed = store.read<PadCall & { text: string }>('repr.json');

test.each(rejected.map((c) => [padTitle(c), c] as const))('rejects %s', (_, c) => {
  const argument = /padding|input|mode|value/;
  // A circular layer asks more of the input than the function.
  if (!c.layer.startsWith('Circular')) {
    expectRejected(() => padFunction(c, zeros(c.input)), argument);
  }
  if (!isLayer(c)) return;
  expectRejected(() => padLayer(c).forward(zeros(c.input)), argument);
  expectRejected(() => padLayer(c).outputShape(c.input), argument);
});

test.each(accepted.map((c) => [padTitle(c), c] as const))('accepts %s', (_, c) => {
  expect(padFunction(c, zeros(c.input)).shape).toEqual(c.shape);
  if (!isLayer(c)) return;
  expect(padLayer(c).outputShape(c.input)).toEqual(c.shape);
  expect(padLayer(c).forward(zeros(c.input)).shape).toEqual(c.shape);
});

test.each(printed.map((c) => [c.text, c] as const))('%s', (text, c) => {
  expect(String(padLayer(c))).toBe(text);
});

const x = zeros([1, 2, 4]);
test.each([
  ['a padding that is a string', () => new nn.ZeroPad1d('2' as never), 'ERR_NNCONV_ARG_TYPE'],
  ['no padding', () => new nn.ZeroPad2d(undefined as never), 'ERR_NNCONV_ARG_TYPE'],
  ['a padding of null', () => new nn.ZeroPad2d(null as never), 'ERR_NNCONV_ARG_TYPE'],
  ['a fraction', () => new nn.ReflectionPad1d(1.5), 'ERR_NNCONV_ARG_VALUE'],
  ['NaN', () => new nn.ReflectionPad1d([1, NaN]), 'ERR_NNCONV_ARG_VALUE'],
  ['2^53', () => new nn.ReplicationPad1d(2 ** 53), 'ERR_NNCONV_ARG_VALUE'],
  ['three values', () => new nn.ReplicationPad1d([1, 1, 1]), 'ERR_NNCONV_ARG_VALUE'],
  ['no constant', () => new nn.ConstantPad1d(1, undefined as never), 'ERR_NNCONV_ARG_TYPE'],
  ['a constant beyond float32', () => new nn.ConstantPad1d(1, 1e39), 'ERR_NNCONV_ARG_VALUE'],
  ['a single number', () => nn.functional.pad(x, 1 as never), 'ERR_NNCONV_ARG_TYPE'],
  [
    'a mode that is none',
    () => nn.functional.pad(x, [1, 1], { mode: 'zeros' as never }),
    'ERR_NNCONV_ARG_VALUE',
  ],
  [
    'a mode that is a number',
    () => nn.functional.pad(x, [1, 1], { mode: 1 as never }),
    'ERR_NNCONV_ARG_TYPE',
  ],
  [
    'a constant in another mode',
    () => nn.functional.pad(x, [1, 1], { mode: 'reflect', value: NaN }),
    'ERR_NNCONV_ARG_VALUE',
  ],
  [
    'a misspelled option',
    () => nn.functional.pad(x, [1, 1], { vlaue: 1 } as never),
    'ERR_NNCONV_UNKNOWN_OPTION',
  ],
  ['an array for a tensor', () => new nn.ZeroPad1d(1).forward([1] as never), 'ERR_NNCONV_ARG_TYPE'],
  [
    'circular padding with more than cropping leaves',
    () => nn.functional.pad(x, [-3, 2], { mode: 'circular' }),
    'ERR_NNCONV_SHAPE',
  ],
  ['too large a result', () => new nn.ZeroPad3d(2 ** 40).forward(x), 'ERR_NNCONV_ALLOC'],
  ['too long a row', () => new nn.ReplicationPad1d(2 ** 52).forward(x), 'ERR_NNCONV_ALLOC'],
])('refuses %s', (_, call, code) => {
  expect(thrownBy(call).code).toBe(code);
});

test('messages name argument, value and expectation', () => {
  expect(
    thrownBy(() => new nn.ReflectionPad2d([1, 1, 4, 1]).forward(ones([1, 2, 4, 4]))).message,
  ).toBe(
    "padding must be smaller than the input size in every dimension, got padding [1, 1, 4, 1] in mode 'reflect' for " +
      'input of size: [1, 2, 4, 4]',
  );
  expect(thrownBy(() => new nn.CircularPad1d(1).forward(ones([1, 2, 4, 4]))).message).toBe(
    'CircularPad1d expects an input of 2 or 3 dimensions, got a shape of 4',
  );
});

test('what a layer was made of can be read', () => {
  expect(new nn.ConstantPad1d(2, 3.5)).toMatchObject({ padding: [2, 2], value: 3.5 });
  expect(new nn.ReflectionPad2d([1, 2, 3, 4]).padding).toEqual([1, 2, 3, 4]);
});

test('the input is copied, not shared', () => {
  const input = ones([1, 2, 4]);
  const result = new nn.ZeroPad1d(0).forward(input);
  result.data[0] = 7;
  expect(input.data[0]).toBe(1);
});
