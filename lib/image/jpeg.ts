/** JPEG -> tensor, by jpeg-js. */
import type * as Jpeg from 'jpeg-js';

import { imageError } from '../errors';
import type { Tensor } from '../tensor';
import { MAX_PIXELS } from './limits';
import { planes } from './planes';

/** What the decoder may allocate: coefficients of 4 bytes and samples for three components. */
const MAX_MEGABYTES = 2048;

let library: typeof Jpeg | undefined;

function jpeg(): typeof Jpeg {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- at the first use, synchronously
  return (library ??= require('jpeg-js') as typeof Jpeg);
}

export function decodeJpeg(bytes: Buffer): Tensor {
  let decoded;
  try {
    decoded = jpeg().decode(bytes, {
      useTArray: true,
      formatAsRGBA: true,
      maxResolutionInMP: MAX_PIXELS / 1e6,
      maxMemoryUsageInMB: MAX_MEGABYTES,
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw /^max\w+ limit exceeded/.test(reason)
      ? imageError(
          `the JPEG picture is too large: at most ${MAX_PIXELS} pixels are decoded (${reason})`,
          { cause },
        )
      : imageError(`the JPEG picture is damaged or of a rare kind: ${reason}`, { cause });
  }
  const { width, height, data } = decoded;
  if (!(width > 0 && height > 0)) throw imageError('the JPEG picture is empty');
  return planes(data, width, height, 3, 255);
}
