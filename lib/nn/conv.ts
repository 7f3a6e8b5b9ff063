/** The six convolution layers. */
import type { ConvExplanation, ConvRunOptions } from '../binding';
import { argTypeError, pyTuple, show } from '../errors';
import { boolean, integer, integers, type NumberOrTuple, optionsOf, tuple } from '../options';
import { allocate, checkFloat32, type Parameter, type Tensor } from '../tensor';
import { type CallOptions, ConvOperator, runOptions } from './conv-operator';
import {
  type ConvSettings,
  convSettings,
  convSpec,
  type PaddingMode,
  type PaddingName,
  weightShape,
} from './conv-spec';
import { calculateFanInAndFanOut, kaimingUniform_, uniform_ } from './init';
import { Module } from './module';

export interface ConvOptions {
  /** Step of the window. Default: 1. */
  stride?: NumberOrTuple;
  /**
   * Elements added on both sides of each dimension; 'same' keeps the size at stride 1, with the
   * extra element of an odd total at the end, and 'valid' adds none. Default: 0.
   */
  padding?: NumberOrTuple | PaddingName;
  /** Distance between the taps of the kernel. Default: 1. */
  dilation?: NumberOrTuple;
  /** Number of blocks of channels, each convolved for itself; divides both counts. Default: 1. */
  groups?: number;
  /** Whether a learned number is added to each output channel. Default: true. */
  bias?: boolean;
  /** What padding adds: 'zeros' (default), 'reflect', 'replicate' or 'circular'. */
  paddingMode?: PaddingMode;
}

export interface ConvTransposeOptions {
  /** Distance between the windows in the output. Default: 1. */
  stride?: NumberOrTuple;
  /** Elements cropped from both sides of each output dimension. Default: 0. */
  padding?: NumberOrTuple;
  /** Elements added at the end of each output dimension. Default: 0. */
  outputPadding?: NumberOrTuple;
  /** Number of blocks of channels, each convolved for itself; divides both counts. Default: 1. */
  groups?: number;
  /** Whether a learned number is added to each output channel. Default: true. */
  bias?: boolean;
  /** Distance between the taps of the kernel. Default: 1. */
  dilation?: NumberOrTuple;
  /** 'zeros', which is all that PyTorch has here. */
  paddingMode?: 'zeros';
}

const CONV_OPTIONS = ['stride', 'padding', 'dilation', 'groups', 'bias', 'paddingMode'] as const;
const CONV_TRANSPOSE_OPTIONS = [
  'stride',
  'padding',
  'outputPadding',
  'groups',
  'bias',
  'dilation',
  'paddingMode',
] as const;

/** What all six have in common, in any number of dimensions. */
export abstract class ConvNd extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[] | PaddingName;
  readonly dilation: readonly number[];
  readonly outputPadding: readonly number[];
  readonly groups: number;
  readonly paddingMode: PaddingMode;
  /** `(out, in/groups, ...)`, transposed `(in, out/groups, ...)`. Assigning replaces the value. */
  declare weight: Parameter;
  /** `(out)`; null without bias. Assigning replaces the value. */
  declare bias: Parameter | null;

  readonly #operator: ConvOperator;

  protected constructor(
    dims: number,
    transposed: boolean,
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    settings: ConvSettings,
    bias: boolean,
  ) {
    super();
    this.inChannels = integer('inChannels', inChannels);
    this.outChannels = integer('outChannels', outChannels);
    this.kernelSize = tuple('kernelSize', kernelSize, dims);
    this.stride = settings.stride;
    this.padding = settings.padding;
    this.dilation = settings.dilation;
    this.outputPadding = settings.outputPadding;
    this.groups = settings.groups;
    this.paddingMode = settings.paddingMode;
    const spec = convSpec(transposed, inChannels, outChannels, this.kernelSize, settings);
    this.#operator = new ConvOperator(spec);
    this.registerParameter('weight', allocate('float32', weightShape(spec)));
    this.registerParameter('bias', bias ? allocate('float32', [outChannels]) : null);
    this.resetParameters();
  }

  /**
   * Draws weight and bias anew, as the constructor did: both uniform within ±1/√fanIn, the weight
   * first.
   */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) });
    const [fanIn] = calculateFanInAndFanOut(this.weight);
    if (this.bias === null || fanIn === 0) return;
    const bound = 1 / Math.sqrt(fanIn);
    uniform_(this.bias, -bound, bound);
  }

  /**
   * How `forward` would compute an input of this shape: algorithm and why, instruction set,
   * threads, bytes of workspace, multiply-accumulates.
   *
   * @throws what `forward` throws for such an input
   */
  explain(inputShape: readonly number[], options?: CallOptions): ConvExplanation {
    return this.#operator.explain(
      integers('inputShape', inputShape),
      runOptions('explain', options),
    );
  }

  override extraRepr(): string {
    const parts = [
      `${this.inChannels}`,
      `${this.outChannels}`,
      `kernel_size=${pyTuple(this.kernelSize)}`,
      `stride=${pyTuple(this.stride)}`,
    ];
    const { padding } = this;
    if (typeof padding === 'string') parts.push(`padding=${padding}`);
    else if (padding.some((p) => p !== 0)) parts.push(`padding=${pyTuple(padding)}`);
    if (this.dilation.some((d) => d !== 1)) parts.push(`dilation=${pyTuple(this.dilation)}`);
    if (this.outputPadding.some((p) => p !== 0)) {
      parts.push(`output_padding=${pyTuple(this.outputPadding)}`);
    }
    if (this.groups !== 1) parts.push(`groups=${this.groups}`);
    if (this.bias === null) parts.push('bias=False');
    if (this.paddingMode !== 'zeros') parts.push(`padding_mode=${this.paddingMode}`);
    return parts.join(', ');
  }

  protected run(x: Tensor, options: ConvRunOptions | undefined): Tensor {
    return this.#operator.run(x, this.weight, this.bias, options);
  }

  protected shapeOf(inputShape: readonly number[], outputSize?: readonly number[]): number[] {
    const shape = integers('inputShape', inputShape);
    return this.#operator.outputShape(shape, this.sized(shape, outputSize));
  }

  /** The run options that give `outputSize`, merged with others. */
  protected sized(
    inputShape: readonly number[],
    outputSize: readonly number[] | undefined,
    options?: ConvRunOptions,
  ): ConvRunOptions | undefined {
    if (outputSize === undefined) return options;
    return { ...options, outputPadding: this.#operator.outputPadding(inputShape, outputSize) };
  }
}

abstract class Conv extends ConvNd {
  constructor(
    dims: number,
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options: ConvOptions | undefined,
  ) {
    const owner = new.target.name;
    const given = optionsOf(owner, options, CONV_OPTIONS);
    const settings = convSettings(owner, dims, false, given);
    const { bias = true } = given;
    super(
      dims,
      false,
      inChannels,
      outChannels,
      kernelSize,
      settings,
      boolean('bias', bias),
    );
  }

  /**
   * Convolves a batch `(N, C, ...)` or a single input `(C, ...)`. A change of `weight` or `bias`
   * shows at the next call.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `x` is a float32 Tensor, RangeError
   *   ERR_NNCONV_SHAPE if its shape doesn't fit, RangeError ERR_NNCONV_ALLOC if there is no memory
   *   for the output, RangeError ERR_NNCONV_UNSUPPORTED if a forced algorithm can't do it
   */
  override forward(x: Tensor, options?: CallOptions): Tensor {
    return this.run(x, runOptions('forward', options));
  }

  /**
   * The shape of the output for an input of this shape.
   *
   * @throws RangeError ERR_NNCONV_SHAPE for a shape that `forward` would reject
   */
  outputShape(inputShape: readonly number[]): number[] {
    return this.shapeOf(inputShape);
  }
}

abstract class ConvTranspose extends ConvNd {
  constructor(
    dims: number,
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options: ConvTransposeOptions | undefined,
  ) {
    const owner = new.target.name;
    const given = optionsOf(owner, options, CONV_TRANSPOSE_OPTIONS);
    const settings = convSettings(owner, dims, true, given);
    const { bias = true } = given;
    super(dims, true, inChannels, outChannels, kernelSize, settings, boolean('bias', bias));
  }

  /**
   * Convolves a batch `(N, C, ...)` or a single input `(C, ...)`. A change of `weight` or `bias`
   * shows at the next call.
   *
   * @param outputSize the spatial sizes of the output, of those that a stride above 1 leaves open,
   *   or its whole shape; takes the place of `outputPadding`
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `x` is a float32 Tensor, RangeError
   *   ERR_NNCONV_SHAPE if its shape or `outputSize` doesn't fit, RangeError ERR_NNCONV_ALLOC if
   *   there is no memory for the output, RangeError ERR_NNCONV_UNSUPPORTED if a forced algorithm
   *   can't do it
   */
  override forward(x: Tensor, outputSize?: readonly number[], options?: CallOptions): Tensor {
    const runWith = runOptions('forward', options);
    if (outputSize === undefined) return this.run(x, runWith);
    checkFloat32('x', x);
    return this.run(x, this.sized(x.shape, outputSize, runWith));
  }

  /**
   * The shape of the output for an input of this shape.
   *
   * @param outputSize as in `forward`
   * @throws RangeError ERR_NNCONV_SHAPE for what `forward` would reject
   */
  outputShape(inputShape: readonly number[], outputSize?: readonly number[]): number[] {
    return this.shapeOf(inputShape, outputSize);
  }
}

/**
 * Convolution over sequences: `(N, in, L)` or `(in, L)` gives `(N, out, L')` with
 * `L' = floor((L + 2·padding - dilation·(kernelSize - 1) - 1) / stride) + 1`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv1d.html
 */
export class Conv1d extends Conv {
  /**
   * @param kernelSize a number or a tuple of 1
   * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION; RangeError
   *   ERR_NNCONV_ARG_VALUE for what PyTorch rejects; RangeError ERR_NNCONV_ALLOC
   */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options?: ConvOptions,
  ) {
    super(1, inChannels, outChannels, kernelSize, options);
  }
}

/**
 * Convolution over images: `(N, in, H, W)` or `(in, H, W)` gives `(N, out, H', W')` with
 * `H' = floor((H + 2·padding - dilation·(kernelSize - 1) - 1) / stride) + 1`, W' alike.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
 */
export class Conv2d extends Conv {
  /**
   * @param kernelSize a number or a tuple `[H, W]`
   * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION; RangeError
   *   ERR_NNCONV_ARG_VALUE for what PyTorch rejects; RangeError ERR_NNCONV_ALLOC
   */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options?: ConvOptions,
  ) {
    super(2, inChannels, outChannels, kernelSize, options);
  }
}

/**
 * Convolution over volumes or video: `(N, in, D, H, W)` or `(in, D, H, W)` gives
 * `(N, out, D', H', W')` with
 * `D' = floor((D + 2·padding - dilation·(kernelSize - 1) - 1) / stride) + 1`, H' and W' alike.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv3d.html
 */
export class Conv3d extends Conv {
  /**
   * @param kernelSize a number or a tuple `[D, H, W]`
   * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION; RangeError
   *   ERR_NNCONV_ARG_VALUE for what PyTorch rejects; RangeError ERR_NNCONV_ALLOC
   */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options?: ConvOptions,
  ) {
    super(3, inChannels, outChannels, kernelSize, options);
  }
}

/**
 * Transposed convolution over sequences: `(N, in, L)` or `(in, L)` gives `(N, out, L')` with
 * `L' = (L - 1)·stride - 2·padding + dilation·(kernelSize - 1) + outputPadding + 1`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose1d.html
 */
export class ConvTranspose1d extends ConvTranspose {
  /**
   * @param kernelSize a number or a tuple of 1
   * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION; RangeError
   *   ERR_NNCONV_ARG_VALUE for what PyTorch rejects; RangeError ERR_NNCONV_ALLOC
   */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options?: ConvTransposeOptions,
  ) {
    super(1, inChannels, outChannels, kernelSize, options);
  }
}

/**
 * Transposed convolution over images: `(N, in, H, W)` or `(in, H, W)` gives `(N, out, H', W')` with
 * `H' = (H - 1)·stride - 2·padding + dilation·(kernelSize - 1) + outputPadding + 1`, W' alike.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html
 */
export class ConvTranspose2d extends ConvTranspose {
  /**
   * @param kernelSize a number or a tuple `[H, W]`
   * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION; RangeError
   *   ERR_NNCONV_ARG_VALUE for what PyTorch rejects; RangeError ERR_NNCONV_ALLOC
   */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options?: ConvTransposeOptions,
  ) {
    super(2, inChannels, outChannels, kernelSize, options);
  }
}

/**
 * Transposed convolution over volumes: `(N, in, D, H, W)` or `(in, D, H, W)` gives
 * `(N, out, D', H', W')` with
 * `D' = (D - 1)·stride - 2·padding + dilation·(kernelSize - 1) + outputPadding + 1`, H' and W' alike.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose3d.html
 */
export class ConvTranspose3d extends ConvTranspose {
  /**
   * @param kernelSize a number or a tuple `[D, H, W]`
   * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION; RangeError
   *   ERR_NNCONV_ARG_VALUE for what PyTorch rejects; RangeError ERR_NNCONV_ALLOC
   */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: NumberOrTuple,
    options?: ConvTransposeOptions,
  ) {
    super(3, inChannels, outChannels, kernelSize, options);
  }
}
