/** A picture in a request's body -> the input of a model. */
import { decodeImage, preprocess, type Preprocessing } from '../image';
import { readData } from '../tensor';
import { badRequest, HttpError } from './http-error';
import type { InferInput } from './protocol/request';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Decodes and prepares a picture.
 *
 * @throws HttpError 413 for more than `maxPixels`, told from the header, so that nothing is allocated;
 *   400 for what is no picture
 */
export function readPicture(
  bytes: Buffer,
  preprocessing: Preprocessing | undefined,
  maxPixels: number,
): InferInput {
  const size = sizeOf(bytes);
  if (size !== undefined && size.width * size.height > maxPixels) {
    throw new HttpError(
      413,
      `the picture has ${size.width}x${size.height} pixels; at most ${maxPixels} are decoded`,
    );
  }
  try {
    const tensor = preprocess(decodeImage(bytes), preprocessing);
    return { data: readData(tensor), shape: tensor.shape };
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_NNCONV_IMAGE') throw error;
    throw badRequest((error as Error).message);
  }
}

/** What the header of a PNG or a JPEG says; undefined where there is none. */
export function sizeOf(bytes: Buffer): Size | undefined {
  if (bytes.length < 24) return undefined;
  if (bytes.readUInt32BE(12) === PNG_HEADER) {
    return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  }
  return bytes.readUInt16BE(0) === JPEG_START ? jpegSize(bytes) : undefined;
}

const PNG_HEADER = 0x49484452; // IHDR
const JPEG_START = 0xffd8;

/** Follows the segments to the start of the frame. */
function jpegSize(bytes: Buffer): Size | undefined {
  let at = 2;
  while (at + 9 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1];
    if (isFrame(marker)) {
      return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    }
    // Markers without a length, and padding.
    const bare = marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    if (marker === 0xff) at += 1;
    else at += bare ? 2 : 2 + bytes.readUInt16BE(at + 2);
  }
  return undefined;
}

/** SOF0 to SOF15, without the tables among them. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}
