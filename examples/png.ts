import * as fs from 'node:fs';
import { PNG } from 'pngjs';
import { tensor, type Tensor } from '../lib';

/** A picture that can't be read or written: the message says why and what to do. */
export class PictureError extends Error {}

const KNOWN_FORMATS: [name: string, magic: string][] = [
  ['JPEG', '\xff\xd8\xff'],
  ['GIF', 'GIF8'],
  ['BMP', 'BM'],
  ['WebP', 'RIFF'],
  ['TIFF', 'II*\0'],
  ['TIFF', 'MM\0*'],
];
const PNG_MAGIC = '\x89PNG\r\n\x1a\n';

/** The bytes of a picture's file. */
export function readFile(file: string): Buffer {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new PictureError(`there is no file '${file}'; check the path`);
    if (code === 'EISDIR') throw new PictureError(`'${file}' is a folder; name a PNG file in it`);
    throw new PictureError(`'${file}' can't be read (${code}); check its permissions`);
  }
}

function decode(file: string, bytes: Buffer): PNG {
  const start = bytes.toString('latin1', 0, 8);
  if (start !== PNG_MAGIC) {
    const format = KNOWN_FORMATS.find(([, magic]) => start.startsWith(magic))?.[0];
    const guess = format ? ` but looks like ${format}` : '';
    throw new PictureError(`'${file}' is not a PNG${guess}; convert it to PNG first`);
  }
  try {
    return PNG.sync.read(bytes);
  } catch (cause) {
    throw new PictureError(`'${file}' is a damaged PNG; save or copy it again`, { cause });
  }
}

/**
 * Reads a PNG of any kind (gray, palette, 16-bit, with alpha) as a tensor of shape (1, 3, H, W) in
 * 0..1. Transparent parts are laid on white.
 */
export function readPng(file: string): Tensor {
  const { width, height, data } = decode(file, readFile(file));
  const plane = width * height;
  const values = new Float32Array(3 * plane);
  for (let i = 0; i < plane; ++i) {
    const alpha = data[4 * i + 3] / 255;
    for (let c = 0; c < 3; ++c) {
      values[c * plane + i] = (data[4 * i + c] / 255) * alpha + 1 - alpha;
    }
  }
  return tensor(values, [1, 3, height, width]);
}

/** Writes a tensor of shape (1, 3, H, W), or gray (1, 1, H, W); values outside 0..1 are clipped. */
export function writePng(file: string, image: Tensor): void {
  const [, channels, height, width] = image.shape;
  const plane = width * height;
  const png = new PNG({ width, height });
  for (let i = 0; i < plane; ++i) {
    for (let c = 0; c < 3; ++c) {
      const value = Number(image.data[(channels === 1 ? 0 : c) * plane + i]);
      png.data[4 * i + c] = Math.round(255 * Math.min(1, Math.max(0, value)));
    }
    png.data[4 * i + 3] = 255;
  }
  try {
    fs.writeFileSync(file, PNG.sync.write(png, { colorType: 2 }));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PictureError(`'${file}' can't be written (${reason})`);
  }
}
