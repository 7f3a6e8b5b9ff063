/** decodeImage and encodePng against torchvision, and against files that want to do harm. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';

import { tensor, zeros } from '../../lib';
import { decodeImage, encodePng, readImage } from '../../lib/image';
import { expectRejected, thrownBy } from '../support/errors';
import { uniform } from '../support/hashfill';
import { Store, type Stored } from '../support/stored';

const store = new Store('image');
const folder = path.join(__dirname, '..', 'fixtures', 'image');
const file = (name: string) => readFileSync(path.join(folder, name));

interface File {
  file: string;
  seed: number;
  result: Stored;
}
const files = store.read<File>('files.json');
const EXACT = { rtol: 0, atol: 0 };
// Decoders of JPEG differ in rounding; and in how they enlarge colours of half the resolution.
const JPEG_TOLERANCE: Record<string, number> = {
  'color-444.jpg': 3 / 255,
  'gray.jpg': 2 / 255,
  'cmyk.jpg': 4 / 255,
  'color-420.jpg': 16 / 255,
  'color-422-progressive.jpg': 16 / 255,
};

describe('decodeImage gives what torchvision does', () => {
  test.each(files)('$file', ({ file: name, seed, result }) => {
    const tolerance = name.endsWith('.png') ? EXACT : { rtol: 0, atol: JPEG_TOLERANCE[name] };
    store.expectResult(decodeImage(file(name)), result, seed, name, tolerance);
  });
});

describe('bytes', () => {
  test('may be a part of a larger buffer', () => {
    const bytes = file('rgb-8.png');
    const larger = new Uint8Array(bytes.length + 20);
    larger.set(bytes, 7);
    const part = larger.subarray(7, 7 + bytes.length);
    expect(decodeImage(part).toArray()).toEqual(decodeImage(bytes).toArray());
  });

  test('may have anything behind the end of a PNG', () => {
    const bytes = file('rgb-8.png');
    const longer = Buffer.concat([bytes, Buffer.from('behind the end')]);
    expect(decodeImage(longer).toArray()).toEqual(decodeImage(bytes).toArray());
  });

  test('of other kinds and formats are refused', () => {
    const call = (bytes: any) => () => decodeImage(bytes);
    expectRejected(call('picture.png'), /bytes must be a Uint8Array, got string/);
    expectRejected(call(undefined), /bytes/, 'ERR_NNCONV_ARG_TYPE');
    const shared = new Uint8Array(new SharedArrayBuffer(16));
    expectRejected(call(shared), /SharedArrayBuffer/, 'ERR_NNCONV_BUFFER');
    expectRejected(call(new Uint8Array()), /is empty/, 'ERR_NNCONV_IMAGE');
    expectRejected(call(Buffer.from('GIF89a....')), /looks like GIF/, 'ERR_NNCONV_IMAGE');
    expectRejected(call(Buffer.from('plain text')), /a PNG or a JPEG/, 'ERR_NNCONV_IMAGE');
  });
});

function chunk(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name), data]);
  const result = Buffer.alloc(body.length + 8);
  result.writeUInt32BE(data.length);
  body.copy(result, 4);
  result.writeUInt32BE(crc32(body), result.length - 4);
  return result;
}

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const END = chunk('IEND', Buffer.alloc(0));

function header(width: number, height: number, [depth, type, interlaced] = [8, 2, 0]): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set([depth, type, 0, 0, interlaced], 8);
  return chunk('IHDR', data);
}

const png = (...chunks: Buffer[]) => Buffer.concat([SIGNATURE, ...chunks, END]);
const rejected = (bytes: Buffer, reason: RegExp) =>
  expectRejected(() => decodeImage(bytes), reason, 'ERR_NNCONV_IMAGE');

/** More memory than this would be a picture that was allocated. */
const MEGABYTES_16 = 2 ** 24;

function expectNothingAllocated(call: () => unknown): void {
  const before = process.memoryUsage();
  call();
  const after = process.memoryUsage();
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(MEGABYTES_16);
}

describe('a PNG that wants to do harm', () => {
  const data = chunk('IDAT', deflateSync(Buffer.alloc(100)));

  test('too large by its header', () => {
    expectNothingAllocated(() => rejected(png(header(100000, 100000), data), /100000x100000/));
    rejected(png(header(0xffffffff, 0xffffffff), data), /too large/);
    rejected(png(header(2 ** 26 + 1, 1), data), /too large/);
    rejected(png(header(0, 5), data), /empty/);
  });

  test('larger by its header than its data can be', () => {
    expectNothingAllocated(() => rejected(png(header(8000, 8000), data), /too little data/));
    expectNothingAllocated(() => rejected(png(header(8000, 8000, [8, 2, 1]), data), /too little/));
  });

  test('more data than pixels', () => {
    const bomb = chunk('IDAT', deflateSync(Buffer.alloc(2 ** 26)));
    expectNothingAllocated(() => rejected(png(header(4, 4, [8, 2, 1]), bomb), /more than it has/));
    expectNothingAllocated(() => rejected(png(header(16, 16), bomb), /damaged/));
  });

  test('headers that are wrong', () => {
    rejected(png(data), /header/);
    rejected(png(header(2, 2), header(100000, 100000), data), /header must be there once/);
    rejected(png(header(2, 2, [3, 2, 0]), data), /colour type 2 with 3 bits/);
    rejected(png(header(2, 2, [8, 5, 0]), data), /colour type 5/);
    rejected(png(chunk('IHDR', Buffer.alloc(12)), data), /wrong length/);
    rejected(png(header(2, 2)), /too little data/);
    rejected(png(header(2, 2), chunk('ABCD', Buffer.alloc(0)), data), /damaged/);
  });

  test('an index beyond the palette', () => {
    const pixels = chunk('IDAT', deflateSync(Buffer.from([0, 9])));
    rejected(png(header(1, 1, [8, 3, 0]), chunk('PLTE', Buffer.alloc(3)), pixels), /palette/);
    rejected(png(header(1, 1, [8, 3, 0]), pixels), /palette/);
  });
});

const bytesOf = (seed: number, count: number) =>
  Buffer.from(Uint8Array.from(uniform(seed, count, 128), (value) => Math.floor(value + 128)));

/** Every error is one of ours. */
function decodesOrRejects(bytes: Buffer): void {
  let result;
  try {
    result = decodeImage(bytes);
  } catch (error) {
    expect(error).toMatchObject({ name: 'RangeError', code: 'ERR_NNCONV_IMAGE' });
    return;
  }
  expect(result.ndim).toBe(3);
}

describe.each([
  'rgb-8.png',
  'palette-4-interlaced.png',
  'color-420.jpg',
  'color-422-progressive.jpg',
])('a damaged %s', (name) => {
  const good = file(name);

  test('cut short', () => {
    for (let i = 0; i < 60; i++) decodesOrRejects(good.subarray(0, (good.length * i) / 60));
  });

  test('with other bytes in it', () => {
    const random = bytesOf(7, 800);
    for (let i = 0; i < 200; i++) {
      const bytes = Buffer.from(good);
      bytes[random.readUInt16LE(4 * i) % bytes.length] = random[4 * i + 2];
      decodesOrRejects(bytes);
    }
  });
});

test('a JPEG that says it is too large', () => {
  const bytes = Buffer.from(file('color-444.jpg'));
  const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  bytes.writeUInt16BE(65535, frame + 5);
  bytes.writeUInt16BE(65535, frame + 7);
  expectNothingAllocated(() => rejected(bytes, /too large/));
});

describe('readImage', () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'nnconv-image-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  test('takes a path or a file: URL', () => {
    const name = path.join(folder, 'gray-8.png');
    const expected = decodeImage(file('gray-8.png')).toArray();
    expect(readImage(name).toArray()).toEqual(expected);
    expect(readImage(pathToFileURL(name)).toArray()).toEqual(expected);
  });

  test('names the file in its errors', () => {
    const name = path.join(dir, 'text.png');
    writeFileSync(name, 'text');
    const error = thrownBy(() => readImage(name));
    expect(error).toMatchObject({ name: 'RangeError', code: 'ERR_NNCONV_IMAGE' });
    expect(error.message).toContain('text.png');
    expect(thrownBy(() => readImage(path.join(dir, 'none.png'))).code).toBe('ENOENT');
    expectRejected(() => readImage(7 as any), /path must be a string/, 'ERR_NNCONV_ARG_TYPE');
  });
});

describe('encodePng', () => {
  test.each([1, 3])('keeps %i channels of bytes', (channels) => {
    const bytes = Float32Array.from(bytesOf(1, channels * 35), (byte) => byte / 255);
    const image = tensor(bytes, [channels, 5, 7]);
    expect(decodeImage(encodePng(image)).toArray()).toEqual(image.toArray());
  });

  test('takes pixels, and drops nothing of alpha', () => {
    const data = bytesOf(2, 24);
    const bytes = encodePng({ width: 3, height: 2, data });
    const decoded = decodeImage(bytes);
    expect(bytes[25]).toBe(6); // RGB with alpha
    expect(decoded.data[0]).toBe(Math.fround(data[0] / 255));
    expect(decoded.data[5]).toBe(Math.fround(data[20] / 255));
  });

  test('rounds, clips, and makes NaN black', () => {
    const image = tensor([[[0.5, 0.001, 0.0021, -3, 7, NaN, Infinity, -Infinity]]]);
    const decoded = Array.from(decodeImage(encodePng(image)).data, (value) => value * 255);
    expect(decoded.map(Math.round)).toEqual([128, 0, 1, 0, 255, 0, 255, 0]);
  });

  test('gives the same bytes for the same picture', () => {
    const image = decodeImage(file('rgb-8.png'));
    expect(encodePng(image).equals(encodePng(image.clone()))).toBe(true);
  });

  test('refuses other shapes and kinds', () => {
    const call = (image: any) => () => encodePng(image);
    expectRejected(call(zeros([2, 4, 4])), /\(C, H, W\)/, 'ERR_NNCONV_SHAPE');
    expectRejected(call(zeros([1, 3, 4, 4])), /\[1, 3, 4, 4\]/, 'ERR_NNCONV_SHAPE');
    expectRejected(call(zeros([3, 0, 4])), /at least one pixel/, 'ERR_NNCONV_SHAPE');
    expectRejected(call(null), /image must be/, 'ERR_NNCONV_ARG_TYPE');
    expectRejected(call({ width: 2, height: 2 }), /image.data/, 'ERR_NNCONV_ARG_TYPE');
    const five = { width: 2, height: 2, data: new Uint8Array(5) };
    expectRejected(call(five), /5 bytes for 2x2/, 'ERR_NNCONV_SHAPE');
    expectRejected(call({ ...five, width: 0.5 }), /width/, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(call(tensor(BigInt64Array.of(1n))), /float32/, 'ERR_NNCONV_ARG_TYPE');
  });
});
