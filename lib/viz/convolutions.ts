/** The layers whose kernels can be shown. */
import {
  Conv1d,
  Conv2d,
  Conv3d,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
} from '../nn/conv';

/** A layer of the convolution family. */
export type AnyConv =
  Conv1d | Conv2d | Conv3d | ConvTranspose1d | ConvTranspose2d | ConvTranspose3d;

const TRANSPOSED = [ConvTranspose1d, ConvTranspose2d, ConvTranspose3d] as const;
const CLASSES = [Conv1d, Conv2d, Conv3d, ...TRANSPOSED] as const;

export function isConvolution(value: unknown): value is AnyConv {
  return CLASSES.some((Class) => value instanceof Class);
}

export function isTransposed(conv: AnyConv): boolean {
  return TRANSPOSED.some((Class) => conv instanceof Class);
}
