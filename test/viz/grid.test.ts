/** makeGrid and saveImage against torchvision, value for value and pixel for pixel. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { full, ones, type Tensor, tensor, zeros } from '../../lib';
import { decodeImage } from '../../lib/image';
import { type GridOptions, makeGrid, saveImage, toImage } from '../../lib/viz';
import { expectRejected } from '../support/errors';
import { numbers, Store, type Stored } from '../support/stored';

const store = new Store('viz');
const EXACT = { rtol: 0, atol: 0 };

interface Case {
  seed: number;
  input: number[];
  options: GridOptions;
  result: Stored;
}

describe('makeGrid gives what torchvision does', () => {
  const cases = store
    .read<Case>('cases.json')
    .map((row) => [`[${row.input.join()}] ${JSON.stringify(row.options)}`, row] as const);

  test.each(cases)('%s', (title, { seed, input, options, result }) => {
    const images = numbers(seed, 0, input);
    const before = images.clone();
    store.expectResult(makeGrid(images, options), result, seed, title, EXACT);
    expect(images.toArray()).toEqual(before.toArray());
    if (input.length !== 4) return;
    const list = Array.from({ length: input[0] }, (_, i) => images.select(0, i));
    store.expectResult(makeGrid(list, options), result, seed, `${title}, as an array`, EXACT);
  });
});

test('an array of (H, W) pictures is that many pictures', () => {
  const grid = makeGrid([ones([2, 2]), zeros([2, 2]), ones([2, 2])], { padding: 1 });
  expect(grid.shape).toEqual([3, 4, 10]);
  expect(Array.from(grid.data.subarray(10, 20))).toEqual([0, 1, 1, 0, 0, 0, 0, 1, 1, 0]);
});

test('the result has elements of its own, also where it is the picture', () => {
  const picture = ones([3, 2, 2]);
  makeGrid(picture).data.fill(5);
  expect(picture.data.every((value) => value === 1)).toBe(true);
});

describe('values that are not finite', () => {
  const odd = tensor([[[-Infinity, NaN, 2, 4, Infinity]]]);

  test('leave the others alone', () => {
    const row = Array.from(makeGrid(odd, { normalize: true }).data.subarray(0, 5));
    expect(row).toEqual([0, NaN, 0, 1, 1]);
    const none = makeGrid(full([1, 1, 3], NaN), { normalize: true });
    expect(Array.from(none.data)).toEqual(new Array(9).fill(NaN));
  });

  test('have a colour of their own where they are NaN', () => {
    const { data } = makeGrid(odd, { colormap: 'gray' });
    const colors = Array.from({ length: 5 }, (_, i) => [data[i], data[5 + i], data[10 + i]]);
    expect(colors).toEqual([
      [0, 0, 0],
      [1, 0, 1],
      [0, 0, 0],
      [1, 1, 1],
      [1, 1, 1],
    ]);
  });
});

describe('colormaps', () => {
  /** The colours of values, as bytes. */
  function colorsOf(values: number[], options: GridOptions): number[][] {
    const { data } = makeGrid(tensor([[values]]), options);
    const count = values.length;
    return values.map((_, i) => [0, 1, 2].map((c) => Math.round(data[i + c * count] * 255)));
  }

  test('have the colours of matplotlib at their ends and in the middle', () => {
    const values = [0, 0.5, 1];
    expect(colorsOf(values, { colormap: 'viridis' })).toEqual([
      [68, 1, 84],
      [32, 144, 140],
      [253, 231, 36],
    ]);
    expect(colorsOf(values, { colormap: 'magma' })).toEqual([
      [0, 0, 3],
      [182, 54, 121],
      [251, 252, 191],
    ]);
    expect(colorsOf(values, { colormap: 'gray' })).toEqual([
      [0, 0, 0],
      [128, 128, 128],
      [255, 255, 255],
    ]);
  });

  test('coolwarm has 0 in its middle, whatever the range', () => {
    const [low, zero, high] = colorsOf([-1, 0, 4], { colormap: 'coolwarm' });
    expect(zero).toEqual([221, 220, 219]);
    expect(high).toEqual([179, 3, 38]);
    expect(low[2]).toBeGreaterThan(low[0]); // bluish
    expect(low).not.toEqual(colorsOf([-4], { colormap: 'coolwarm' })[0]);
    expect(colorsOf([0, 0], { colormap: 'coolwarm' })[1]).toEqual(zero);
    const raw = colorsOf([-1, 0, 1], { colormap: 'coolwarm', normalize: false });
    expect(raw[1]).toEqual(zero);
    expect(raw[2]).toEqual(high);
  });

  test('scale by the range unless they are told not to', () => {
    const gray = (options: GridOptions) =>
      colorsOf([2, 3, 4], { colormap: 'gray', ...options }).map(([red]) => red);
    expect(gray({})).toEqual([0, 128, 255]);
    expect(gray({ normalize: false })).toEqual([255, 255, 255]);
    expect(gray({ valueRange: [0, 4] })).toEqual([128, 192, 255]);
    expect(colorsOf([7, 7], { colormap: 'gray' })).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  test('scale each picture by its own range', () => {
    const pictures = tensor([[[[0, 1]]], [[[10, 30]]]]);
    const grid = makeGrid(pictures, { colormap: 'gray', scaleEach: true, padding: 0 });
    expect(Array.from(grid.data.subarray(0, 4))).toEqual([0, 1, 0, 1]);
    const together = makeGrid(pictures, { colormap: 'gray', padding: 0 });
    expect(together.data[1]).toBeLessThan(0.1);
  });
});

test('what is wrong is refused by name', () => {
  const batch = zeros([4, 3, 2, 2]);
  const call = (options: any, images: any = batch) => {
    return () => makeGrid(images, options);
  };
  expectRejected(call({ nrow: 0 }), /nrow must be at least 1/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ nrow: '3' }), /nrow/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(call({ padding: -1 }), /padding/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ padValue: null }), /padValue/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(call({ normalize: 1 }), /normalize/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(call({ scaleEach: true }), /scaleEach does nothing/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ valueRange: [0, 1] }), /valueRange does/, 'ERR_NNCONV_ARG_VALUE');
  const range = (valueRange: any) => call({ normalize: true, valueRange });
  expectRejected(range([1, 0]), /valueRange/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(range([1]), /valueRange/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(range([0, NaN]), /valueRange\[1\]/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ value_range: 1 }), /mean 'valueRange'/, 'ERR_NNCONV_UNKNOWN_OPTION');
  expectRejected(call({ colormap: 'jet' }), /colormap/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ colormap: 'gray' }), /one channel/, 'ERR_NNCONV_SHAPE');
  expectRejected(call({}, zeros([0, 3, 2, 2])), /\[0, 3, 2, 2\]/, 'ERR_NNCONV_SHAPE');
  expectRejected(call({}, zeros([4])), /\[4\]/, 'ERR_NNCONV_SHAPE');
  expectRejected(call({}, []), /at least one/, 'ERR_NNCONV_SHAPE');
  expectRejected(call({}, [zeros([2, 2]), zeros([2, 3])]), /images\[1\]/, 'ERR_NNCONV_SHAPE');
  expectRejected(call({}, [batch]), /images\[0\]/, 'ERR_NNCONV_SHAPE');
  expectRejected(call({}, [1, 2]), /images\[0\]/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(call({}, 'x'), /images must be a Tensor/, 'ERR_NNCONV_ARG_TYPE');
});

describe('saveImage', () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'nnconv-viz-'));
  afterAll(() => rmSync(dir, { recursive: true }));
  const saved = (name: string, images: Tensor | Tensor[], options?: GridOptions) => {
    const file = path.join(dir, name);
    saveImage(file, images, options);
    return readFileSync(file);
  };

  test.each<[string, number[], GridOptions]>([
    ['saved-rgb.png', [5, 3, 7, 9], { nrow: 3 }],
    ['saved-gray.png', [4, 1, 6, 6], { nrow: 2, padValue: 0.7 }],
    ['saved-one.png', [3, 11, 13], {}],
    ['saved-normalized.png', [3, 8, 8], { normalize: true }],
  ])('%s has the pixels of torchvision’s save_image', (name, shape, options) => {
    const expected = readFileSync(path.join(__dirname, '..', 'fixtures', 'viz', name));
    const written = saved(name, numbers(name.length, 1, shape, 0.4, 0.5), options);
    expect(decodeImage(written).toArray()).toEqual(decodeImage(expected).toArray());
  });

  test('takes a file: URL, and endings in capitals', () => {
    const file = path.join(dir, 'URL.PNG');
    saveImage(pathToFileURL(file), ones([3, 2, 2]));
    expect(decodeImage(readFileSync(file)).shape).toEqual([3, 2, 2]);
  });

  test('writes an SVG of tensors, a pixel a unit', () => {
    const text = saved('grid.svg', ones([4, 1, 5, 5]), { nrow: 2 }).toString();
    expect(text).toContain('width="16" height="16" viewBox="0 0 16 16"');
    expect(text).toContain('A grid of 4 pictures, 16 by 16 pixels.');
    expect(text.match(/<image /g)).toHaveLength(1);
    expect(toImage(ones([4, 1, 5, 5]), { nrow: 2 })).toMatchObject({ width: 16, height: 16 });
  });

  test('refuses what it can’t write, and writes nothing', () => {
    const call = (name: any, image: any, options?: any) => {
      const file = typeof name === 'string' ? path.join(dir, name) : name;
      return () => saveImage(file, image, options);
    };
    const picture = ones([3, 2, 2]);
    expectRejected(call('x.jpg', picture), /\.png or \.svg/, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(call('x', picture), /\.png or \.svg/, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(call(undefined, picture), /file must be/, 'ERR_NNCONV_ARG_TYPE');
    expectRejected(call('x.png', 'picture'), /image must be/, 'ERR_NNCONV_ARG_TYPE');
    expectRejected(call('x.png', zeros([2, 2, 2])), /1 or 3 channels/, 'ERR_NNCONV_SHAPE');
    expectRejected(call('x.png', picture, { scale: 2 }), /scale/, 'ERR_NNCONV_UNKNOWN_OPTION');
    const image = toImage(picture);
    expectRejected(call('x.png', image, { nrow: 2 }), /nrow/, 'ERR_NNCONV_UNKNOWN_OPTION');
    expectRejected(call('x.svg', image, { scale: 2 }), /scale/, 'ERR_NNCONV_UNKNOWN_OPTION');
    expectRejected(call('x.png', image, { theme: 'auto' }), /theme/, 'ERR_NNCONV_ARG_VALUE');
    expect(() => readFileSync(path.join(dir, 'x.png'))).toThrow(/ENOENT/);
  });
});
