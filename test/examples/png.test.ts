import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { PNG } from 'pngjs';
import { PictureError, readPng, writePng } from '../../examples/png';
import { tensor } from '../../lib';

describe('pictures of the examples', () => {
  let dir: string;
  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-png-'));
  });
  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));
  const file = (name = 'x.png'): string => path.join(dir, name);

  function save(pixel: number[], options: object): string {
    const png = new PNG({ width: 1, height: 1 });
    png.data.set(pixel);
    fs.writeFileSync(file(), PNG.sync.write(png, options));
    return file();
  }

  test('colour, channel by channel', () => {
    const image = readPng(save([255, 51, 0, 255], { colorType: 2 }));
    expect(image.shape).toEqual([1, 3, 1, 1]);
    expect(Array.from(image.data)).toEqual([1, Math.fround(0.2), 0]);
  });

  test('gray becomes three equal channels', () => {
    const image = readPng(save([51, 51, 51, 255], { colorType: 0 }));
    expect(Array.from(image.data)).toEqual(Array(3).fill(Math.fround(0.2)));
  });

  test('16 bits a channel', () => {
    const image = readPng(save([255, 0, 0, 255], { colorType: 2, bitDepth: 16 }));
    expect(image.shape).toEqual([1, 3, 1, 1]);
  });

  test('what is transparent lies on white', () => {
    const image = readPng(save([0, 0, 0, 0], { colorType: 6 }));
    expect(Array.from(image.data)).toEqual([1, 1, 1]);
  });

  test('a written picture reads back, clipped to 0..1', () => {
    writePng(file(), tensor([-1, 0.2, 2, 0.4, 0.6, 1], [1, 3, 1, 2]));
    const back = Array.from(readPng(file()).data, (value) => Math.round(value * 10) / 10);
    expect(back).toEqual([0, 0.2, 1, 0.4, 0.6, 1]);
  });

  test.each([
    ['there is no file', (): void => undefined],
    ['is a folder', (): void => fs.mkdirSync(file())],
    ['is not a PNG but looks like JPEG', () => fs.writeFileSync(file(), '\xff\xd8\xff', 'latin1')],
    ['is not a PNG; convert', () => fs.writeFileSync(file(), 'hello')],
    ['is a damaged PNG', () => fs.writeFileSync(file(), '\x89PNG\r\n\x1a\n....', 'latin1')],
  ])('%s', (message, prepare) => {
    prepare();
    expect(() => readPng(file())).toThrow(PictureError);
    expect(() => readPng(file())).toThrow(message);
  });
});
