/** .npy files that numpy wrote, damaged ones, and those that are written here. */
import fs from 'node:fs';
import path from 'node:path';
import { randn, type Tensor, tensor } from '../../lib';
import { decodeNpy, encodeNpy } from '../../lib/cli/npy';

const folder = path.join(__dirname, '../fixtures/npy');
const read = (name: string): Buffer => fs.readFileSync(path.join(folder, name));
const expected = JSON.parse(read('expected.json').toString()) as Record<
  string,
  { shape: number[]; data: number[] }
>;

test.each(Object.keys(expected))('%s', (name) => {
  const { shape, data } = expected[name];
  const found = decodeNpy(read(`${name}.npy`), name);
  expect(found.shape).toEqual(shape);
  expect(Array.from(found.data)).toEqual(data);
});

describe('what is written', () => {
  test('is read again', () => {
    for (const shape of [[], [3], [0, 4], [2, 3, 4, 5]]) {
      const value = randn(shape);
      const back = decodeNpy(encodeNpy(value), 'x');
      expect(back.shape).toEqual(shape);
      expect(Array.from(back.data)).toEqual(Array.from(value.data));
    }
  });

  test("is numpy's file byte for byte", () => {
    const cube = tensor(Float32Array.from({ length: 3 }, (_, i) => i));
    expect(encodeNpy(cube).equals(read('vector.npy'))).toBe(true);
    const scalar: Tensor = tensor(2.5);
    expect(encodeNpy(scalar).equals(read('scalar.npy'))).toBe(true);
  });
});

/** A file with this header, and so many bytes of data behind it. */
function crafted(header: string, bytes: number, version = [1, 0]): Buffer {
  const text = Buffer.from(`${header}\n`, 'latin1');
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), ...version, 0, 0]);
  start.writeUInt16LE(text.length, 8);
  return Buffer.concat([start, text, Buffer.alloc(bytes)]);
}
const header = (descr: string, shape: string, order = 'False'): string =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;

describe('what is refused', () => {
  test.each([
    ['complex.npy', "dtype '<c8'"],
    ['text.npy', "dtype '<U2'"],
    ['object.npy', "dtype '|O'"],
    ['record.npy', 'a structured array'],
  ])('%s', (name, what) => {
    expect(() => decodeNpy(read(name), `'${name}'`)).toThrow(
      `'${name}' holds an array of ${what}, not numbers`.replace('an array of a s', 'a s'),
    );
  });

  test('a file that ends too soon, wherever', () => {
    const whole = read('fortran.npy');
    for (let length = 6; length < whole.length; length++) {
      expect(() => decodeNpy(whole.subarray(0, length), 'x')).toThrow(
        /^x is a damaged \.npy file: /,
      );
    }
  });

  test.each([
    ['bytes behind the data', header('<f4', '(2,)'), 9],
    ['a huge size', header('<f4', '(9007199254740993,)'), 8],
    ['sizes whose product is huge', header('<f4', '(4294967296, 4294967296, 4294967296)'), 0],
    ['zero times a huge size', header('<f4', '(0, 99999999999999999999)'), 0],
    ['a negative size', header('<f4', '(-1,)'), 4],
    ['a size that is no integer', header('<f4', '(1.5,)'), 4],
    ['too many dimensions', header('<f4', `(${'1, '.repeat(65)})`), 4],
    ['code instead of a value', header('<f4', "__import__('os')"), 4],
    ['a key too many', `{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': True}`, 4],
    ['a key twice', `{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}`, 4],
    ['a key too few', `{'descr': '<f4', 'shape': (1,), }`, 4],
    ['an order that is none', header('<f4', '(1,)', '0'), 4],
    ['no dict', '42', 4],
    ['a name of Object.prototype', header('constructor', '(1,)'), 4],
  ])('%s', (_, text, bytes) => {
    expect(() => decodeNpy(crafted(text, bytes), 'x')).toThrow(/^x (is a damaged \.npy|holds)/);
  });

  test('a version that is not known', () => {
    expect(() => decodeNpy(crafted(header('<f4', '(1,)'), 4, [4, 0]), 'x')).toThrow(
      'x is an .npy file of version 4.0: versions 1 to 3 are read',
    );
  });

  test('a header that claims to be huge', () => {
    const bytes = crafted(header('<f4', '(1,)'), 4, [2, 0]);
    bytes.writeUInt32LE(0xffffffff, 8);
    expect(() => decodeNpy(bytes, 'x')).toThrow('its header claims 4294967295 bytes');
  });

  test('a header that takes long to match', () => {
    const long = header('<f4', `(${'1 '.repeat(30_000)}x)`);
    expect(() => decodeNpy(crafted(long, 4), 'x')).toThrow("its header can't be read");
  });
});
