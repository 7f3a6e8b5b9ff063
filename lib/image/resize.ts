/** Bilinear resizing with anti-aliasing, as `torch.nn.functional.interpolate(antialias=True)`. */
import { allocate, readData, type Tensor, writeData } from '../tensor';

/** (C, H, W) -> (C, height, width). */
export function resize(image: Tensor, height: number, width: number): Tensor {
  const [channels, fromHeight, fromWidth] = image.shape;
  const rows = channels * fromHeight;
  const wide =
    width === fromWidth
      ? image
      : along(image, { outer: rows, from: fromWidth, to: width, inner: 1 });
  const high =
    height === fromHeight
      ? wide
      : along(wide, { outer: channels, from: fromHeight, to: height, inner: width });
  return high.reshape([channels, height, width]);
}

interface Axis {
  outer: number;
  from: number;
  to: number;
  inner: number;
}

function along(image: Tensor, { outer, from, to, inner }: Axis): Tensor {
  const source = readData(image);
  const result = allocate('float32', [outer, to, inner]);
  const target = writeData(result);
  for (let i = 0; i < to; i++) {
    const { start, weights } = windowOf(i, from, to);
    for (let o = 0; o < outer; o++) {
      const first = (o * from + start) * inner;
      for (let x = 0; x < inner; x++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * source[first + k * inner + x];
        target[(o * to + i) * inner + x] = sum;
      }
    }
  }
  return result;
}

const { fround } = Math;

/**
 * The samples that output `i` is the mean of: under a triangle, as wide as the reduction. Where they
 * lie is computed in float32, as PyTorch does: that shows in the fifth digit.
 */
function windowOf(i: number, from: number, to: number): { start: number; weights: Float32Array } {
  const scale = fround(from / to);
  const support = Math.max(scale, 1);
  const center = fround(scale * (i + 0.5));
  const start = Math.max(Math.trunc(center - support + 0.5), 0);
  const end = Math.min(Math.trunc(center + support + 0.5), from);
  const shift = fround(start - center);
  const inverse = fround(1 / support);
  const weights = Float32Array.from({ length: end - start }, (_, k) =>
    Math.max(0, 1 - Math.abs(fround((k + shift + 0.5) * inverse))),
  );
  const total = weights.reduce((sum, weight) => fround(sum + weight), 0);
  return { start, weights: weights.map((weight) => weight / total) };
}
