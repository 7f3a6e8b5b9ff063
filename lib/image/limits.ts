/** How large a picture may be, judged by its header before anything is allocated. */
import { imageError } from '../errors';

/** Pixels of the largest picture: about those of the largest cameras. */
export const MAX_PIXELS = 2 ** 26;

export function checkSize(format: string, width: number, height: number): void {
  if (width === 0 || height === 0) {
    throw imageError(`the ${format} picture is empty: its header says ${width}x${height}`);
  }
  if (width * height > MAX_PIXELS) {
    throw imageError(
      `the ${format} picture is too large: its header says ${width}x${height} pixels, ` +
        `at most ${MAX_PIXELS} are decoded`,
    );
  }
}
