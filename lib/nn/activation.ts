/** Activations, as layers and as functions, of inputs of any shape. */
import { type ActivationKind, binding } from '../binding';
import { pyList, shapeError } from '../errors';
import { boolean, number, oneOf, optionsOf } from '../options';
import { runBinary } from '../ops';
import { assignSymbolic, record } from '../record';
import { allocate, checkFloat32, readData, type Tensor, writeData } from '../tensor';
import { checkParameterShape, size, wrapLike } from './affine';
import { constant_ } from './init';
import { Module } from './module';
import { pyValue } from './repr';

/** Options of activations without others. */
export interface InplaceOptions {
  /** Whether the result overwrites the input. Default: false. */
  inplace?: boolean;
}

/** Options of {@link LeakyReLU}. */
export interface LeakyReLUOptions extends InplaceOptions {
  /** The slope below 0. Default: 0.01. */
  negativeSlope?: number;
}

/** Options of {@link ELU}. */
export interface ELUOptions extends InplaceOptions {
  /** Minus the limit below 0. Default: 1. */
  alpha?: number;
}

/** Options of {@link GELU}. */
export interface GELUOptions {
  /** 'tanh' for the approximation by tanh. Default: 'none'. */
  approximate?: 'none' | 'tanh';
}

/** Options of {@link PReLU}. */
export interface PReLUOptions {
  /** 1, or the number of channels. Default: 1. */
  numParameters?: number;
  /** The value that slopes start with. Default: 0.25. */
  init?: number;
}

/** A native activation with its numbers. */
type Native = readonly [kind: ActivationKind, a: number, b: number];

/** The one way from a tensor to the kernels. */
function runActivation([kind, a, b]: Native, input: Tensor, inplace: boolean): Tensor {
  checkFloat32('input', input);
  const recorded = record([input], () => ({ op: 'activation', kind, a, b }));
  if (recorded) return inplace ? assignSymbolic(input, recorded) : recorded;
  const data = binding().activation(
    kind,
    inplace ? writeData(input) : readData(input),
    a,
    b,
    inplace,
  );
  return inplace ? input : wrapLike(data, input.shape);
}

const INPLACE = ['inplace'] as const;

function readInplace(owner: string, options: InplaceOptions | undefined): boolean {
  const { inplace = false } = optionsOf(owner, options, INPLACE);
  return boolean('inplace', inplace);
}

/** A slope or a limit, any number at all. */
function coefficient(name: string, value: number): number {
  return number(name, value, { finite: false });
}

/** What the layers that only know one function share. */
abstract class Activation extends Module {
  readonly #native: Native;

  /** @internal */
  protected constructor(native: Native) {
    super();
    this.#native = native;
  }

  /** @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor */
  override forward(input: Tensor): Tensor {
    return runActivation(this.#native, input, false);
  }
}

/** What the layers that may work in place share. */
abstract class InplaceActivation extends Module {
  readonly inplace: boolean;
  readonly #native: Native;

  /** @internal */
  protected constructor(native: Native, inplace: boolean) {
    super();
    this.inplace = inplace;
    this.#native = native;
  }

  /**
   * A new tensor, or `input` itself where `inplace`.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor
   */
  override forward(input: Tensor): Tensor {
    return runActivation(this.#native, input, this.inplace);
  }

  override extraRepr(): string {
    return this.inplace ? 'inplace=True' : '';
  }
}

const RELU: Native = ['clamp', 0, Infinity];
const RELU6: Native = ['clamp', 0, 6];
const SIGMOID: Native = ['sigmoid', 0, 0];
const TANH: Native = ['tanh', 0, 0];
const SILU: Native = ['silu', 0, 0];
const MISH: Native = ['mish', 0, 0];
const HARDSWISH: Native = ['hardswish', 0, 0];
const HARDSIGMOID: Native = ['hardsigmoid', 0, 0];

/**
 * max(x, 0). NaN stays NaN.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION
 */
export class ReLU extends InplaceActivation {
  constructor(options?: InplaceOptions) {
    super(RELU, readInplace('ReLU', options));
  }
}

/**
 * min(max(x, 0), 6). NaN stays NaN.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU6.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION
 */
export class ReLU6 extends InplaceActivation {
  constructor(options?: InplaceOptions) {
    super(RELU6, readInplace('ReLU6', options));
  }
}

/**
 * 1 / (1 + exp(-x)).
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html
 */
export class Sigmoid extends Activation {
  constructor() {
    super(SIGMOID);
  }
}

/**
 * The hyperbolic tangent.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Tanh.html
 */
export class Tanh extends Activation {
  constructor() {
    super(TANH);
  }
}

/**
 * x * sigmoid(x), also known as swish. NaN at minus infinity, as in PyTorch.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.SiLU.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION
 */
export class SiLU extends InplaceActivation {
  constructor(options?: InplaceOptions) {
    super(SILU, readInplace('SiLU', options));
  }
}

/**
 * x * tanh(log(1 + exp(x))). NaN at minus infinity, as in PyTorch.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Mish.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION
 */
export class Mish extends InplaceActivation {
  constructor(options?: InplaceOptions) {
    super(MISH, readInplace('Mish', options));
  }
}

/**
 * x * relu6(x + 3) / 6. NaN at minus infinity, as in PyTorch.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardswish.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION
 */
export class Hardswish extends InplaceActivation {
  constructor(options?: InplaceOptions) {
    super(HARDSWISH, readInplace('Hardswish', options));
  }

  /** Nothing: PyTorch doesn't print `inplace` here. */
  override extraRepr(): string {
    return '';
  }
}

/**
 * relu6(x + 3) / 6.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardsigmoid.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION
 */
export class Hardsigmoid extends InplaceActivation {
  constructor(options?: InplaceOptions) {
    super(HARDSIGMOID, readInplace('Hardsigmoid', options));
  }

  /** Nothing: PyTorch doesn't print `inplace` here. */
  override extraRepr(): string {
    return '';
  }
}

const LEAKY_RELU = ['negativeSlope', ...INPLACE] as const;

function readLeaky(owner: string, options: LeakyReLUOptions | undefined) {
  const { negativeSlope = 0.01, inplace = false } = optionsOf(owner, options, LEAKY_RELU);
  coefficient('negativeSlope', negativeSlope);
  const native: Native = ['leakyRelu', negativeSlope, 0];
  return { native, negativeSlope, inplace: boolean('inplace', inplace) };
}

/**
 * x, and negativeSlope * x below 0.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION
 */
export class LeakyReLU extends InplaceActivation {
  readonly negativeSlope: number;

  constructor(options?: LeakyReLUOptions) {
    const { native, negativeSlope, inplace } = readLeaky('LeakyReLU', options);
    super(native, inplace);
    this.negativeSlope = negativeSlope;
  }

  /** What the module's line says between parentheses. */
  override extraRepr(): string {
    return `negative_slope=${pyValue(this.negativeSlope)}${this.inplace ? ', inplace=True' : ''}`;
  }
}

const ELU_OPTIONS = ['alpha', ...INPLACE] as const;

function readElu(owner: string, options: ELUOptions | undefined) {
  const { alpha = 1, inplace = false } = optionsOf(owner, options, ELU_OPTIONS);
  const native: Native = ['elu', coefficient('alpha', alpha), 0];
  return { native, alpha, inplace: boolean('inplace', inplace) };
}

/**
 * x, and alpha * (exp(x) - 1) below 0.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ELU.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION
 */
export class ELU extends InplaceActivation {
  readonly alpha: number;
  readonly #alphaText: string;

  constructor(options?: ELUOptions) {
    const { native, alpha, inplace } = readElu('ELU', options);
    super(native, inplace);
    this.alpha = alpha;
    // PyTorch's default is a float.
    this.#alphaText = options?.alpha === undefined ? '1.0' : pyValue(alpha);
  }

  /** What the module's line says between parentheses. */
  override extraRepr(): string {
    return `alpha=${this.#alphaText}${this.inplace ? ', inplace=True' : ''}`;
  }
}

function readApproximate(owner: string, options: GELUOptions | undefined): 'none' | 'tanh' {
  const { approximate = 'none' } = optionsOf(owner, options, ['approximate']);
  return oneOf('approximate', approximate, ['none', 'tanh']);
}

const geluOf = (approximate: 'none' | 'tanh'): Native =>
  approximate === 'tanh' ? ['geluTanh', 0, 0] : ['gelu', 0, 0];

/**
 * x times the normal distribution function of x. NaN at minus infinity, as in PyTorch.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.GELU.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION; RangeError
 *   ERR_NNCONV_ARG_VALUE for another approximation
 */
export class GELU extends Activation {
  readonly approximate: 'none' | 'tanh';

  constructor(options?: GELUOptions) {
    const approximate = readApproximate('GELU', options);
    super(geluOf(approximate));
    this.approximate = approximate;
  }

  override extraRepr(): string {
    return `approximate='${this.approximate}'`;
  }
}

/** The slope is one, or one for each channel: dimension 1. */
function runPrelu(input: Tensor, weight: Tensor): Tensor {
  checkFloat32('input', input);
  checkFloat32('weight', weight);
  const count = weight.numel;
  if (weight.ndim > 1) {
    throw shapeError(
      `weight must have at most 1 dimension, got a tensor of shape ${pyList(weight.shape)}`,
    );
  }
  const channels = input.ndim > 1 ? input.shape[1] : 1;
  if (count !== 1 && (count !== channels || input.ndim === 0)) {
    throw shapeError(
      `weight must hold 1 slope or one for each of ${channels} channels, got shape ` +
        `${pyList(weight.shape)} for input of shape ${pyList(input.shape)}`,
    );
  }
  const lined = count === 1 ? [] : [count, ...input.shape.slice(2).fill(1)];
  return runBinary('prelu', input, weight, ['input', 'weight'], lined);
}

/**
 * x, and a learnable slope times x below 0: one slope, or one for each channel of inputs
 * `(N, C, ...)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.PReLU.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE
 */
export class PReLU extends Module {
  readonly numParameters: number;
  readonly init: number;

  /** `(numParameters)`. A tensor of that shape can be assigned. */
  declare weight: Tensor;

  constructor(options?: PReLUOptions) {
    super();
    const { numParameters = 1, init = 0.25 } = optionsOf('PReLU', options, [
      'numParameters',
      'init',
    ]);
    this.numParameters = size('numParameters', numParameters);
    this.init = coefficient('init', init);
    this.registerParameter('weight', allocate('float32', [this.numParameters]));
    this.resetParameters();
  }

  protected override checkParameter(name: string, value: Tensor | null): void {
    if (name !== 'weight') return;
    checkFloat32('weight', value);
    checkParameterShape('weight', value, [this.numParameters]);
  }

  /** Sets all slopes to `init`. */
  resetParameters(): void {
    constant_(this.weight, this.init);
  }

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor; RangeError
   *   ERR_NNCONV_SHAPE where it has another number of channels
   */
  override forward(input: Tensor): Tensor {
    return runPrelu(input, this.weight);
  }

  override extraRepr(): string {
    return `num_parameters=${this.numParameters}`;
  }
}

/** {@link ReLU} as a function. */
export function relu(input: Tensor, options?: InplaceOptions): Tensor {
  return runActivation(RELU, input, readInplace('relu', options));
}

/** {@link ReLU6} as a function. */
export function relu6(input: Tensor, options?: InplaceOptions): Tensor {
  return runActivation(RELU6, input, readInplace('relu6', options));
}

/** {@link Sigmoid} as a function. */
export function sigmoid(input: Tensor): Tensor {
  return runActivation(SIGMOID, input, false);
}

/** {@link Tanh} as a function. */
export function tanh(input: Tensor): Tensor {
  return runActivation(TANH, input, false);
}

/** {@link SiLU} as a function. */
export function silu(input: Tensor, options?: InplaceOptions): Tensor {
  return runActivation(SILU, input, readInplace('silu', options));
}

/** {@link Mish} as a function. */
export function mish(input: Tensor, options?: InplaceOptions): Tensor {
  return runActivation(MISH, input, readInplace('mish', options));
}

/** {@link Hardswish} as a function. */
export function hardswish(input: Tensor, options?: InplaceOptions): Tensor {
  return runActivation(HARDSWISH, input, readInplace('hardswish', options));
}

/** {@link Hardsigmoid} as a function. */
export function hardsigmoid(input: Tensor, options?: InplaceOptions): Tensor {
  return runActivation(HARDSIGMOID, input, readInplace('hardsigmoid', options));
}

/** {@link LeakyReLU} as a function. */
export function leakyRelu(input: Tensor, options?: LeakyReLUOptions): Tensor {
  const { native, inplace } = readLeaky('leakyRelu', options);
  return runActivation(native, input, inplace);
}

/** {@link ELU} as a function. */
export function elu(input: Tensor, options?: ELUOptions): Tensor {
  const { native, inplace } = readElu('elu', options);
  return runActivation(native, input, inplace);
}

/** {@link GELU} as a function. */
export function gelu(input: Tensor, options?: GELUOptions): Tensor {
  return runActivation(geluOf(readApproximate('gelu', options)), input, false);
}

/** {@link PReLU} as a function: `weight` holds one slope, or one for each channel. */
export function prelu(input: Tensor, weight: Tensor): Tensor {
  return runPrelu(input, weight);
}
