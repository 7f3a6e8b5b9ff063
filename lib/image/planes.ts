/** Samples pixel by pixel -> a tensor plane by plane. */
import { allocate, type Tensor, writeData } from '../tensor';

/** The first `channels` of four samples a pixel, as (C, H, W) divided by `largest`. */
export function planes(
  rgba: ArrayLike<number>,
  width: number,
  height: number,
  channels: 1 | 3,
  largest: number,
): Tensor {
  const result = allocate('float32', [channels, height, width]);
  const target = writeData(result);
  const plane = width * height;
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < plane; i++) target[c * plane + i] = rgba[4 * i + c] / largest;
  }
  return result;
}
