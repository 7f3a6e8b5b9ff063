/** PNG <-> tensor, by pngjs. */
import { types } from 'node:util';
import { inflateSync } from 'node:zlib';

import type * as Pngjs from 'pngjs';

import { argTypeError, imageError, pyList, shapeError, show } from '../errors';
import { integer } from '../options';
import { checkFloat32, isTensor, readData, type Tensor } from '../tensor';
import { checkSize } from './limits';
import type { Pixels } from './pixels';
import { planes } from './planes';

export const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] as const;

/** By colour type: samples a pixel, and bits a sample may have. */
const KINDS: Readonly<Record<number, { samples: number; depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] }, // gray
  2: { samples: 3, depths: [8, 16] }, // RGB
  3: { samples: 1, depths: [1, 2, 4, 8] }, // palette
  4: { samples: 2, depths: [8, 16] }, // gray and alpha
  6: { samples: 4, depths: [8, 16] }, // RGB and alpha
};
const PALETTE = 3;
/** By channels. */
const COLOR_TYPES: Readonly<Record<number, 0 | 2 | 6>> = { 1: 0, 3: 2, 4: 6 };

/** No deflate stream holds more bytes for each of its own. */
const MAX_DEFLATE_RATIO = 1032;

let library: typeof Pngjs | undefined;

function pngjs(): typeof Pngjs {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- at the first use, synchronously
  return (library ??= require('pngjs') as typeof Pngjs);
}

export function decodePng(bytes: Buffer): Tensor {
  const { essential, depth, gray } = inspect(bytes);
  const { PNG } = pngjs();
  try {
    // Samples of 16 bits keep them; pngjs would shrink them otherwise.
    const { width, height, data } = PNG.sync.read(essential, { skipRescale: depth === 16 });
    return planes(data, width, height, gray ? 1 : 3, depth === 16 ? 65535 : 255);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw damaged(`its data can't be read as such a picture (${reason})`, cause);
  }
}

interface Inspected {
  /** The file without what doesn't bear on its colours. */
  essential: Buffer;
  depth: number;
  gray: boolean;
}

/**
 * Reads the header and finds the chunks, so that nothing large is allocated for a small file that
 * only says it is large. A transparent colour is left out: alpha is dropped, and pngjs would turn such
 * pixels black. So are text, profiles and whatever follows the end.
 */
function inspect(bytes: Buffer): Inspected {
  const kept: Buffer[] = [bytes.subarray(0, PNG_SIGNATURE.length)];
  const compressed: Buffer[] = [];
  let header: { width: number; height: number; depth: number; type: number } | undefined;
  let interlaced = false;
  let ended = false;
  for (let at: number = PNG_SIGNATURE.length; !ended;) {
    if (at + 12 > bytes.length) throw damaged('it is cut short');
    const length = bytes.readUInt32BE(at);
    const name = bytes.toString('latin1', at + 4, at + 8);
    const end = at + 12 + length;
    if (end > bytes.length) throw damaged('it is cut short');
    if ((name === 'IHDR') !== (header === undefined)) {
      throw damaged('its header must be there once, in front of all else');
    }
    if (name === 'IHDR') {
      if (length !== 13) throw damaged('its header has a wrong length');
      header = {
        width: bytes.readUInt32BE(at + 8),
        height: bytes.readUInt32BE(at + 12),
        depth: bytes[at + 16],
        type: bytes[at + 17],
      };
      interlaced = bytes[at + 20] !== 0;
    }
    if (name === 'IDAT') compressed.push(bytes.subarray(at + 8, end - 4));
    // Critical chunks are written with a capital; an unknown one is for pngjs to refuse.
    if (/^[A-Z]/.test(name)) kept.push(bytes.subarray(at, end));
    ended = name === 'IEND';
    at = end;
  }
  const { width, height, depth, type } = header!;
  checkSize('PNG', width, height);
  const kind = KINDS[type];
  if (kind === undefined || !kind.depths.includes(depth)) {
    throw damaged(`its header has colour type ${type} with ${depth} bits a sample`);
  }
  // Interlaced pictures have at most two more bytes for each row of each of seven passes.
  const row = Math.ceil((width * kind.samples * depth) / 8) + 1;
  const size = row * height + (interlaced ? 4 * height + 64 : 0);
  const given = compressed.reduce((total, { length }) => total + length, 0);
  if (given * MAX_DEFLATE_RATIO < row * height)
    throw damaged('it has too little data for its size');
  if (interlaced) checkInflated(Buffer.concat(compressed), size);
  return { essential: Buffer.concat(kept), depth, gray: type !== PALETTE && kind.samples < 3 };
}

/** pngjs inflates interlaced pictures without a bound. */
function checkInflated(compressed: Buffer, size: number): void {
  try {
    inflateSync(compressed, { maxOutputLength: size });
  } catch (cause) {
    throw damaged('its data is broken, or more than it has pixels', cause);
  }
}

function damaged(reason: string, cause?: unknown): Error {
  return imageError(`the PNG picture is damaged: ${reason}`, { cause });
}

/**
 * A PNG file in memory. The same picture gives the same bytes.
 *
 * Values of a tensor go from 0 to 1, as 0 to 255, rounded as torchvision's `save_image` does; what is
 * beyond is clipped, and NaN is black.
 *
 * @param image a tensor of shape (C, H, W), C 1 for gray, 3 or 4 for RGB with or without alpha; or
 *   {@link Pixels}
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_SHAPE
 */
export function encodePng(image: Tensor | Pixels): Buffer {
  const { width, height, data } = isTensor(image) ? toPixels(image) : checkPixels(image);
  const channels = data.length / (width * height);
  const { PNG } = pngjs();
  const pixels = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  // pngjs only reads these three properties.
  const png = { width, height, data: pixels } as Pngjs.PNG;
  const colorType = COLOR_TYPES[channels];
  return PNG.sync.write(png, {
    colorType,
    inputColorType: colorType,
    inputHasAlpha: channels === 4,
    deflateLevel: 6,
    deflateStrategy: 0,
  });
}

/** A tensor of shape (C, H, W) with values 0 to 1 as bytes, pixel by pixel. */
export function toPixels(image: Tensor): Pixels {
  checkFloat32('image', image);
  const [channels, height, width] = image.shape;
  if (image.ndim !== 3 || ![1, 3, 4].includes(channels) || width * height === 0) {
    throw shapeError(
      `image must have shape (C, H, W) with C 1, 3 or 4 and at least one pixel, got ` +
        pyList(image.shape),
    );
  }
  const source = readData(image);
  const plane = width * height;
  const data = new Uint8Array(channels * plane);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < plane; i++) data[i * channels + c] = toByte(source[c * plane + i]);
  }
  return { width, height, data };
}

/** In float32, as torchvision does: `mul(255).add_(0.5).clamp_(0, 255)`, then cut off. */
function toByte(value: number): number {
  const scaled = Math.fround(Math.fround(value * 255) + 0.5);
  return scaled >= 255 ? 255 : scaled > 0 ? Math.trunc(scaled) : 0;
}

function checkPixels(value: Pixels): Pixels {
  const given: unknown = value;
  if (typeof given !== 'object' || given === null) {
    throw argTypeError(`image must be a Tensor or { width, height, data }, got ${show(given)}`);
  }
  const { width, height, data } = value;
  if (!types.isUint8Array(data) && !types.isUint8ClampedArray(data)) {
    throw argTypeError(`image.data must be a Uint8Array, got ${show(data)}`);
  }
  const pixels = integer('image.width', width) * integer('image.height', height);
  if (width < 1 || height < 1 || ![1, 3, 4].includes(data.length / pixels)) {
    throw shapeError(
      `image.data must have 1, 3 or 4 bytes for each pixel, at least one, got ${data.length} bytes ` +
        `for ${width}x${height}`,
    );
  }
  return value;
}
