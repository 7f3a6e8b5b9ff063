/** Pooling layers reject what PyTorch rejects, accept what it accepts, and print as it prints. */
import { nn, zeros } from '../../lib';
import { expectRejected, thrownBy } from '../support/errors';
import { poolFunction, poolLayer, poolTitle, type PoolCall } from '../support/pooling';
import { Store } from '../support/stored';

const store = new Store('pooling');
const rejected = store.read<PoolCall & { error: string }>('rejected.json');
const accepted = store.read<PoolCall & { shape: number[] }>('accepted.json');
const printed = store.read<PoolCall & { text: string }>('repr.json');

test.each(rejected.map((c) => [poolTitle(c), c] as const))('rejects %s', (_, c) => {
  const argument =
    /kernelSize|stride|padding|dilation|outputSize|divisorOverride|input|Output size/;
  expectRejected(() => poolLayer(c).forward(zeros(c.input)), argument);
  expectRejected(() => poolLayer(c).outputShape(c.input), argument);
  expectRejected(() => poolFunction(c, zeros(c.input)), argument);
});

test.each(accepted.map((c) => [poolTitle(c), c] as const))('accepts %s', (_, c) => {
  expect(poolLayer(c).outputShape(c.input)).toEqual(c.shape);
  expect(poolLayer(c).forward(zeros(c.input)).shape).toEqual(c.shape);
});

test.each(printed.map((c) => [c.text, c] as const))('%s', (text, c) => {
  expect(String(poolLayer(c))).toBe(text);
});

test.each([
  ['a kernel size that is a string', () => new nn.MaxPool2d('2' as never), 'ERR_NNCONV_ARG_TYPE'],
  ['no kernel size', () => new nn.AvgPool2d(undefined as never), 'ERR_NNCONV_ARG_TYPE'],
  ['a fraction', () => new nn.MaxPool2d(2.5), 'ERR_NNCONV_ARG_VALUE'],
  ['NaN', () => new nn.MaxPool2d(2, { stride: NaN }), 'ERR_NNCONV_ARG_VALUE'],
  ['2^31', () => new nn.MaxPool2d(2 ** 31), 'ERR_NNCONV_ARG_VALUE'],
  ['2^53', () => new nn.AdaptiveAvgPool2d(2 ** 53), 'ERR_NNCONV_ARG_VALUE'],
  [
    'a padding of null',
    () => new nn.MaxPool2d(2, { padding: null as never }),
    'ERR_NNCONV_ARG_TYPE',
  ],
  ['ceilMode 1', () => new nn.MaxPool2d(2, { ceilMode: 1 as never }), 'ERR_NNCONV_ARG_TYPE'],
  ['a divisor of 0', () => new nn.AvgPool2d(2, { divisorOverride: 0 }), 'ERR_NNCONV_ARG_VALUE'],
  ['an output size of null', () => new nn.AdaptiveAvgPool2d(null as never), 'ERR_NNCONV_ARG_TYPE'],
  ['null in one dimension', () => new nn.AdaptiveAvgPool1d([null] as never), 'ERR_NNCONV_ARG_TYPE'],
  ['options that are no object', () => new nn.MaxPool2d(2, 2 as never), 'ERR_NNCONV_ARG_TYPE'],
  [
    'a misspelled option',
    () => new nn.MaxPool2d(2, { ceil_mode: true } as never),
    'UNKNOWN_OPTION',
  ],
  [
    'a dilation of an average',
    () => new nn.AvgPool2d(2, { dilation: 2 } as never),
    'ERR_NNCONV_UNKNOWN_OPTION',
  ],
  [
    'a divisor in one dimension',
    () => new nn.AvgPool1d(2, { divisorOverride: 2 } as never),
    'ERR_NNCONV_UNKNOWN_OPTION',
  ],
  [
    'returnIndices',
    () => new nn.MaxPool2d(2, { returnIndices: true as never }),
    'ERR_NNCONV_ARG_VALUE',
  ],
  ['an array for a tensor', () => new nn.MaxPool2d(2).forward([1] as never), 'ERR_NNCONV_ARG_TYPE'],
])('refuses %s', (_, call, code) => {
  expect(thrownBy(call).code).toContain(code);
});

test('messages name argument, value and expectation', () => {
  expect(thrownBy(() => new nn.MaxPool2d(2, { padding: [2, 1] })).message).toBe(
    'padding must be at most half of kernelSize in every dimension, got padding=[2, 1], ' +
      'kernelSize=[2, 2]',
  );
  expect(thrownBy(() => new nn.MaxPool2d(5).outputShape([1, 2, 7, 4])).message).toBe(
    'Given input size per channel: [7, 4], padding: [0, 0], window of size: [5, 5]. Output size of ' +
      'max_pool2d is too small',
  );
  expect(thrownBy(() => new nn.MaxPool2d([2, 2, 2])).message).toBe(
    'expected kernelSize to be a single integer value or a list of 2 values to match the pooling ' +
      'dimensions, but got kernelSize=[2, 2, 2]',
  );
});

test('the output must be allocatable', () => {
  const huge = new nn.AdaptiveAvgPool3d(2 ** 20);
  expect(thrownBy(() => huge.forward(zeros([1, 1, 1, 1, 1]))).code).toBe('ERR_NNCONV_ALLOC');
});

test('what a layer was made of can be read', () => {
  const layer = new nn.MaxPool2d([2, 3], { padding: 1 });
  expect(layer).toMatchObject({ kernelSize: [2, 3], stride: [2, 3], padding: 1, dilation: 1 });
  expect(new nn.AdaptiveAvgPool2d([null, 2]).outputSize).toEqual([null, 2]);
  expect(new nn.AvgPool1d(2).kernelSize).toEqual([2]);
});
