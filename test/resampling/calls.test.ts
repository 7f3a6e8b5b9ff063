/** Resampling rejects what PyTorch rejects, accepts what it accepts, and prints as it prints. */
import { nn, zeros } from '../../lib';
import { expectRejected, thrownBy } from '../support/errors';
import {
  resampleFunction,
  resampleLayer,
  resampleTitle,
  type ResampleCall,
} from '../support/resampling';
import { Store } from '../support/stored';

const store = new Store('resampling');
const rejected = store.read<ResampleCall & { error: string }>('rejected.json');
const accepted = store.read<ResampleCall & { shape: number[] }>('accepted.json');
const printed = store.read<ResampleCall & { text: string }>('repr.json');

test.each(rejected.map((c) => [resampleTitle(c), c] as const))('rejects %s', (_, c) => {
  const argument = /size|scaleFactor|mode|alignCorners|recomputeScaleFactor|input/;
  expectRejected(() => resampleLayer(c).forward(zeros(c.input)), argument);
  expectRejected(() => resampleLayer(c).outputShape(c.input), argument);
  expectRejected(() => resampleFunction(c, zeros(c.input)), argument);
});

test.each(accepted.map((c) => [resampleTitle(c), c] as const))('accepts %s', (_, c) => {
  expect(resampleLayer(c).outputShape(c.input)).toEqual(c.shape);
  expect(resampleLayer(c).forward(zeros(c.input)).shape).toEqual(c.shape);
});

test.each(printed.map((c) => [c.text, c] as const))('%s', (text, c) => {
  expect(String(resampleLayer(c))).toBe(text);
});

const x = zeros([1, 1, 4, 4]);
test.each([
  ['nothing', () => new nn.Upsample(), 'ERR_NNCONV_ARG_VALUE'],
  ['a size that is a string', () => new nn.Upsample({ size: '2' as never }), 'ERR_NNCONV_ARG_TYPE'],
  ['a size of 2.5', () => new nn.Upsample({ size: 2.5 }), 'ERR_NNCONV_ARG_VALUE'],
  ['an empty size', () => new nn.Upsample({ size: [] }), 'ERR_NNCONV_ARG_VALUE'],
  ['NaN', () => new nn.Upsample({ scaleFactor: NaN }), 'ERR_NNCONV_ARG_VALUE'],
  [
    'an infinite factor',
    () => new nn.Upsample({ scaleFactor: [1, Infinity] }),
    'ERR_NNCONV_ARG_VALUE',
  ],
  [
    'a factor that is a string',
    () => new nn.Upsample({ scaleFactor: ['2'] as never }),
    'ERR_NNCONV_ARG_TYPE',
  ],
  [
    'a factor that is an object',
    () => new nn.Upsample({ scaleFactor: {} as never }),
    'ERR_NNCONV_ARG_TYPE',
  ],
  ['size and factor', () => new nn.Upsample({ size: 2, scaleFactor: 2 }), 'ERR_NNCONV_ARG_VALUE'],
  [
    'a mode that is none',
    () => new nn.Upsample({ size: 2, mode: 'cubic' as never }),
    'ERR_NNCONV_ARG_VALUE',
  ],
  [
    'a mode that is a number',
    () => new nn.Upsample({ size: 2, mode: 1 as never }),
    'ERR_NNCONV_ARG_TYPE',
  ],
  [
    'alignCorners 1',
    () => new nn.Upsample({ size: 2, mode: 'linear', alignCorners: 1 as never }),
    'ERR_NNCONV_ARG_TYPE',
  ],
  [
    'alignCorners in mode nearest',
    () => new nn.Upsample({ size: 2, alignCorners: false }),
    'ERR_NNCONV_ARG_VALUE',
  ],
  [
    'a misspelled option',
    () => new nn.Upsample({ scale_factor: 2 } as never),
    'ERR_NNCONV_UNKNOWN_OPTION',
  ],
  [
    'a mode of a layer that has one',
    () => new nn.UpsamplingNearest2d({ size: 2, mode: 'nearest' } as never),
    'ERR_NNCONV_UNKNOWN_OPTION',
  ],
  [
    'antialias',
    () => nn.functional.interpolate(x, { size: 2, antialias: true } as never),
    'ERR_NNCONV_UNKNOWN_OPTION',
  ],
  ['options that are no object', () => new nn.Upsample(2 as never), 'ERR_NNCONV_ARG_TYPE'],
  [
    'an array for a tensor',
    () => new nn.Upsample({ size: 2 }).forward([1] as never),
    'ERR_NNCONV_ARG_TYPE',
  ],
  ['too large a result', () => nn.functional.interpolate(x, { size: 2 ** 40 }), 'ERR_NNCONV_ALLOC'],
  [
    'too large a factor',
    () => nn.functional.interpolate(x, { scaleFactor: 1e13 }),
    'ERR_NNCONV_ALLOC',
  ],
])('refuses %s', (_, call, code) => {
  expect(thrownBy(call).code).toBe(code);
});

test('an empty batch of any size costs nothing', () => {
  const none = zeros([0, 1, 4, 4]);
  const mode = 'bilinear';
  expect(nn.functional.interpolate(none, { size: 2 ** 40, mode }).shape).toEqual([
    0,
    1,
    2 ** 40,
    2 ** 40,
  ]);
});

test('messages name argument, value and expectation', () => {
  expect(thrownBy(() => new nn.Upsample({ size: [2, 3] }).forward(zeros([1, 2, 4]))).message).toBe(
    'size must have 1 values, as many as there are spatial dimensions, got 2 for input of size: [1, 2, 4]',
  );
  expect(thrownBy(() => new nn.Upsample({ size: 2, mode: 'linear' }).forward(x)).message).toBe(
    "mode 'linear' expects an input of 3 dimensions, but got input of size: [1, 1, 4, 4]",
  );
});

test('what a layer was made of can be read', () => {
  expect(new nn.Upsample({ scaleFactor: [2, 1.5], mode: 'bilinear' })).toMatchObject({
    size: null,
    scaleFactor: [2, 1.5],
    mode: 'bilinear',
    alignCorners: null,
    recomputeScaleFactor: null,
  });
  expect(new nn.UpsamplingBilinear2d({ size: 3 })).toMatchObject({ size: 3, alignCorners: true });
});
