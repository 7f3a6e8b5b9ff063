/**
 * The convolution layers: one N-dimensional base, six thin classes. What a value may be and how large
 * an output gets is the native side's business.
 */
import { type AbortOptions, settled } from '../async';
import {
  binding,
  type ConvExplanation,
  type ConvHandle,
  type ConvRunOptions,
  type ConvSpec,
} from '../binding';
import { argTypeError, argValueError, pyList, pyTuple, shapeError } from '../errors';
import { wrapShaped } from '../ops';
import {
  boolean,
  integer,
  integers,
  type NumberOrTuple,
  oneOf,
  optionsOf,
  spread,
  tuple,
} from '../options';
import { record } from '../record';
import { strictNumerics } from '../runtime';
import { allocate, checkFloat32, checkShape, readData, type Tensor, versionOf } from '../tensor';
import { calculateFanInAndFanOut, kaimingUniform_, uniform_ } from './init';
import { Module } from './module';

/** How the input is continued beyond its borders. */
export type PaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular';

const PADDING_MODES = ['zeros', 'reflect', 'replicate', 'circular'] as const;

export interface ConvOptions {
  /** Step of the window. Default: 1. */
  stride?: NumberOrTuple;
  /**
   * Pixels added on both sides of each dimension; 'valid' adds none, 'same' as many as keep the size
   * (at stride 1; an odd one goes to the end). Default: 0.
   */
  padding?: NumberOrTuple | 'same' | 'valid';
  /** Distance of the kernel's taps. Default: 1. */
  dilation?: NumberOrTuple;
  /** Groups of channels that are convolved apart. Default: 1. */
  groups?: number;
  /** Whether a learnable bias is added. Default: true. */
  bias?: boolean;
  /** Default: 'zeros'. */
  paddingMode?: PaddingMode;
}

export interface ConvTransposeOptions {
  /** Step of the window in the output. Default: 1. */
  stride?: NumberOrTuple;
  /** Pixels cropped from both sides of each dimension of the output. Default: 0. */
  padding?: NumberOrTuple;
  /** Size added to the end of each dimension; below stride or dilation. Default: 0. */
  outputPadding?: NumberOrTuple;
  /** Groups of channels that are convolved apart. Default: 1. */
  groups?: number;
  /** Whether a learnable bias is added. Default: true. */
  bias?: boolean;
  /** Distance of the kernel's taps. Default: 1. */
  dilation?: NumberOrTuple;
  /** Only 'zeros'. Default: 'zeros'. */
  paddingMode?: 'zeros';
}

/** The options of either kind. */
export interface AnyConvOptions extends Omit<ConvOptions, 'padding'> {
  padding?: NumberOrTuple | 'same' | 'valid';
  outputPadding?: NumberOrTuple;
}

export interface RunOptions {
  /** Keeps this call to direct summation. Default: what `setStrictNumerics` set. */
  strict?: boolean;
}

export interface AsyncRunOptions extends RunOptions, AbortOptions {}

/** The options of a convolution, normalised. */
interface Geometry {
  stride: readonly number[];
  padding: readonly number[] | 'same' | 'valid';
  dilation: readonly number[];
  outputPadding: readonly number[];
  groups: number;
  paddingMode: PaddingMode;
}

/** Reads what all convolutions share, modules and functions, from an options object. */
export function readGeometry(dims: number, transposed: boolean, options: AnyConvOptions): Geometry {
  const { stride = 1, padding = 0, dilation = 1, outputPadding = 0, groups = 1 } = options;
  const { paddingMode = 'zeros' } = options;
  const each = (name: string, value: unknown): readonly number[] =>
    tuple(name, value, dims, { broadcast: true });
  return {
    stride: each('stride', stride),
    padding:
      typeof padding === 'string' && !transposed
        ? oneOf('padding', padding, ['same', 'valid'] as const)
        : each('padding', padding),
    dilation: each('dilation', dilation),
    outputPadding: each('outputPadding', outputPadding),
    groups: integer('groups', groups),
    paddingMode: oneOf('paddingMode', paddingMode, PADDING_MODES),
  };
}

/** The native handle for a convolution; throws for values that PyTorch rejects. */
export function createHandle(
  transposed: boolean,
  inChannels: number,
  outChannels: number,
  kernel: readonly number[],
  geometry: Geometry,
): ConvHandle {
  const dims = kernel.length;
  const stride = spread(geometry.stride, dims);
  const dilation = spread(geometry.dilation, dims);
  let padLow: readonly number[];
  let padHigh: readonly number[];
  if (geometry.padding === 'same') {
    if (stride.some((step) => step !== 1)) {
      throw argValueError(
        `padding 'same' is not supported for strided convolutions, got stride=${pyList(stride)}`,
      );
    }
    // Bad values make bad totals; the native side names what is wrong with them.
    const total = kernel.map((k, d) => Math.max(0, dilation[d] * (k - 1)));
    padLow = total.map((pixels) => Math.floor(pixels / 2));
    padHigh = total.map((pixels, d) => pixels - padLow[d]);
  } else {
    const pad = geometry.padding === 'valid' ? [0] : geometry.padding;
    padLow = padHigh = spread(pad, dims);
  }
  const spec: ConvSpec = {
    transposed,
    inChannels,
    outChannels,
    groups: geometry.groups,
    kernel,
    stride,
    dilation,
    padLow,
    padHigh,
    outputPadding: spread(geometry.outputPadding, dims),
    paddingMode: geometry.paddingMode,
  };
  const handle = binding().convCreate(spec);
  specs.set(handle, spec);
  return handle;
}

/** What a handle was made of. */
const specs = new WeakMap<ConvHandle, ConvSpec>();

/** Runs a handle: the one way from tensors to the kernels. */
export function runHandle(
  handle: ConvHandle,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: ConvRunOptions | undefined,
): Tensor {
  checkFloat32('input', input);
  const recorded = record(bias === null ? [input, weight] : [input, weight, bias], () => {
    const { outputPadding, strict = false } = options ?? {};
    const spec = { ...specs.get(handle)!, ...(outputPadding && { outputPadding }) };
    return { op: 'conv', spec, weight, bias, strict };
  });
  if (recorded) return recorded;
  return wrapShaped(
    binding().convForward(
      handle,
      readData(input),
      input.shape,
      readData(weight),
      versionOf(weight),
      bias === null ? null : readData(bias),
      options,
    ),
  );
}

/** The same on the addon's own thread: arguments are read before this returns. */
async function runHandleAsync(
  handle: ConvHandle,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: ConvRunOptions | undefined,
  signal: AbortOptions['signal'],
): Promise<Tensor> {
  const result = await settled(signal, () => {
    checkFloat32('input', input);
    return binding().convForwardAsync(
      handle,
      readData(input),
      input.shape,
      readData(weight),
      versionOf(weight),
      bias === null ? null : readData(bias),
      options,
    );
  });
  return wrapShaped(result);
}

const STRICT: ConvRunOptions = Object.freeze({ strict: true });
export const RUN_OPTIONS = ['strict'] as const;
const ASYNC_OPTIONS = ['strict', 'signal'] as const;

/** What the native side is told: only what differs from its defaults. */
export function runMode({ strict = strictNumerics() }: RunOptions): ConvRunOptions | undefined {
  return boolean('strict', strict) ? STRICT : undefined;
}

function runOptions(owner: string, options: RunOptions | undefined): ConvRunOptions | undefined {
  return runMode(optionsOf(owner, options, RUN_OPTIONS));
}

function asyncOptions(
  options: AsyncRunOptions | undefined,
): [ConvRunOptions | undefined, AbortOptions['signal']] {
  const { strict, signal } = optionsOf('forwardAsync', options, ASYNC_OPTIONS);
  return [runMode({ strict }), signal];
}

/** Handles for inspection by tests. */
const handles = new WeakMap<ConvNd, ConvHandle>();

/** @internal */
export function handleOf(conv: ConvNd): ConvHandle {
  return handles.get(conv)!;
}

/** What the six layers share. */
export abstract class ConvNd extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[] | 'same' | 'valid';
  readonly dilation: readonly number[];
  readonly outputPadding: readonly number[];
  readonly groups: number;
  readonly paddingMode: PaddingMode;

  /**
   * `(outChannels, inChannels / groups, ...kernelSize)`; of a transposed convolution `(inChannels,
   * outChannels / groups, ...kernelSize)`. A tensor of that shape can be assigned.
   */
  declare weight: Tensor;
  /** `(outChannels)`, or null for none. Either can be assigned. */
  declare bias: Tensor | null;

  protected readonly handle: ConvHandle;
  readonly #weightShape: readonly number[];

  /** @internal */
  protected constructor(
    dims: number,
    transposed: boolean,
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options: AnyConvOptions,
  ) {
    super();
    this.inChannels = integer('inChannels', inChannels);
    this.outChannels = integer('outChannels', outChannels);
    this.kernelSize = tuple('kernelSize', kernelSize, dims);
    const geometry = readGeometry(dims, transposed, options);
    this.stride = geometry.stride;
    this.padding = geometry.padding;
    this.dilation = geometry.dilation;
    this.outputPadding = geometry.outputPadding;
    this.groups = geometry.groups;
    this.paddingMode = geometry.paddingMode;
    const { bias = true } = options;
    const biased = boolean('bias', bias);
    this.handle = createHandle(
      transposed,
      this.inChannels,
      this.outChannels,
      this.kernelSize,
      geometry,
    );
    handles.set(this, this.handle);
    Object.defineProperty(this, 'handle', { enumerable: false });

    const [rows, columns] = transposed
      ? [this.inChannels, this.outChannels / this.groups]
      : [this.outChannels, this.inChannels / this.groups];
    this.#weightShape = [rows, columns, ...this.kernelSize];
    this.registerParameter('weight', allocate('float32', [...this.#weightShape]));
    this.registerParameter('bias', biased ? allocate('float32', [this.outChannels]) : null);
    this.resetParameters();
  }

  protected override checkParameter(name: string, value: Tensor | null): void {
    if (name !== 'weight' && name !== 'bias') return;
    const shape = name === 'weight' ? this.#weightShape : [this.outChannels];
    if (value === null) {
      if (name === 'bias') return;
      throw argTypeError(`weight must be a Tensor of shape ${pyList(shape)}, got null`);
    }
    if (pyList(value.shape) !== pyList(shape)) {
      throw shapeError(
        `${name} must have shape ${pyList(shape)}, got a tensor of shape ${pyList(value.shape)}`,
      );
    }
  }

  /** Draws weight and bias anew, both from U(-b, b) with b = 1 / sqrt(fan in). */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) });
    if (this.bias === null) return;
    const [fanIn] = calculateFanInAndFanOut(this.weight);
    if (fanIn === 0) return;
    const bound = 1 / Math.sqrt(fanIn);
    uniform_(this.bias, -bound, bound);
  }

  override extraRepr(): string {
    const differs = (values: readonly number[] | string, usual: number): boolean =>
      typeof values === 'string' || values.some((value) => value !== usual);
    const text = (values: readonly number[] | string): string =>
      typeof values === 'string' ? values : pyTuple(values);
    const parts = [
      `${this.inChannels}, ${this.outChannels}`,
      `kernel_size=${pyTuple(this.kernelSize)}`,
      `stride=${pyTuple(this.stride)}`,
    ];
    if (differs(this.padding, 0)) parts.push(`padding=${text(this.padding)}`);
    if (differs(this.dilation, 1)) parts.push(`dilation=${pyTuple(this.dilation)}`);
    if (differs(this.outputPadding, 0)) parts.push(`output_padding=${pyTuple(this.outputPadding)}`);
    if (this.groups !== 1) parts.push(`groups=${this.groups}`);
    if (this.bias === null) parts.push('bias=False');
    if (this.paddingMode !== 'zeros') parts.push(`padding_mode=${this.paddingMode}`);
    return parts.join(', ');
  }

  /**
   * Which algorithm a `forward` on an input of this shape runs and why, the threads, the workspace
   * in bytes and the multiply-accumulates.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_SHAPE
   */
  explain(inputShape: readonly number[], options?: RunOptions): ConvExplanation {
    return binding().convExplain(
      this.handle,
      checkShape('inputShape', inputShape),
      runOptions('explain', options),
    );
  }
}

const CONV_OPTIONS = ['stride', 'padding', 'dilation', 'groups', 'bias', 'paddingMode'] as const;

abstract class Conv extends ConvNd {
  /** @internal */
  protected constructor(
    name: string,
    dims: number,
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options: ConvOptions | undefined,
  ) {
    const given = optionsOf(name, options, CONV_OPTIONS);
    super(dims, false, inChannels, outChannels, kernelSize, given);
    Object.defineProperty(this, 'outputPadding', { enumerable: false });
  }

  /**
   * The convolution of `input`, `(N, C, ...)` or unbatched `(C, ...)`; N may be 0.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor; RangeError
   *   ERR_NNCONV_SHAPE where its shape doesn't fit, ERR_NNCONV_ALLOC where the result is too large
   */
  override forward(input: Tensor, options?: RunOptions): Tensor {
    const run = runOptions('forward', options);
    return runHandle(this.handle, input, this.weight, this.bias, run);
  }

  /**
   * What `forward` returns, bit for bit, computed off the event loop: all such runs of the process
   * share one thread of the addon's own, in the order of their calls, and its helpers.
   *
   * The input, the weight and the bias are those of the call: what happens to them afterwards, be it
   * a write, a transfer or a detached buffer, the run doesn't see. Forward hooks are not called.
   *
   * @returns a promise that rejects with what `forward` throws; with RangeError
   *   ERR_NNCONV_QUEUE_FULL where 256 runs wait already; with `signal.reason` after an abort
   */
  async forwardAsync(input: Tensor, options?: AsyncRunOptions): Promise<Tensor> {
    const [run, signal] = asyncOptions(options);
    return runHandleAsync(this.handle, input, this.weight, this.bias, run, signal);
  }

  /** The shape of `forward`'s result. Throws as `forward` does. */
  outputShape(inputShape: readonly number[]): number[] {
    return binding().convOutputShape(this.handle, checkShape('inputShape', inputShape));
  }
}

const TRANSPOSE_OPTIONS = [
  'stride',
  'padding',
  'outputPadding',
  'groups',
  'bias',
  'dilation',
  'paddingMode',
] as const;

abstract class ConvTranspose extends ConvNd {
  /** @internal */
  protected constructor(
    name: string,
    dims: number,
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options: ConvTransposeOptions | undefined,
  ) {
    const given = optionsOf(name, options, TRANSPOSE_OPTIONS);
    if (given.paddingMode !== undefined) {
      const mode: string = oneOf('paddingMode', given.paddingMode, PADDING_MODES);
      if (mode !== 'zeros') {
        throw argValueError(`Only 'zeros' paddingMode is supported for ${name}, got '${mode}'`);
      }
    }
    super(dims, true, inChannels, outChannels, kernelSize, given);
  }

  /**
   * The transposed convolution of `input`, `(N, C, ...)` or unbatched `(C, ...)`; N may be 0.
   *
   * @param outputSize the wanted size of the spatial dimensions (or of all, then N and C are not
   *   looked at), where the stride leaves a choice; replaces `outputPadding`
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor; RangeError
   *   ERR_NNCONV_SHAPE where a shape doesn't fit, ERR_NNCONV_ALLOC where the result is too large
   */
  override forward(
    input: Tensor,
    outputSize?: readonly number[] | null,
    options?: RunOptions,
  ): Tensor {
    const run = this.withOutputSize(runOptions('forward', options), input, outputSize);
    return runHandle(this.handle, input, this.weight, this.bias, run);
  }

  /**
   * What `forward` returns, bit for bit, computed off the event loop: all such runs of the process
   * share one thread of the addon's own, in the order of their calls, and its helpers.
   *
   * The input, the weight and the bias are those of the call: what happens to them afterwards, be it
   * a write, a transfer or a detached buffer, the run doesn't see. Forward hooks are not called.
   *
   * @param outputSize as in `forward`
   * @returns a promise that rejects with what `forward` throws; with RangeError
   *   ERR_NNCONV_QUEUE_FULL where 256 runs wait already; with `signal.reason` after an abort
   */
  async forwardAsync(
    input: Tensor,
    outputSize?: readonly number[] | null,
    options?: AsyncRunOptions,
  ): Promise<Tensor> {
    const [mode, signal] = asyncOptions(options);
    const run = this.withOutputSize(mode, input, outputSize);
    return runHandleAsync(this.handle, input, this.weight, this.bias, run, signal);
  }

  private withOutputSize(
    run: ConvRunOptions | undefined,
    input: Tensor,
    outputSize: readonly number[] | null | undefined,
  ): ConvRunOptions | undefined {
    if (outputSize === undefined || outputSize === null) return run;
    checkFloat32('input', input);
    return { ...run, outputPadding: this.paddingFor(input.shape, outputSize) };
  }

  /** The shape of `forward`'s result. Throws as `forward` does. */
  outputShape(inputShape: readonly number[], outputSize?: readonly number[] | null): number[] {
    const shape = checkShape('inputShape', inputShape);
    const options =
      outputSize === undefined || outputSize === null
        ? undefined
        : { outputPadding: this.paddingFor(shape, outputSize) };
    return binding().convOutputShape(this.handle, shape, options);
  }

  /** The output padding that leads to `outputSize`. */
  private paddingFor(inputShape: readonly number[], outputSize: readonly number[]): number[] {
    const dims = this.kernelSize.length;
    const given = integers('outputSize', outputSize);
    if (given.length !== dims && given.length !== inputShape.length) {
      throw shapeError(
        `outputSize must have ${dims} or ${inputShape.length} elements, got ${pyList(given)}`,
      );
    }
    const wanted = given.slice(-dims);
    const stride = spread(this.stride, dims);
    const most = binding()
      .convOutputShape(this.handle, inputShape, { outputPadding: stride.map((step) => step - 1) })
      .slice(-dims);
    const least = most.map((size, d) => size - stride[d] + 1);
    if (wanted.some((size, d) => size < least[d] || size > most[d])) {
      throw shapeError(
        `requested an outputSize of ${pyList(wanted)}, but valid sizes range from ` +
          `${pyList(least)} to ${pyList(most)} (for an input of size ${pyList(inputShape.slice(2))})`,
      );
    }
    return wanted.map((size, d) => size - least[d]);
  }
}

/**
 * A 1-dimensional convolution of inputs `(N, C, L)` or `(C, L)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv1d.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE or ERR_NNCONV_ALLOC
 */
export class Conv1d extends Conv {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options?: ConvOptions,
  ) {
    super('Conv1d', 1, inChannels, outChannels, kernelSize, options);
  }
}

/**
 * A 2-dimensional convolution of inputs `(N, C, H, W)` or `(C, H, W)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE or ERR_NNCONV_ALLOC
 */
export class Conv2d extends Conv {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options?: ConvOptions,
  ) {
    super('Conv2d', 2, inChannels, outChannels, kernelSize, options);
  }
}

/**
 * A 3-dimensional convolution of inputs `(N, C, D, H, W)` or `(C, D, H, W)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv3d.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE or ERR_NNCONV_ALLOC
 */
export class Conv3d extends Conv {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options?: ConvOptions,
  ) {
    super('Conv3d', 3, inChannels, outChannels, kernelSize, options);
  }
}

/**
 * A 1-dimensional transposed convolution of inputs `(N, C, L)` or `(C, L)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose1d.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE or ERR_NNCONV_ALLOC
 */
export class ConvTranspose1d extends ConvTranspose {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options?: ConvTransposeOptions,
  ) {
    super('ConvTranspose1d', 1, inChannels, outChannels, kernelSize, options);
  }
}

/**
 * A 2-dimensional transposed convolution of inputs `(N, C, H, W)` or `(C, H, W)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE or ERR_NNCONV_ALLOC
 */
export class ConvTranspose2d extends ConvTranspose {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options?: ConvTransposeOptions,
  ) {
    super('ConvTranspose2d', 2, inChannels, outChannels, kernelSize, options);
  }
}

/**
 * A 3-dimensional transposed convolution of inputs `(N, C, D, H, W)` or `(C, D, H, W)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose3d.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE or ERR_NNCONV_ALLOC
 */
export class ConvTranspose3d extends ConvTranspose {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options?: ConvTransposeOptions,
  ) {
    super('ConvTranspose3d', 3, inChannels, outChannels, kernelSize, options);
  }
}
