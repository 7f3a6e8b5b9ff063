/** A picture's bytes -> a tensor. */
import fs from 'node:fs';
import { types } from 'node:util';

import { argTypeError, bufferError, imageError, quote, show } from '../errors';
import { checkPath, type FileUrl } from '../file-path';
import type { Tensor } from '../tensor';
import { decodeJpeg } from './jpeg';
import { decodePng, PNG_SIGNATURE } from './png';

const JPEG_START = [0xff, 0xd8, 0xff];

/** Formats that are recognised to be named in the message. */
const OTHERS: readonly [name: string, start: string][] = [
  ['GIF', 'GIF8'],
  ['BMP', 'BM'],
  ['WebP', 'RIFF'],
  ['TIFF', 'II*\0'],
  ['TIFF', 'MM\0*'],
  ['SVG', '<svg'],
  ['SVG', '<?xml'],
];

/**
 * A PNG or JPEG picture as a float32 tensor of shape (C, H, W), values 0 to 1; the content tells
 * which it is. C is 1 for a gray PNG, 3 (red, green, blue) for everything else.
 *
 * As torchvision's `decode_image(bytes, mode='RGB')` divided by the largest value, alpha is dropped,
 * not blended with a background; palettes and samples of 1 to 16 bits are expanded; gamma, colour
 * profiles and the EXIF orientation are left alone. PNG values are torchvision's exactly. The JPEG
 * standard leaves decoders some freedom: values are within a few 255ths of libjpeg's where colours are
 * at full resolution, further off at sharp colour edges where they are not, which libjpeg smooths.
 *
 * Follows https://docs.pytorch.org/vision/stable/generated/torchvision.io.decode_image.html
 *
 * @param bytes the contents of a file; at most 2^26 pixels are decoded
 * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_IMAGE for another format, a damaged
 *   picture or one that is too large (told from its header); TypeError ERR_NNCONV_BUFFER for bytes on
 *   a shared buffer
 */
export function decodeImage(bytes: Uint8Array): Tensor {
  if (!types.isUint8Array(bytes)) {
    throw argTypeError(`bytes must be a Uint8Array, got ${show(bytes)}`);
  }
  if (types.isSharedArrayBuffer(bytes.buffer)) {
    throw bufferError('bytes is on a SharedArrayBuffer, which others may write to: copy it first');
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (startsWith(buffer, PNG_SIGNATURE)) return decodePng(buffer);
  if (startsWith(buffer, JPEG_START)) return decodeJpeg(buffer);
  const start = buffer.toString('latin1', 0, 8);
  const format = OTHERS.find(([, magic]) => start.startsWith(magic))?.[0];
  const found = buffer.length === 0 ? 'is empty' : 'is neither';
  throw imageError(
    `bytes must be a PNG or a JPEG picture, but it ${format ? `looks like ${format}` : found}`,
  );
}

/**
 * Reads a picture file; see {@link decodeImage}.
 *
 * @param path a path or a `file:` URL
 * @throws as {@link decodeImage}, with the path in the message; the errors of `node:fs` (ENOENT, ...)
 */
export function readImage(path: string | FileUrl): Tensor {
  checkPath('path', path);
  const bytes = fs.readFileSync(path);
  try {
    return decodeImage(bytes);
  } catch (error) {
    if (error instanceof Error) error.message = `${quote(String(path))}: ${error.message}`;
    throw error;
  }
}

function startsWith(buffer: Buffer, start: readonly number[]): boolean {
  return start.every((byte, i) => buffer[i] === byte);
}
