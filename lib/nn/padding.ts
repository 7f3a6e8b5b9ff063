/**
 * The padding layers and the function they share, over any number of dimensions alike. What a value
 * may be, how large an output gets and what an element is copied from is the native side's business.
 */
import { binding, type PadSpec } from '../binding';
import { argTypeError, pyTuple, shapeError, show } from '../errors';
import { wrapShaped } from '../ops';
import { integer, integers, number, type NumberOrTuple, oneOf, optionsOf } from '../options';
import { record } from '../record';
import { checkFloat32, checkShape, readData, type Tensor } from '../tensor';
import { Module } from './module';
import { pyValue } from './repr';

/** What padding is made of: a number, or elements of the input. */
export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular';

/** Options of `functional.pad`. */
export interface PadOptions {
  /** Default: 'constant'. */
  mode?: PadMode;
  /** What 'constant' pads with. Default (and null): 0. */
  value?: number | null;
}

const MODES: readonly PadMode[] = ['constant', 'reflect', 'replicate', 'circular'];

function checked(spec: PadSpec): PadSpec {
  binding().padCheck(spec);
  return spec;
}

/** The one way from a tensor to the kernels. */
function runPad(spec: PadSpec, input: Tensor): Tensor {
  checkFloat32('input', input);
  const recorded = record([input], () => ({ op: 'pad', spec }));
  if (recorded) return recorded;
  return wrapShaped(binding().padForward(spec, readData(input), input.shape));
}

/** Both ends of `dims` dimensions; as PyTorch does, a list is taken as it is. */
function readPadding(dims: number, padding: NumberOrTuple): readonly number[] {
  const given: unknown = padding;
  if (typeof given === 'number') {
    return Object.freeze(new Array<number>(2 * dims).fill(integer('padding', given)));
  }
  if (typeof given !== 'object' || given === null) {
    throw argTypeError(
      `padding must be an integer or an array of ${2 * dims} integers, got ${show(given)}`,
    );
  }
  return Object.freeze(integers('padding', given));
}

/** What all padding layers share. */
abstract class Pad extends Module {
  readonly padding: readonly number[];
  readonly #spec: PadSpec;

  /** @internal */
  protected constructor(dims: number, mode: PadMode, padding: NumberOrTuple, value = 0) {
    super();
    this.padding = readPadding(dims, padding);
    this.#spec = checked({ mode, padding: this.padding, value });
  }

  /**
   * The padded `input`; negative padding crops.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor; RangeError
   *   ERR_NNCONV_SHAPE where its shape doesn't fit, ERR_NNCONV_ALLOC where the result is too large
   */
  override forward(input: Tensor): Tensor {
    checkFloat32('input', input);
    this.checkRank(input.shape);
    return runPad(this.#spec, input);
  }

  /** The shape of `forward`'s result. Throws as `forward` does. */
  outputShape(inputShape: readonly number[]): number[] {
    const shape = checkShape('inputShape', inputShape);
    this.checkRank(shape);
    return binding().padOutputShape(this.#spec, shape);
  }

  /** @internal What the layer asks of a shape besides what the function does. */
  protected checkRank(_shape: readonly number[]): void {}

  override extraRepr(): string {
    return pyTuple(this.padding);
  }
}

abstract class ConstantPad extends Pad {
  readonly value: number;

  /** @internal */
  protected constructor(dims: number, padding: NumberOrTuple, value: number) {
    super(dims, 'constant', padding, number('value', value, { finite: false }));
    this.value = value;
  }

  /** What the module's line says between parentheses. */
  override extraRepr(): string {
    return `padding=${pyTuple(this.padding)}, value=${pyValue(this.value)}`;
  }
}

abstract class CircularPad extends Pad {
  readonly #dims: number;

  /** @internal */
  protected constructor(dims: number, padding: NumberOrTuple) {
    super(dims, 'circular', padding);
    this.#dims = dims;
  }

  /** @internal */
  protected override checkRank(shape: readonly number[]): void {
    const [least, most] = [this.#dims + 1, this.#dims + 2];
    if (shape.length === least || shape.length === most) return;
    throw shapeError(
      `CircularPad${this.#dims}d expects an input of ${least} or ${most} dimensions, got a shape ` +
        `of ${shape.length}`,
    );
  }
}

/**
 * Pads an input `(*, L)` with zeros: by `padding` on every side, or by `[left, right]`. Negative
 * padding crops.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ZeroPad1d.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE
 */
export class ZeroPad1d extends Pad {
  constructor(padding: NumberOrTuple) {
    super(1, 'constant', padding);
  }
}

/**
 * Pads an input `(*, H, W)` with zeros: by `padding` on every side, or by `[left, right, top,
 * bottom]`. Negative padding crops.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ZeroPad2d.html
 *
 * @throws as {@link ZeroPad1d} does
 */
export class ZeroPad2d extends Pad {
  constructor(padding: NumberOrTuple) {
    super(2, 'constant', padding);
  }
}

/**
 * Pads an input `(*, D, H, W)` with zeros: by `padding` on every side, or by `[left, right, top,
 * bottom, front, back]`. Negative padding crops.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ZeroPad3d.html
 *
 * @throws as {@link ZeroPad1d} does
 */
export class ZeroPad3d extends Pad {
  constructor(padding: NumberOrTuple) {
    super(3, 'constant', padding);
  }
}

/**
 * Pads an input `(*, L)` with `value`: by `padding` on every side, or by `[left, right]`. Negative
 * padding crops.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ConstantPad1d.html
 *
 * @throws as {@link ZeroPad1d} does
 */
export class ConstantPad1d extends ConstantPad {
  constructor(padding: NumberOrTuple, value: number) {
    super(1, padding, value);
  }
}

/**
 * Pads an input `(*, H, W)` with `value`: by `padding` on every side, or by `[left, right, top,
 * bottom]`. Negative padding crops.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ConstantPad2d.html
 *
 * @throws as {@link ZeroPad1d} does
 */
export class ConstantPad2d extends ConstantPad {
  constructor(padding: NumberOrTuple, value: number) {
    super(2, padding, value);
  }
}

/**
 * Pads an input `(*, D, H, W)` with `value`: by `padding` on every side, or by `[left, right, top,
 * bottom, front, back]`. Negative padding crops.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ConstantPad3d.html
 *
 * @throws as {@link ZeroPad1d} does
 */
export class ConstantPad3d extends ConstantPad {
  constructor(padding: NumberOrTuple, value: number) {
    super(3, padding, value);
  }
}

/**
 * Pads inputs `(N, C, L)` or `(C, L)` with the elements on the other side of the border one,
 * mirrored: by `padding` on every side, or by `[left, right]`. Negative padding crops. Padding
 * must be smaller than the dimension.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ReflectionPad1d.html
 *
 * @throws as {@link ZeroPad1d} does
 */
export class ReflectionPad1d extends Pad {
  constructor(padding: NumberOrTuple) {
    super(1, 'reflect', padding);
  }
}

/**
 * Pads inputs `(N, C, H, W)` or `(C, H, W)` with the elements on the other side of the border one,
 * mirrored: by `padding` on every side, or by `[left, right, top, bottom]`. Negative padding
 * crops. Padding must be smaller than the dimension.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ReflectionPad2d.html
 *
 * @throws as {@link ZeroPad1d} does
 */
export class ReflectionPad2d extends Pad {
  constructor(padding: NumberOrTuple) {
    super(2, 'reflect', padding);
  }
}

/**
 * Pads inputs `(N, C, D, H, W)` or `(C, D, H, W)` with the elements on the other side of the
 * border one, mirrored: by `padding` on every side, or by `[left, right, top, bottom, front,
 * back]`. Negative padding crops. Padding must be smaller than the dimension.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ReflectionPad3d.html
 *
 * @throws as {@link ZeroPad1d} does
 */
export class ReflectionPad3d extends Pad {
  constructor(padding: NumberOrTuple) {
    super(3, 'reflect', padding);
  }
}

/**
 * Pads inputs `(N, C, L)` or `(C, L)` with the border element: by `padding` on every side, or by
 * `[left, right]`. Negative padding crops.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ReplicationPad1d.html
 *
 * @throws as {@link ZeroPad1d} does
 */
export class ReplicationPad1d extends Pad {
  constructor(padding: NumberOrTuple) {
    super(1, 'replicate', padding);
  }
}

/**
 * Pads inputs `(N, C, H, W)` or `(C, H, W)` with the border element: by `padding` on every side,
 * or by `[left, right, top, bottom]`. Negative padding crops.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ReplicationPad2d.html
 *
 * @throws as {@link ZeroPad1d} does
 */
export class ReplicationPad2d extends Pad {
  constructor(padding: NumberOrTuple) {
    super(2, 'replicate', padding);
  }
}

/**
 * Pads inputs `(N, C, D, H, W)` or `(C, D, H, W)` with the border element: by `padding` on every
 * side, or by `[left, right, top, bottom, front, back]`. Negative padding crops.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.ReplicationPad3d.html
 *
 * @throws as {@link ZeroPad1d} does
 */
export class ReplicationPad3d extends Pad {
  constructor(padding: NumberOrTuple) {
    super(3, 'replicate', padding);
  }
}

/**
 * Pads inputs `(N, C, L)` or `(C, L)` with the elements of the other end: by `padding` on every
 * side, or by `[left, right]`. Negative padding crops. Padding may be at most as large as the
 * dimension.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.CircularPad1d.html
 *
 * @throws as {@link ZeroPad1d} does
 */
export class CircularPad1d extends CircularPad {
  constructor(padding: NumberOrTuple) {
    super(1, padding);
  }
}

/**
 * Pads inputs `(N, C, H, W)` or `(C, H, W)` with the elements of the other end: by `padding` on
 * every side, or by `[left, right, top, bottom]`. Negative padding crops. Padding may be at most
 * as large as the dimension.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.CircularPad2d.html
 *
 * @throws as {@link ZeroPad1d} does
 */
export class CircularPad2d extends CircularPad {
  constructor(padding: NumberOrTuple) {
    super(2, padding);
  }
}

/**
 * Pads inputs `(N, C, D, H, W)` or `(C, D, H, W)` with the elements of the other end: by `padding`
 * on every side, or by `[left, right, top, bottom, front, back]`. Negative padding crops. Padding
 * may be at most as large as the dimension.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.CircularPad3d.html
 *
 * @throws as {@link ZeroPad1d} does
 */
export class CircularPad3d extends CircularPad {
  constructor(padding: NumberOrTuple) {
    super(3, padding);
  }
}

/**
 * Pads the last dimensions of `input`: `padding` holds what to add before and behind the last one,
 * then before and behind the last but one, and so on; negative numbers crop. Mode 'constant' takes
 * any number of dimensions; 'reflect', 'replicate' and 'circular' take 1 to 3 dimensions `...` of an
 * input `(N, C, ...)` or `(C, ...)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pad.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE, ERR_NNCONV_SHAPE or ERR_NNCONV_ALLOC
 */
export function pad(input: Tensor, padding: readonly number[], options?: PadOptions): Tensor {
  const { mode = 'constant', value = null } = optionsOf('pad', options, ['mode', 'value']);
  const spec: PadSpec = {
    mode: oneOf('mode', mode, MODES),
    padding: integers('padding', padding),
    value: value === null ? 0 : number('value', value, { finite: false }),
  };
  return runPad(checked(spec), input);
}
