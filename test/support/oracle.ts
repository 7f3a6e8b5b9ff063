/** The definition of the convolutions, in float64 and nested loops: slow, and plain to see. */
import type { ConvSpec } from '../../lib/binding';
import { product } from './spec';

/** Calls `visit` for every index below `sizes`, last dimension fastest. */
export function forEachIndex(sizes: readonly number[], visit: (index: number[]) => void): void {
  const index = sizes.map(() => 0);
  const walk = (dim: number): void => {
    if (dim === sizes.length) return visit(index);
    for (index[dim] = 0; index[dim] < sizes[dim]; index[dim]++) walk(dim + 1);
  };
  walk(0);
}

export function flat(index: readonly number[], sizes: readonly number[]): number {
  return index.reduce((total, i, dim) => total * sizes[dim] + i, 0);
}

/** The output size of each spatial dimension, by counting. */
export function outputSizes(spec: ConvSpec, sizes: readonly number[]): number[] {
  return sizes.map((size, d) => {
    const { stride, dilation, kernel, padLow, padHigh, outputPadding } = spec;
    if (spec.transposed) {
      // As far as the last kernel reaches, cropped at both ends.
      let reach = 0;
      for (let i = 0; i < size; i++) {
        for (let k = 0; k < kernel[d]; k++)
          reach = Math.max(reach, i * stride[d] + k * dilation[d]);
      }
      return reach + 1 - padLow[d] - padHigh[d] + outputPadding[d];
    }
    // As many windows as fit into the padded size.
    let count = 0;
    for (let start = -padLow[d]; ; start += stride[d]) {
      const last = start + (kernel[d] - 1) * dilation[d];
      if (last >= size + padHigh[d]) return count;
      count++;
    }
  });
}

/** Where position `i` of a padded dimension reads from; null for a zero. */
export function padSource(mode: ConvSpec['paddingMode'], i: number, size: number): number | null {
  if (i >= 0 && i < size) return i;
  switch (mode) {
    case 'zeros':
      return null;
    case 'replicate':
      return i < 0 ? 0 : size - 1;
    case 'circular':
      return i < 0 ? i + size : i - size;
    case 'reflect':
      return i < 0 ? -i : 2 * (size - 1) - i;
  }
}

/** `input` of shape `(N, C, ...)` padded as the spec says, and its new shape. */
export function pad(spec: ConvSpec, input: ArrayLike<number>, shape: readonly number[]) {
  const [batch, channels, ...sizes] = shape;
  const padded = sizes.map((size, d) => size + spec.padLow[d] + spec.padHigh[d]);
  const data = new Float32Array(batch * channels * product(padded));
  forEachIndex([batch * channels, ...padded], (index) => {
    const [plane, ...at] = index;
    const from = at.map((i, d) => padSource(spec.paddingMode, i - spec.padLow[d], sizes[d]));
    if (from.includes(null)) return;
    data[flat(index, [0, ...padded])] = input[flat([plane, ...(from as number[])], [0, ...sizes])];
  });
  return { data, shape: [batch, channels, ...padded] };
}

/** The convolution of `input`, of shape `(N, C, ...)`. */
export function convolve(
  spec: ConvSpec,
  input: ArrayLike<number>,
  shape: readonly number[],
  weight: ArrayLike<number>,
  bias: ArrayLike<number> | null,
): Float64Array {
  const { transposed, groups, kernel, stride, dilation, padLow, outChannels, inChannels } = spec;
  const [batch, , ...sizes] = shape;
  const outputs = outputSizes(spec, sizes);
  const plane = product(outputs);
  const result = new Float64Array(batch * outChannels * plane);
  for (let i = 0; i < result.length; i++) {
    result[i] = bias ? bias[Math.floor(i / plane) % outChannels] : 0;
  }
  const inPerGroup = inChannels / groups;
  const outPerGroup = outChannels / groups;
  // `grid` is where windows stand: the output, or the input of a transposed convolution.
  const grid = transposed ? sizes : outputs;
  forEachIndex([batch, groups, inPerGroup, outPerGroup], ([n, g, c, o]) => {
    const inPlane = (n * inChannels + g * inPerGroup + c) * product(sizes);
    const outPlane = (n * outChannels + g * outPerGroup + o) * plane;
    const filter = transposed
      ? (g * inPerGroup + c) * outPerGroup + o
      : (g * outPerGroup + o) * inPerGroup + c;
    forEachIndex(grid, (at) => {
      forEachIndex(kernel, (tap) => {
        const other = at.map((i, d) => i * stride[d] + tap[d] * dilation[d] - padLow[d]);
        const factor = weight[filter * product(kernel) + flat(tap, kernel)];
        if (transposed) {
          if (other.some((i, d) => i < 0 || i >= outputs[d])) return;
          result[outPlane + flat(other, outputs)] += factor * input[inPlane + flat(at, sizes)];
          return;
        }
        const from = other.map((i, d) => padSource(spec.paddingMode, i, sizes[d]));
        if (from.includes(null)) return;
        const value = input[inPlane + flat(from as number[], sizes)];
        result[outPlane + flat(at, outputs)] += factor * value;
      });
    });
  });
  return result;
}
