/** preprocess against torchvision's transforms. */
import { ones, tensor, zeros } from '../../lib';
import { IMAGENET, preprocess, type Preprocessing } from '../../lib/image';
import { expectRejected } from '../support/errors';
import { numbers, Store, type Stored } from '../support/stored';

const store = new Store('image');

interface Case {
  seed: number;
  input: number[];
  options: Preprocessing;
  result: Stored;
}

describe('preprocess gives what torchvision does', () => {
  const cases = store
    .read<Case>('cases.json')
    .map((row) => [`[${row.input.join()}] ${JSON.stringify(row.options)}`, row] as const);

  test.each(cases)('%s', (title, { seed, input, options, result }) => {
    const image = numbers(seed, 0, input, 0.2, 0.5);
    const before = image.clone();
    store.expectResult(preprocess(image, options), result, seed, title);
    // A batch of one is the same picture.
    const batch = preprocess(image.reshape([1, ...input]), options);
    store.expectResult(batch, result, seed, title);
    expect(image.toArray()).toEqual(before.toArray());
  });
});

test('IMAGENET takes any picture to (1, 3, 224, 224)', () => {
  expect(preprocess(ones([1, 30, 50]), IMAGENET).shape).toEqual([1, 3, 224, 224]);
  expect(preprocess(ones([3, 500, 301]), IMAGENET).shape).toEqual([1, 3, 224, 224]);
});

test('the result has elements of its own', () => {
  const image = ones([1, 2, 2]);
  preprocess(image).data[0] = 5;
  preprocess(image, { resize: 2, crop: 2 }).data[0] = 5;
  expect(image.toArray()).toEqual([
    [
      [1, 1],
      [1, 1],
    ],
  ]);
});

test('one mean or std stands for all channels', () => {
  const image = tensor([[[1]], [[2]], [[3]]]);
  expect(preprocess(image, { mean: [1] }).toArray()).toEqual([[[[0]], [[1]], [[2]]]]);
  expect(preprocess(image, { std: [2] }).toArray()).toEqual([[[[0.5]], [[1]], [[1.5]]]]);
});

test('what is wrong is refused by name', () => {
  const image = zeros([3, 8, 8]);
  const call = (options: any, picture: any = image) => {
    return () => preprocess(picture, options);
  };
  expectRejected(call({}, zeros([2, 8, 8])), /C 1 or 3/, 'ERR_NNCONV_SHAPE');
  expectRejected(call({}, zeros([2, 3, 8, 8])), /\[2, 3, 8, 8\]/, 'ERR_NNCONV_SHAPE');
  expectRejected(call({}, zeros([8, 8])), /\[8, 8\]/, 'ERR_NNCONV_SHAPE');
  expectRejected(call({}, zeros([3, 0, 8])), /at least one pixel/, 'ERR_NNCONV_SHAPE');
  expectRejected(call({}, 'x.png'), /image must be a Tensor/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(call({ size: 5 }), /'size'/, 'ERR_NNCONV_UNKNOWN_OPTION');
  expectRejected(call({ channels: 2 }), /channels must be 1 or 3/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ channels: '3' }), /channels/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(call({ invert: 1 }), /invert/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(call({ resize: 0 }), /resize must be at least 1/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ resize: [8] }), /resize/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ resize: 1e6 }), /resize must leave at most/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ crop: [1, 1.5] }), /crop/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ crop: 'centre' }), /crop/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(call({ resize: 8000 }, zeros([3, 1, 900])), /resize/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ mean: 0.5 }), /mean must be an array/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(call({ mean: [0, NaN, 0] }), /mean\[1\]/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ mean: [0, 0] }), /mean must have one number/, 'ERR_NNCONV_SHAPE');
  expectRejected(call({ mean: [] }), /mean/, 'ERR_NNCONV_SHAPE');
  expectRejected(call({ std: [1, 1], channels: 1 }), /std/, 'ERR_NNCONV_SHAPE');
  expectRejected(call({ std: [0] }), /std must be above 0/, 'ERR_NNCONV_ARG_VALUE');
});
