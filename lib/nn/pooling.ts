/**
 * The pooling layers and their functional twins, over 1 to 3 dimensions alike. What a value may be,
 * how large an output gets and what a window covers is the native side's business.
 */
import { binding, type PoolSpec } from '../binding';
import { argTypeError, argValueError, pyList, show } from '../errors';
import { wrapShaped } from '../ops';
import {
  boolean,
  integer,
  integers,
  type NumberOrTuple,
  optionsOf,
  spread,
  tuple,
} from '../options';
import { record } from '../record';
import { checkFloat32, checkShape, readData, type Tensor } from '../tensor';
import { Module } from './module';
import { pyValue } from './repr';

/** Options of the max pools. */
export interface MaxPoolOptions {
  /** Step of the window. Default (and null): `kernelSize`. */
  stride?: NumberOrTuple | null;
  /** Pixels of minus infinity on both sides, at most half of `kernelSize`. Default: 0. */
  padding?: NumberOrTuple;
  /** Distance of the window's taps. Default: 1. */
  dilation?: NumberOrTuple;
  /** Whether a window may hang over the end, so that no input is left out. Default: false. */
  ceilMode?: boolean;
  /** Only false: the places of the maxima are not returned. Default: false. */
  returnIndices?: false;
}

/** Options of {@link AvgPool1d}. */
export interface AvgPool1dOptions {
  /** Step of the window. Default (and null): `kernelSize`. */
  stride?: NumberOrTuple | null;
  /** Zeros on both sides, at most half of `kernelSize`. Default: 0. */
  padding?: NumberOrTuple;
  /** Whether a window may hang over the end, so that no input is left out. Default: false. */
  ceilMode?: boolean;
  /** Whether padding counts in the number that a sum is divided by. Default: true. */
  countIncludePad?: boolean;
}

/** Options of {@link AvgPool2d} and {@link AvgPool3d}. */
export interface AvgPoolOptions extends AvgPool1dOptions {
  /** Divides sums instead of the number of elements; not 0. Default: null. */
  divisorOverride?: number | null;
}

/** A size for every dimension, or one for all of them; null keeps the input's. */
export type AdaptiveSize = number | readonly (number | null)[];

type AnyPoolOptions = MaxPoolOptions & AvgPoolOptions;

const MAX_OPTIONS = ['stride', 'padding', 'dilation', 'ceilMode', 'returnIndices'] as const;
const AVG_1D_OPTIONS = ['stride', 'padding', 'ceilMode', 'countIncludePad'] as const;
const AVG_OPTIONS = [...AVG_1D_OPTIONS, 'divisorOverride'] as const;

/** Windows at a fixed step: what they are called with, and what that means. */
interface Fixed {
  kernelSize: NumberOrTuple;
  stride: NumberOrTuple;
  padding: NumberOrTuple;
  dilation: NumberOrTuple;
  ceilMode: boolean;
  spec: PoolSpec;
}

function readFixed(
  kind: 'max' | 'average',
  dims: number,
  owner: string,
  kernelSize: NumberOrTuple,
  options: AnyPoolOptions | undefined,
): Fixed {
  const known = kind === 'max' ? MAX_OPTIONS : dims === 1 ? AVG_1D_OPTIONS : AVG_OPTIONS;
  const given: AnyPoolOptions = optionsOf<AnyPoolOptions>(owner, options, known);
  const { padding = 0, dilation = 1, ceilMode = false, returnIndices = false } = given;
  const { countIncludePad = true, divisorOverride = null } = given;
  const stride = given.stride ?? kernelSize;
  const each = (name: string, value: NumberOrTuple): readonly number[] =>
    spread(tuple(name, value, dims, { broadcast: true, of: 'pooling' }), dims);
  if (boolean('returnIndices', returnIndices)) {
    throw argValueError('returnIndices must be false: the places of the maxima are not returned');
  }
  const shared = {
    kernel: each('kernelSize', kernelSize),
    stride: each('stride', stride),
    padding: each('padding', padding),
    ceilMode: boolean('ceilMode', ceilMode),
  };
  const spec: PoolSpec =
    kind === 'max'
      ? { kind, ...shared, dilation: each('dilation', dilation) }
      : {
          kind,
          ...shared,
          countIncludePad: boolean('countIncludePad', countIncludePad),
          divisorOverride:
            divisorOverride === null ? null : integer('divisorOverride', divisorOverride),
        };
  binding().poolCheck(spec);
  const kept = (value: NumberOrTuple): NumberOrTuple =>
    typeof value === 'number' ? value : Object.freeze(Array.from(value));
  return {
    kernelSize: kept(kernelSize),
    stride: kept(stride),
    padding: kept(padding),
    dilation: kept(dilation),
    ceilMode,
    spec,
  };
}

function readAdaptive(kind: 'max' | 'average', dims: number, outputSize: AdaptiveSize): PoolSpec {
  const size: unknown = outputSize;
  let sizes: readonly (number | null)[];
  if (typeof size === 'number') {
    sizes = new Array<number>(dims).fill(integer('outputSize', size));
  } else if (!Array.isArray(size)) {
    throw argTypeError(
      `outputSize must be an integer or an array of ${dims} integers, got ${show(size)}`,
    );
  } else if (dims === 1) {
    // PyTorch lets None stand in two and three dimensions only.
    sizes = integers('outputSize', size);
  } else {
    sizes = Array.from(size as unknown[], (item, index) =>
      item === null ? null : integer(`outputSize[${index}]`, item),
    );
  }
  if (sizes.length !== dims) {
    throw argValueError(`outputSize must have ${dims} elements, got ${pyList(sizes)}`);
  }
  const spec: PoolSpec = { kind, outputSize: sizes };
  binding().poolCheck(spec);
  return spec;
}

/** The one way from a tensor to the kernels. */
function runPool(spec: PoolSpec, input: Tensor): Tensor {
  checkFloat32('input', input);
  const recorded = record([input], () => ({ op: 'pool', spec }));
  if (recorded) return recorded;
  return wrapShaped(binding().poolForward(spec, readData(input), input.shape));
}

/** What all pooling layers share. */
abstract class Pool extends Module {
  readonly #spec: PoolSpec;

  /** @internal */
  protected constructor(spec: PoolSpec) {
    super();
    this.#spec = spec;
  }

  /**
   * The pooled `input`, `(N, C, ...)` or unbatched `(C, ...)`; N may be 0.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor; RangeError
   *   ERR_NNCONV_SHAPE where its shape doesn't fit, ERR_NNCONV_ALLOC where the result is too large
   */
  override forward(input: Tensor): Tensor {
    return runPool(this.#spec, input);
  }

  /** The shape of `forward`'s result. Throws as `forward` does. */
  outputShape(inputShape: readonly number[]): number[] {
    return binding().poolOutputShape(this.#spec, checkShape('inputShape', inputShape));
  }
}

abstract class MaxPool extends Pool {
  readonly kernelSize: NumberOrTuple;
  readonly stride: NumberOrTuple;
  readonly padding: NumberOrTuple;
  readonly dilation: NumberOrTuple;
  readonly ceilMode: boolean;

  /** @internal */
  protected constructor(
    dims: number,
    kernelSize: NumberOrTuple,
    options: MaxPoolOptions | undefined,
  ) {
    const fixed = readFixed('max', dims, `MaxPool${dims}d`, kernelSize, options);
    super(fixed.spec);
    this.kernelSize = fixed.kernelSize;
    this.stride = fixed.stride;
    this.padding = fixed.padding;
    this.dilation = fixed.dilation;
    this.ceilMode = fixed.ceilMode;
  }

  override extraRepr(): string {
    return (
      `kernel_size=${pyValue(this.kernelSize)}, stride=${pyValue(this.stride)}, ` +
      `padding=${pyValue(this.padding)}, dilation=${pyValue(this.dilation)}, ` +
      `ceil_mode=${pyValue(this.ceilMode)}`
    );
  }
}

abstract class AvgPool extends Pool {
  readonly kernelSize: NumberOrTuple;
  readonly stride: NumberOrTuple;
  readonly padding: NumberOrTuple;
  readonly ceilMode: boolean;

  /** @internal */
  protected constructor(
    dims: number,
    kernelSize: NumberOrTuple,
    options: AvgPoolOptions | undefined,
  ) {
    const fixed = readFixed('average', dims, `AvgPool${dims}d`, kernelSize, options);
    super(fixed.spec);
    // PyTorch keeps tuples in one dimension.
    const kept = (value: NumberOrTuple): NumberOrTuple =>
      dims === 1 && typeof value === 'number' ? Object.freeze([value]) : value;
    this.kernelSize = kept(fixed.kernelSize);
    this.stride = kept(fixed.stride);
    this.padding = kept(fixed.padding);
    this.ceilMode = fixed.ceilMode;
  }

  override extraRepr(): string {
    return (
      `kernel_size=${pyValue(this.kernelSize)}, stride=${pyValue(this.stride)}, ` +
      `padding=${pyValue(this.padding)}`
    );
  }
}

abstract class AdaptivePool extends Pool {
  readonly outputSize: AdaptiveSize;

  /** @internal */
  protected constructor(kind: 'max' | 'average', dims: number, outputSize: AdaptiveSize) {
    super(readAdaptive(kind, dims, outputSize));
    this.outputSize =
      typeof outputSize === 'number' ? outputSize : Object.freeze(Array.from(outputSize));
  }

  override extraRepr(): string {
    return `output_size=${pyValue(this.outputSize)}`;
  }
}

/**
 * The maximum of each window of inputs `(N, C, L)` or `(C, L)`. NaN counts as the largest number.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool1d.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE
 */
export class MaxPool1d extends MaxPool {
  constructor(kernelSize: NumberOrTuple, options?: MaxPoolOptions) {
    super(1, kernelSize, options);
  }
}

/**
 * The maximum of each window of inputs `(N, C, H, W)` or `(C, H, W)`. NaN counts as the largest
 * number.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
 *
 * @throws as {@link MaxPool1d} does
 */
export class MaxPool2d extends MaxPool {
  constructor(kernelSize: NumberOrTuple, options?: MaxPoolOptions) {
    super(2, kernelSize, options);
  }
}

/**
 * The maximum of each window of inputs `(N, C, D, H, W)` or `(C, D, H, W)`. NaN counts as the
 * largest number.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool3d.html
 *
 * @throws as {@link MaxPool1d} does
 */
export class MaxPool3d extends MaxPool {
  constructor(kernelSize: NumberOrTuple, options?: MaxPoolOptions) {
    super(3, kernelSize, options);
  }
}

/**
 * The mean of each window of inputs `(N, C, L)` or `(C, L)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool1d.html
 *
 * @throws as {@link MaxPool1d} does
 */
export class AvgPool1d extends AvgPool {
  constructor(kernelSize: NumberOrTuple, options?: AvgPool1dOptions) {
    super(1, kernelSize, options);
  }
}

/**
 * The mean of each window of inputs `(N, C, H, W)` or `(C, H, W)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html
 *
 * @throws as {@link MaxPool1d} does
 */
export class AvgPool2d extends AvgPool {
  constructor(kernelSize: NumberOrTuple, options?: AvgPoolOptions) {
    super(2, kernelSize, options);
  }
}

/**
 * The mean of each window of inputs `(N, C, D, H, W)` or `(C, D, H, W)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool3d.html
 *
 * @throws as {@link MaxPool1d} does
 */
export class AvgPool3d extends AvgPool {
  constructor(kernelSize: NumberOrTuple, options?: AvgPoolOptions) {
    super(3, kernelSize, options);
  }
}

/**
 * Maxima of inputs `(N, C, L)` or `(C, L)`, as many as `outputSize` says.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool1d.html
 *
 * @throws as {@link MaxPool1d} does
 */
export class AdaptiveMaxPool1d extends AdaptivePool {
  constructor(outputSize: number | readonly number[]) {
    super('max', 1, outputSize);
  }
}

/**
 * Maxima of inputs `(N, C, H, W)` or `(C, H, W)`, `outputSize` of them.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool2d.html
 *
 * @throws as {@link MaxPool1d} does
 */
export class AdaptiveMaxPool2d extends AdaptivePool {
  constructor(outputSize: AdaptiveSize) {
    super('max', 2, outputSize);
  }
}

/**
 * Maxima of inputs `(N, C, D, H, W)` or `(C, D, H, W)`, `outputSize` of them.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool3d.html
 *
 * @throws as {@link MaxPool1d} does
 */
export class AdaptiveMaxPool3d extends AdaptivePool {
  constructor(outputSize: AdaptiveSize) {
    super('max', 3, outputSize);
  }
}

/**
 * Means of inputs `(N, C, L)` or `(C, L)`, as many as `outputSize` says.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool1d.html
 *
 * @throws as {@link MaxPool1d} does
 */
export class AdaptiveAvgPool1d extends AdaptivePool {
  constructor(outputSize: number | readonly number[]) {
    super('average', 1, outputSize);
  }
}

/**
 * Means of inputs `(N, C, H, W)` or `(C, H, W)`, `outputSize` of them; 1 is global average pooling.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
 *
 * @throws as {@link MaxPool1d} does
 */
export class AdaptiveAvgPool2d extends AdaptivePool {
  constructor(outputSize: AdaptiveSize) {
    super('average', 2, outputSize);
  }
}

/**
 * Means of inputs `(N, C, D, H, W)` or `(C, D, H, W)`, `outputSize` of them.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool3d.html
 *
 * @throws as {@link MaxPool1d} does
 */
export class AdaptiveAvgPool3d extends AdaptivePool {
  constructor(outputSize: AdaptiveSize) {
    super('average', 3, outputSize);
  }
}

/** {@link MaxPool1d} as a function. */
export function maxPool1d(
  input: Tensor,
  kernelSize: NumberOrTuple,
  options?: MaxPoolOptions,
): Tensor {
  return runPool(readFixed('max', 1, 'maxPool1d', kernelSize, options).spec, input);
}

/** {@link MaxPool2d} as a function. */
export function maxPool2d(
  input: Tensor,
  kernelSize: NumberOrTuple,
  options?: MaxPoolOptions,
): Tensor {
  return runPool(readFixed('max', 2, 'maxPool2d', kernelSize, options).spec, input);
}

/** {@link MaxPool3d} as a function. */
export function maxPool3d(
  input: Tensor,
  kernelSize: NumberOrTuple,
  options?: MaxPoolOptions,
): Tensor {
  return runPool(readFixed('max', 3, 'maxPool3d', kernelSize, options).spec, input);
}

/** {@link AvgPool1d} as a function. */
export function avgPool1d(
  input: Tensor,
  kernelSize: NumberOrTuple,
  options?: AvgPool1dOptions,
): Tensor {
  return runPool(readFixed('average', 1, 'avgPool1d', kernelSize, options).spec, input);
}

/** {@link AvgPool2d} as a function. */
export function avgPool2d(
  input: Tensor,
  kernelSize: NumberOrTuple,
  options?: AvgPoolOptions,
): Tensor {
  return runPool(readFixed('average', 2, 'avgPool2d', kernelSize, options).spec, input);
}

/** {@link AvgPool3d} as a function. */
export function avgPool3d(
  input: Tensor,
  kernelSize: NumberOrTuple,
  options?: AvgPoolOptions,
): Tensor {
  return runPool(readFixed('average', 3, 'avgPool3d', kernelSize, options).spec, input);
}

/** {@link AdaptiveMaxPool1d} as a function. */
export function adaptiveMaxPool1d(input: Tensor, outputSize: number | readonly number[]): Tensor {
  return runPool(readAdaptive('max', 1, outputSize), input);
}

/** {@link AdaptiveMaxPool2d} as a function. */
export function adaptiveMaxPool2d(input: Tensor, outputSize: AdaptiveSize): Tensor {
  return runPool(readAdaptive('max', 2, outputSize), input);
}

/** {@link AdaptiveMaxPool3d} as a function. */
export function adaptiveMaxPool3d(input: Tensor, outputSize: AdaptiveSize): Tensor {
  return runPool(readAdaptive('max', 3, outputSize), input);
}

/** {@link AdaptiveAvgPool1d} as a function. */
export function adaptiveAvgPool1d(input: Tensor, outputSize: number | readonly number[]): Tensor {
  return runPool(readAdaptive('average', 1, outputSize), input);
}

/** {@link AdaptiveAvgPool2d} as a function. */
export function adaptiveAvgPool2d(input: Tensor, outputSize: AdaptiveSize): Tensor {
  return runPool(readAdaptive('average', 2, outputSize), input);
}

/** {@link AdaptiveAvgPool3d} as a function. */
export function adaptiveAvgPool3d(input: Tensor, outputSize: AdaptiveSize): Tensor {
  return runPool(readAdaptive('average', 3, outputSize), input);
}
