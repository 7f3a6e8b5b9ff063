/**
 * Group, layer and local response normalisation, as layers and as functions. Which shapes are legal
 * is the native side's business.
 */
import { binding } from '../binding';
import { argValueError, shapeError } from '../errors';
import { boolean, integer, integers, number, optionsOf } from '../options';
import { record } from '../record';
import { checkFloat32, checkShape, readData, type Tensor } from '../tensor';
import { Affine, checkParameterShape, DEFAULT_EPS, floatsOf, size, wrapLike } from './affine';
import { Module } from './module';
import { pyValue } from './repr';

/** Options of {@link GroupNorm}. */
export interface GroupNormOptions {
  /** Added to the variance, under the root. Default: 1e-5. */
  eps?: number;
  /** Whether there is a weight a channel, and a bias. Default: true. */
  affine?: boolean;
  /** Whether there is a bias beside the weight. Default: true. */
  bias?: boolean;
}

/** Options of {@link LayerNorm}. */
export interface LayerNormOptions {
  /** Added to the variance, under the root. Default: 1e-5. */
  eps?: number;
  /** Whether there is a weight an element, and a bias. Default: true. */
  elementwiseAffine?: boolean;
  /** Whether there is a bias beside the weight. Default: true. */
  bias?: boolean;
}

/** Options of {@link LocalResponseNorm}. */
export interface LocalResponseNormOptions {
  /** Default: 1e-4. */
  alpha?: number;
  /** Default: 0.75. */
  beta?: number;
  /** Default: 1. */
  k?: number;
}

/**
 * Normalisation of inputs `(N, C, ...)` over each of `numGroups` groups of the `numChannels`
 * channels.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.GroupNorm.html
 *
 * @throws as {@link BatchNorm1d} does
 */
export class GroupNorm extends Affine {
  readonly numGroups: number;
  readonly numChannels: number;
  readonly affine: boolean;

  constructor(numGroups: number, numChannels: number, options?: GroupNormOptions) {
    const given = optionsOf('GroupNorm', options, ['eps', 'affine', 'bias']);
    const { eps = DEFAULT_EPS, affine = true, bias = true } = given;
    const groups = integer('numGroups', numGroups);
    const channels = size('numChannels', numChannels);
    if (groups < 1) throw argValueError(`numGroups must be a positive integer, got ${groups}`);
    if (channels % groups !== 0) {
      throw argValueError(
        `numChannels must be divisible by numGroups, got numChannels=${channels}, ` +
          `numGroups=${groups}`,
      );
    }
    super([channels], eps, boolean('affine', affine), bias);
    this.numGroups = groups;
    this.numChannels = channels;
    this.affine = affine;
    this.resetParameters();
  }

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor; RangeError
   *   ERR_NNCONV_SHAPE where its shape doesn't fit
   */
  override forward(input: Tensor): Tensor {
    return groupNorm(input, this.numGroups, this.weight, this.bias, { eps: this.eps });
  }

  override extraRepr(): string {
    return (
      `${this.numGroups}, ${this.numChannels}, eps=${pyValue(this.eps)}, ` +
      `affine=${pyValue(this.affine)}, bias=${pyValue(this.bias !== null)}`
    );
  }
}

/**
 * Normalisation over the last dimensions of an input, whose sizes are `normalizedShape`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError ERR_NNCONV_SHAPE,
 *   ERR_NNCONV_ARG_VALUE or ERR_NNCONV_ALLOC
 */
export class LayerNorm extends Affine {
  readonly normalizedShape: readonly number[];
  readonly elementwiseAffine: boolean;

  constructor(normalizedShape: number | readonly number[], options?: LayerNormOptions) {
    const given = optionsOf('LayerNorm', options, ['eps', 'elementwiseAffine', 'bias']);
    const { eps = DEFAULT_EPS, elementwiseAffine = true, bias = true } = given;
    const shape = readNormalizedShape(normalizedShape);
    super(shape, eps, boolean('elementwiseAffine', elementwiseAffine), bias);
    this.normalizedShape = shape;
    this.elementwiseAffine = elementwiseAffine;
    this.resetParameters();
  }

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor; RangeError
   *   ERR_NNCONV_SHAPE where its last sizes are not `normalizedShape`
   */
  override forward(input: Tensor): Tensor {
    const { weight, bias, eps } = this;
    return layerNorm(input, this.normalizedShape, weight, bias, { eps });
  }

  override extraRepr(): string {
    return (
      `${pyValue(this.normalizedShape)}, eps=${pyValue(this.eps)}, ` +
      `elementwise_affine=${pyValue(this.elementwiseAffine)}, bias=${pyValue(this.bias !== null)}`
    );
  }
}

function readNormalizedShape(value: number | readonly number[]): readonly number[] {
  const shape =
    typeof value === 'number'
      ? [size('normalizedShape', value)]
      : checkShape('normalizedShape', integers('normalizedShape', value));
  if (shape.length === 0) throw shapeError('normalizedShape must have at least one dimension');
  return Object.freeze(shape);
}

/**
 * x / (k + alpha * mean of the squares of `size` neighbouring channels)^beta, of inputs
 * `(N, C, ...)`. Channels beyond the first and the last count as 0.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.LocalResponseNorm.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE
 */
export class LocalResponseNorm extends Module {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;
  readonly #kText: string;

  constructor(size: number, options?: LocalResponseNormOptions) {
    super();
    const response = readResponse('LocalResponseNorm', size, options);
    this.size = response.size;
    this.alpha = response.alpha;
    this.beta = response.beta;
    this.k = response.k;
    // PyTorch's default is a float.
    this.#kText = options?.k === undefined ? '1.0' : pyValue(this.k);
  }

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor; RangeError
   *   ERR_NNCONV_SHAPE where it has less than 3 dimensions
   */
  override forward(input: Tensor): Tensor {
    return runResponse(input, this);
  }

  override extraRepr(): string {
    return `${this.size}, alpha=${pyValue(this.alpha)}, beta=${pyValue(this.beta)}, k=${this.#kText}`;
  }
}

interface Response {
  size: number;
  alpha: number;
  beta: number;
  k: number;
}

function readResponse(
  owner: string,
  channels: number,
  options: LocalResponseNormOptions | undefined,
): Response {
  const { alpha = 1e-4, beta = 0.75, k = 1 } = optionsOf(owner, options, ['alpha', 'beta', 'k']);
  const any = { finite: false };
  const neighbours = integer('size', channels);
  if (neighbours < 1) throw argValueError(`size must be a positive integer, got ${neighbours}`);
  return {
    size: neighbours,
    alpha: number('alpha', alpha, any),
    beta: number('beta', beta, any),
    k: number('k', k, any),
  };
}

function runResponse(input: Tensor, response: Response): Tensor {
  checkFloat32('input', input);
  const { size: channels, alpha, beta, k } = response;
  const recorded = record([input], () => ({ op: 'localResponseNorm', ...response }));
  if (recorded) return recorded;
  const data = binding().localResponseNorm(readData(input), input.shape, channels, alpha, beta, k);
  return wrapLike(data, input.shape);
}

function checkAffine(
  weight: Tensor | null | undefined,
  bias: Tensor | null | undefined,
  shape: readonly number[],
  input?: Tensor,
): void {
  if (weight) checkParameterShape('weight', weight, shape, input);
  if (bias) checkParameterShape('bias', bias, shape, input);
}

function readEps(owner: string, options: { eps?: number } | undefined): number {
  const { eps = DEFAULT_EPS } = optionsOf(owner, options, ['eps']);
  return number('eps', eps, { finite: false });
}

/**
 * Group normalisation of `input`, `(N, C, ...)`; weight and bias have shape `(C)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.group_norm.html
 *
 * @param options `eps` (default: 1e-5)
 * @throws as nn.GroupNorm and its `forward` do
 */
export function groupNorm(
  input: Tensor,
  numGroups: number,
  weight?: Tensor | null,
  bias?: Tensor | null,
  options?: { eps?: number },
): Tensor {
  const eps = readEps('groupNorm', options);
  checkFloat32('input', input);
  // An input without channels is the native side's to refuse.
  if (input.ndim >= 2) checkAffine(weight, bias, [input.shape[1]], input);
  const groups = integer('numGroups', numGroups);
  const recorded = record([input], () => ({
    op: 'groupNorm',
    numGroups: groups,
    weight: weight ?? null,
    bias: bias ?? null,
    eps,
  }));
  if (recorded) return recorded;
  const data = binding().groupNorm(
    readData(input),
    input.shape,
    groups,
    floatsOf('weight', weight),
    floatsOf('bias', bias),
    eps,
  );
  return wrapLike(data, input.shape);
}

/**
 * Normalisation of `input` over its last dimensions, whose sizes are `normalizedShape`; so are those
 * of weight and bias.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.layer_norm.html
 *
 * @param options `eps` (default: 1e-5)
 * @throws as nn.LayerNorm and its `forward` do
 */
export function layerNorm(
  input: Tensor,
  normalizedShape: readonly number[],
  weight?: Tensor | null,
  bias?: Tensor | null,
  options?: { eps?: number },
): Tensor {
  const eps = readEps('layerNorm', options);
  checkFloat32('input', input);
  const shape = checkShape('normalizedShape', normalizedShape);
  checkAffine(weight, bias, shape);
  const recorded = record([input], () => ({
    op: 'layerNorm',
    normalizedShape: shape,
    weight: weight ?? null,
    bias: bias ?? null,
    eps,
  }));
  if (recorded) return recorded;
  const data = binding().layerNorm(
    readData(input),
    input.shape,
    shape,
    floatsOf('weight', weight),
    floatsOf('bias', bias),
    eps,
  );
  return wrapLike(data, input.shape);
}

/** {@link LocalResponseNorm} as a function. */
export function localResponseNorm(
  input: Tensor,
  size: number,
  options?: LocalResponseNormOptions,
): Tensor {
  return runResponse(input, readResponse('localResponseNorm', size, options));
}
