/** The functional twins of the layers: weights come as arguments. */
import { type ConvHandle } from '../binding';
import { pyList, shapeError } from '../errors';
import { optionsOf } from '../options';
import { checkFloat32, type Tensor } from '../tensor';
import {
  type AnyConvOptions,
  type ConvOptions,
  type ConvTransposeOptions,
  createHandle,
  readGeometry,
  RUN_OPTIONS,
  runHandle,
  runMode,
  type RunOptions,
} from './conv';

export {
  elu,
  gelu,
  hardsigmoid,
  hardswish,
  leakyRelu,
  mish,
  prelu,
  relu,
  relu6,
  sigmoid,
  silu,
  tanh,
} from './activation';
export { batchNorm, instanceNorm } from './batch-norm';
export { dropout, dropout1d, dropout2d, dropout3d } from './dropout';
export { linear } from './linear';
export { groupNorm, layerNorm, localResponseNorm } from './norm';
export { pad } from './padding';
export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  maxPool1d,
  maxPool2d,
  maxPool3d,
} from './pooling';
export { pixelShuffle, pixelUnshuffle } from './shape';
export { logSoftmax, softmax } from './softmax';
export { interpolate } from './upsample';

/** Options of {@link conv1d}, {@link conv2d} and {@link conv3d}; defaults as in nn.Conv2d. */
export type FunctionalConvOptions = RunOptions &
  Pick<ConvOptions, 'stride' | 'padding' | 'dilation' | 'groups'>;
/** Options of the transposed convolutions; defaults as in nn.ConvTranspose2d. */
export type FunctionalConvTransposeOptions = RunOptions &
  Pick<ConvTransposeOptions, 'stride' | 'padding' | 'outputPadding' | 'groups' | 'dilation'>;

const CONV_OPTIONS = ['stride', 'padding', 'dilation', 'groups', ...RUN_OPTIONS] as const;
const TRANSPOSE_OPTIONS = [
  'stride',
  'padding',
  'outputPadding',
  'groups',
  'dilation',
  ...RUN_OPTIONS,
] as const;

/** Handles, and with them packed weights, by weight tensor and options; a few of the latest each. */
const cache = new WeakMap<Tensor, Map<string, ConvHandle>>();
const MOST_PER_WEIGHT = 4;

function cachedHandle(weight: Tensor, key: string, create: () => ConvHandle): ConvHandle {
  let handles = cache.get(weight);
  if (handles === undefined) cache.set(weight, (handles = new Map<string, ConvHandle>()));
  const handle = handles.get(key) ?? create();
  // A map is in the order of insertion: the one used last goes to its end.
  handles.delete(key);
  handles.set(key, handle);
  if (handles.size > MOST_PER_WEIGHT) handles.delete(handles.keys().next().value!);
  return handle;
}

function convolve(
  dims: number,
  transposed: boolean,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null | undefined,
  options: AnyConvOptions & RunOptions,
): Tensor {
  checkFloat32('input', input);
  checkFloat32('weight', weight);
  if (weight.ndim !== dims + 2) {
    throw shapeError(
      `weight must have ${dims + 2} dimensions, got a tensor of shape ${pyList(weight.shape)}`,
    );
  }
  const geometry = readGeometry(dims, transposed, options);
  const { groups } = geometry;
  const [rows, columns, ...kernel] = weight.shape;
  const handle = cachedHandle(weight, `${transposed}${JSON.stringify(geometry)}`, () =>
    transposed
      ? createHandle(true, rows, columns * groups, kernel, geometry)
      : createHandle(false, columns * groups, rows, kernel, geometry),
  );
  if (bias !== null && bias !== undefined) {
    checkFloat32('bias', bias);
    const channels = transposed ? columns * groups : rows;
    if (bias.ndim !== 1 || bias.numel !== channels) {
      throw shapeError(
        `bias must have shape [${channels}] for weight of shape ${pyList(weight.shape)}, got a ` +
          `tensor of shape ${pyList(bias.shape)}`,
      );
    }
  }
  return runHandle(handle, input, weight, bias ?? null, runMode(options));
}

/**
 * Convolves `input`, `(N, C, L)` or `(C, L)`, with `weight`, `(out, C / groups, k)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv1d.html
 *
 * @throws as nn.Conv1d and its `forward` do
 */
export function conv1d(
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options?: FunctionalConvOptions,
): Tensor {
  return convolve(1, false, input, weight, bias, optionsOf('conv1d', options, CONV_OPTIONS));
}

/**
 * Convolves `input`, `(N, C, H, W)` or `(C, H, W)`, with `weight`, `(out, C / groups, kH, kW)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html
 *
 * @throws as nn.Conv2d and its `forward` do
 */
export function conv2d(
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options?: FunctionalConvOptions,
): Tensor {
  return convolve(2, false, input, weight, bias, optionsOf('conv2d', options, CONV_OPTIONS));
}

/**
 * Convolves `input`, `(N, C, D, H, W)` or `(C, D, H, W)`, with `weight`, `(out, C / groups, kD, kH, kW)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv3d.html
 *
 * @throws as nn.Conv3d and its `forward` do
 */
export function conv3d(
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options?: FunctionalConvOptions,
): Tensor {
  return convolve(3, false, input, weight, bias, optionsOf('conv3d', options, CONV_OPTIONS));
}

/**
 * The transposed convolution of `input`, `(N, C, L)` or `(C, L)`, with `weight`, `(C, out /
 * groups, k)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose1d.html
 *
 * @throws as nn.ConvTranspose1d and its `forward` do
 */
export function convTranspose1d(
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options?: FunctionalConvTransposeOptions,
): Tensor {
  const given = optionsOf('convTranspose1d', options, TRANSPOSE_OPTIONS);
  return convolve(1, true, input, weight, bias, given);
}

/**
 * The transposed convolution of `input`, `(N, C, H, W)` or `(C, H, W)`, with `weight`, `(C, out /
 * groups, kH, kW)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html
 *
 * @throws as nn.ConvTranspose2d and its `forward` do
 */
export function convTranspose2d(
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options?: FunctionalConvTransposeOptions,
): Tensor {
  const given = optionsOf('convTranspose2d', options, TRANSPOSE_OPTIONS);
  return convolve(2, true, input, weight, bias, given);
}

/**
 * The transposed convolution of `input`, `(N, C, D, H, W)` or `(C, D, H, W)`, with `weight`, `(C, out /
 * groups, kD, kH, kW)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose3d.html
 *
 * @throws as nn.ConvTranspose3d and its `forward` do
 */
export function convTranspose3d(
  input: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options?: FunctionalConvTransposeOptions,
): Tensor {
  const given = optionsOf('convTranspose3d', options, TRANSPOSE_OPTIONS);
  return convolve(3, true, input, weight, bias, given);
}
