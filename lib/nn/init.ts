/**
 * All of torch.nn.init: each function overwrites a tensor and returns it. Numbers come from the
 * generator that `manualSeed` seeds, in PyTorch's order.
 *
 * Follows https://docs.pytorch.org/docs/stable/nn.init.html
 */
import { argTypeError, argValueError, pyList, shapeError, show } from '../errors';
import { integer, number, oneOf, optionsOf } from '../options';
import { generator, skipped } from '../random';
import { checkFloat32, checkTensor, type DType, type Tensor, writeData } from '../tensor';
import { erf, orthonormalColumns } from './numerics';

/** Which of both fans keeps its variance: of activations going forward or of gradients going back. */
export type FanMode = 'fan_in' | 'fan_out';

const LINEAR = [
  'linear',
  'conv1d',
  'conv2d',
  'conv3d',
  'conv_transpose1d',
  'conv_transpose2d',
  'conv_transpose3d',
  'sigmoid',
] as const;
const NONLINEARITIES = [...LINEAR, 'tanh', 'relu', 'leaky_relu', 'selu'] as const;

/** Nonlinearities that have a recommended gain: see {@link calculateGain}. */
export type Nonlinearity = (typeof NONLINEARITIES)[number];

/**
 * The recommended gain for a nonlinearity.
 *
 * @param param the negative slope of 'leaky_relu'. Default: 0.01
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE
 */
export function calculateGain(nonlinearity: Nonlinearity, param?: number): number {
  const name = oneOf('nonlinearity', nonlinearity, NONLINEARITIES);
  if (name === 'tanh') return 5 / 3;
  if (name === 'relu') return Math.SQRT2;
  if (name === 'selu') return 3 / 4;
  if (name === 'leaky_relu') {
    const slope = param === undefined ? 0.01 : number('param', param);
    return Math.sqrt(2 / (1 + slope ** 2));
  }
  return 1;
}

/**
 * `[fanIn, fanOut]` of a weight as it is stored: `size(1)` and `size(0)` times the kernel's taps.
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_SHAPE for fewer than 2 dimensions
 */
export function calculateFanInAndFanOut(tensor: Tensor<DType>): [fanIn: number, fanOut: number] {
  checkTensor('tensor', tensor);
  if (tensor.ndim < 2) {
    throw shapeError(
      'Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, got shape ' +
        pyList(tensor.shape),
    );
  }
  const receptive = tensor.shape.slice(2).reduce((total, size) => total * size, 1);
  return [tensor.shape[1] * receptive, tensor.shape[0] * receptive];
}

/** The elements of a tensor that is about to be overwritten. */
function target(tensor: Tensor): Float32Array {
  checkFloat32('tensor', tensor);
  return writeData(tensor);
}

/**
 * Uniform numbers from [a, b).
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE unless a <= b
 */
export function uniform_(tensor: Tensor, a = 0, b = 1): Tensor {
  checkFloat32('tensor', tensor);
  if (number('a', a) > number('b', b)) {
    throw argValueError(`a must be at most b, got a=${a} and b=${b}`);
  }
  if (!Number.isFinite(Math.fround(b) - Math.fround(a))) {
    throw argValueError(`a and b must be float32 numbers, got a=${a} and b=${b}`);
  }
  if (!skipped()) generator.fillUniform(target(tensor), a, b);
  return tensor;
}

/**
 * Normal numbers.
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE for a negative std
 */
export function normal_(tensor: Tensor, mean = 0, std = 1): Tensor {
  checkFloat32('tensor', tensor);
  number('mean', mean);
  standardDeviation(std);
  if (!skipped()) generator.fillNormal(target(tensor), mean, std);
  return tensor;
}

function standardDeviation(std: number): number {
  if (number('std', std) < 0) throw argValueError(`std must not be negative, got ${std}`);
  return std;
}

/**
 * Fills with `value`, which may be NaN or infinite; a tensor of any dtype.
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_ARG_VALUE where the dtype can't hold
 *   `value`
 */
export function constant_<D extends DType>(tensor: Tensor<D>, value: number): Tensor<D> {
  checkTensor('tensor', tensor);
  return tensor.fill_(value);
}

/** Fills with ones. Throws TypeError ERR_NNCONV_ARG_TYPE. */
export function ones_<D extends DType>(tensor: Tensor<D>): Tensor<D> {
  return constant_(tensor, 1);
}

/** Fills with zeros. Throws TypeError ERR_NNCONV_ARG_TYPE. */
export function zeros_<D extends DType>(tensor: Tensor<D>): Tensor<D> {
  return constant_(tensor, 0);
}

/**
 * The identity matrix; the tensor need not be square.
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_SHAPE unless it has 2 dimensions
 */
export function eye_(tensor: Tensor): Tensor {
  const data = target(tensor);
  if (tensor.ndim !== 2) {
    throw shapeError(
      `Only tensors with 2 dimensions are supported, got shape ${pyList(tensor.shape)}`,
    );
  }
  const [rows, columns] = tensor.shape;
  data.fill(0);
  for (let i = 0; i < Math.min(rows, columns); i++) data[i * columns + i] = 1;
  return tensor;
}

/**
 * The kernel that hands input channels through: 1 in the middle of the first
 * min(outChannels / groups, inChannels) channels of each group.
 *
 * @param options.groups default: 1
 * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_SHAPE unless the tensor has 3 to 5
 *   dimensions, ERR_NNCONV_ARG_VALUE unless groups divides its first
 */
export function dirac_(tensor: Tensor, options?: { groups?: number }): Tensor {
  const { groups = 1 } = optionsOf('dirac_', options, ['groups']);
  integer('groups', groups);
  const data = target(tensor);
  if (tensor.ndim < 3 || tensor.ndim > 5) {
    throw shapeError(
      `Only tensors with 3, 4, or 5 dimensions are supported, got shape ${pyList(tensor.shape)}`,
    );
  }
  const [rows, columns, ...kernel] = tensor.shape;
  if (groups < 1 || rows % groups !== 0) {
    throw argValueError(`groups must divide the first dimension, got groups=${groups} for ${rows}`);
  }
  const taps = kernel.reduce((total, size) => total * size, 1);
  const middle = kernel.reduce((index, size) => index * size + Math.floor(size / 2), 0);
  const perGroup = rows / groups;
  data.fill(0);
  for (let g = 0; g < groups; g++) {
    for (let d = 0; d < Math.min(perGroup, columns); d++) {
      data[((g * perGroup + d) * columns + d) * taps + middle] = 1;
    }
  }
  return tensor;
}

/** Options of the xavier functions and `orthogonal_`. */
export interface GainOptions {
  /** Factor of all numbers. Default: 1. */
  gain?: number;
}

function gainOf(owner: string, options: GainOptions | undefined): number {
  const { gain = 1 } = optionsOf(owner, options, ['gain']);
  return number('gain', gain);
}

/**
 * Uniform numbers of bound gain * sqrt(6 / (fanIn + fanOut)).
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_SHAPE for fewer than 2 dimensions
 */
export function xavierUniform_(tensor: Tensor, options?: GainOptions): Tensor {
  const gain = gainOf('xavierUniform_', options);
  const [fanIn, fanOut] = calculateFanInAndFanOut(tensor);
  const bound = Math.sqrt(3) * gain * Math.sqrt(2 / (fanIn + fanOut));
  return uniform_(tensor, -bound, bound);
}

/**
 * Normal numbers of standard deviation gain * sqrt(2 / (fanIn + fanOut)).
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_SHAPE for fewer than 2 dimensions
 */
export function xavierNormal_(tensor: Tensor, options?: GainOptions): Tensor {
  const gain = gainOf('xavierNormal_', options);
  const [fanIn, fanOut] = calculateFanInAndFanOut(tensor);
  return normal_(tensor, 0, gain * Math.sqrt(2 / (fanIn + fanOut)));
}

/** Options of {@link kaimingUniform_} and {@link kaimingNormal_}. */
export interface KaimingOptions {
  /** The negative slope of the rectifier that follows, for 'leaky_relu'. Default: 0. */
  a?: number;
  /** Default: 'fan_in'. */
  mode?: FanMode;
  /** Default: 'leaky_relu'. */
  nonlinearity?: Nonlinearity;
}

/** Gain over the root of the fan; undefined for a tensor of no elements, which stays as it is. */
function kaimingStd(
  owner: string,
  tensor: Tensor,
  options: KaimingOptions | undefined,
): number | undefined {
  const given = optionsOf(owner, options, ['a', 'mode', 'nonlinearity']);
  const { a = 0, mode = 'fan_in', nonlinearity = 'leaky_relu' } = given;
  const side = oneOf('mode', mode, ['fan_in', 'fan_out'] as const);
  const gain = calculateGain(nonlinearity, number('a', a));
  checkFloat32('tensor', tensor);
  if (tensor.numel === 0) return undefined;
  const [fanIn, fanOut] = calculateFanInAndFanOut(tensor);
  return gain / Math.sqrt(side === 'fan_in' ? fanIn : fanOut);
}

/**
 * He initialisation with uniform numbers of bound sqrt(3) * gain / sqrt(fan).
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_ARG_VALUE, or ERR_NNCONV_SHAPE for
 *   fewer than 2 dimensions
 */
export function kaimingUniform_(tensor: Tensor, options?: KaimingOptions): Tensor {
  const std = kaimingStd('kaimingUniform_', tensor, options);
  if (std === undefined) return tensor;
  const bound = Math.sqrt(3) * std;
  return uniform_(tensor, -bound, bound);
}

/**
 * He initialisation with normal numbers of standard deviation gain / sqrt(fan).
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_ARG_VALUE, or ERR_NNCONV_SHAPE for
 *   fewer than 2 dimensions
 */
export function kaimingNormal_(tensor: Tensor, options?: KaimingOptions): Tensor {
  const std = kaimingStd('kaimingNormal_', tensor, options);
  return std === undefined ? tensor : normal_(tensor, 0, std);
}

/** Options of {@link truncNormal_}. */
export interface TruncNormalOptions {
  /** Default: 0. */
  mean?: number;
  /** Default: 1. */
  std?: number;
  /** Least value, absolute and not in standard deviations; -Infinity for none. Default: -2. */
  a?: number;
  /** Greatest value; Infinity for none. Default: 2. */
  b?: number;
}

/**
 * Normal numbers, those outside [a, b] drawn again.
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_ARG_VALUE unless a <= b and std > 0
 */
export function truncNormal_(tensor: Tensor, options?: TruncNormalOptions): Tensor {
  const given = optionsOf('truncNormal_', options, ['mean', 'std', 'a', 'b']);
  const { mean = 0, std = 1, a = -2, b = 2 } = given;
  number('mean', mean);
  if (number('std', std) <= 0) throw argValueError(`std must be positive, got ${std}`);
  number('a', a, { finite: false });
  number('b', b, { finite: false });
  if (!(a <= b)) throw argValueError(`a must be at most b, got a=${a} and b=${b}`);
  if (skipped()) return tensor;
  const below = (x: number): number => (1 + erf((x - mean) / std / Math.SQRT2)) / 2;
  const data = target(tensor);
  if (below(b) - below(a) > 0.3) truncateByNormal(data, mean, std, a, b);
  else truncateByUniform(data, mean, std, a, b);
  return tensor;
}

/** Most of a normal distribution lies inside: whole tensors are drawn until all elements do. */
function truncateByNormal(
  data: Float32Array,
  mean: number,
  std: number,
  a: number,
  b: number,
): void {
  const low = Math.fround(a);
  const high = Math.fround(b);
  const outside = (value: number): boolean => value < low || value > high;
  generator.fillNormal(data, mean, std);
  const again = new Float32Array(data.length);
  while (data.some(outside)) {
    generator.fillNormal(again, mean, std);
    for (let i = 0; i < data.length; i++) if (outside(data[i])) data[i] = again[i];
  }
}

/** Little of it does: uniform candidates are accepted with the density they would have. */
function truncateByUniform(
  data: Float32Array,
  mean: number,
  std: number,
  a: number,
  b: number,
): void {
  const mode = Math.max(a, Math.min(mean, b));
  const peak = -0.5 * ((mode - mean) / std) ** 2;
  // In a far tail nearly all candidates would be in vain; those beyond `reach` are accepted less
  // than once in e^40 anyway.
  const reach = (40 * std) / Math.max(1, Math.abs(mode - mean) / std);
  const low = Math.max(a, mode - reach);
  const high = Math.min(b, mode + reach);
  const candidates = new Float32Array(data.length);
  const chances = new Float32Array(data.length);
  const pending = new Uint8Array(data.length).fill(1);
  while (pending.includes(1)) {
    generator.fillUniform(candidates, low, high);
    generator.fillUniform(chances, 0, 1);
    for (let i = 0; i < data.length; i++) {
      if (!pending[i]) continue;
      data[i] = candidates[i];
      const density = -0.5 * ((candidates[i] - mean) / std) ** 2 - peak;
      pending[i] = Number(Math.log(chances[i]) > density);
    }
  }
}

/**
 * A (semi-)orthogonal matrix, dimensions after the first flattened.
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_SHAPE for fewer than 2 dimensions
 */
export function orthogonal_(tensor: Tensor, options?: GainOptions): Tensor {
  const gain = gainOf('orthogonal_', options);
  checkFloat32('tensor', tensor);
  if (tensor.ndim < 2) {
    throw shapeError(
      `Only tensors with 2 or more dimensions are supported, got shape ${pyList(tensor.shape)}`,
    );
  }
  if (tensor.numel === 0 || skipped()) return tensor;
  const rows = tensor.shape[0];
  const columns = tensor.numel / rows;
  const data = target(tensor);
  generator.fillNormal(data, 0, 1);
  const tall = rows >= columns;
  const [m, n] = tall ? [rows, columns] : [columns, rows];
  // Element (i, j) of the tall matrix.
  const at = tall ? (i: number, j: number) => i * n + j : (i: number, j: number) => j * m + i;
  const q = orthonormalColumns(
    Array.from({ length: n }, (_, j) => Float64Array.from({ length: m }, (_, i) => data[at(i, j)])),
  );
  for (let j = 0; j < n; j++) for (let i = 0; i < m; i++) data[at(i, j)] = q[j][i] * gain;
  return tensor;
}

/**
 * Normal numbers with a fraction of each column set to zero.
 *
 * @param sparsity the fraction, 0 to 1
 * @param options.std default: 0.01
 * @throws TypeError ERR_NNCONV_ARG_TYPE; RangeError ERR_NNCONV_ARG_VALUE, or ERR_NNCONV_SHAPE unless
 *   the tensor has 2 dimensions
 */
export function sparse_(tensor: Tensor, sparsity: number, options?: { std?: number }): Tensor {
  const { std = 0.01 } = optionsOf('sparse_', options, ['std']);
  standardDeviation(std);
  checkFloat32('tensor', tensor);
  if (tensor.ndim !== 2) {
    throw shapeError(
      `Only tensors with 2 dimensions are supported, got shape ${pyList(tensor.shape)}`,
    );
  }
  if (typeof sparsity !== 'number') {
    throw argTypeError(`sparsity must be a number, got ${show(sparsity)}`);
  }
  if (!(sparsity >= 0 && sparsity <= 1)) {
    throw argValueError(`sparsity must be from 0 to 1, got ${sparsity}`);
  }
  if (skipped()) return tensor;
  const [rows, columns] = tensor.shape;
  const data = target(tensor);
  generator.fillNormal(data, 0, std);
  const zeros = Math.ceil(sparsity * rows);
  for (let column = 0; column < columns; column++) {
    for (const row of generator.permutation(rows).subarray(0, zeros)) {
      data[row * columns + column] = 0;
    }
  }
  return tensor;
}
