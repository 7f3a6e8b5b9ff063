/**
 * Resampling to a size or by a factor, as layers and as a function. What a value may be, how large an
 * output gets and where its elements come from is the native side's business.
 */
import { binding, type ResampleSpec } from '../binding';
import { argTypeError, show } from '../errors';
import { wrapShaped } from '../ops';
import {
  boolean,
  integer,
  integers,
  number,
  type NumberOrTuple,
  oneOf,
  optionsOf,
} from '../options';
import { record } from '../record';
import { checkFloat32, checkShape, readData, type Tensor } from '../tensor';
import { Module } from './module';
import { adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d } from './pooling';
import { pyFloat, pyValue } from './repr';

/**
 * How an output is made: 'nearest' (the element whose beginning is next, as OpenCV has it),
 * 'nearest-exact' (whose centre is), 'area' (means, as adaptive average pooling has them), or
 * interpolation over one, two ('bilinear', 'bicubic') or three dimensions.
 */
export type UpsampleMode =
  'nearest' | 'nearest-exact' | 'area' | 'linear' | 'bilinear' | 'trilinear' | 'bicubic';

/** Options of {@link UpsamplingNearest2d} and {@link UpsamplingBilinear2d}. */
export interface UpsamplingOptions {
  /** Size of the output: one for every spatial dimension, or each. Either this or `scaleFactor`. */
  size?: NumberOrTuple | null;
  /** What sizes are multiplied by (and rounded down): one for every spatial dimension, or each. */
  scaleFactor?: NumberOrTuple | null;
}

/** Options of `functional.interpolate` and {@link Upsample}. */
export interface InterpolateOptions extends UpsamplingOptions {
  /** Default: 'nearest'. */
  mode?: UpsampleMode;
  /**
   * Whether the centres of the corner pixels, and not their edges, stay where they are; only for
   * 'linear', 'bilinear', 'trilinear' and 'bicubic'. Default (and null): false.
   */
  alignCorners?: boolean | null;
  /**
   * Whether the factor that positions are computed with follows from the sizes; otherwise it is
   * `scaleFactor`, where that is given. Default (and null): false.
   */
  recomputeScaleFactor?: boolean | null;
}

const MODES: readonly UpsampleMode[] = [
  'nearest',
  'nearest-exact',
  'area',
  'linear',
  'bilinear',
  'trilinear',
  'bicubic',
];
const SIZE_OPTIONS = ['size', 'scaleFactor'] as const;
const OPTIONS = [...SIZE_OPTIONS, 'mode', 'alignCorners', 'recomputeScaleFactor'] as const;

/** The options, checked. */
interface Settings {
  size: NumberOrTuple | null;
  scaleFactor: NumberOrTuple | null;
  mode: UpsampleMode;
  alignCorners: boolean | null;
  recomputeScaleFactor: boolean | null;
}

function readSize(size: unknown): NumberOrTuple {
  return typeof size === 'number' ? integer('size', size) : Object.freeze(integers('size', size));
}

function readFactor(factor: unknown): NumberOrTuple {
  if (typeof factor === 'number') return number('scaleFactor', factor);
  if (!Array.isArray(factor)) {
    throw argTypeError(`scaleFactor must be a number or an array of numbers, got ${show(factor)}`);
  }
  return Object.freeze(
    Array.from(factor as unknown[], (item, index) => number(`scaleFactor[${index}]`, item)),
  );
}

function readSettings(owner: string, options: InterpolateOptions | undefined): Settings {
  const given = optionsOf<InterpolateOptions>(owner, options, OPTIONS);
  const { size = null, scaleFactor = null, mode = 'nearest' } = given;
  const { alignCorners = null, recomputeScaleFactor = null } = given;
  const flag = (name: string, value: unknown) => (value === null ? null : boolean(name, value));
  const settings: Settings = {
    size: size === null ? null : readSize(size),
    scaleFactor: scaleFactor === null ? null : readFactor(scaleFactor),
    mode: oneOf('mode', mode, MODES),
    alignCorners: flag('alignCorners', alignCorners),
    recomputeScaleFactor: flag('recomputeScaleFactor', recomputeScaleFactor),
  };
  binding().resampleCheck(specFor(settings, 1));
  return settings;
}

/** What the settings mean for an input of so many spatial dimensions. */
function specFor(settings: Settings, dims: number): ResampleSpec {
  const spread = (value: NumberOrTuple | null) =>
    typeof value === 'number' ? new Array<number>(dims).fill(value) : value;
  return {
    mode: settings.mode,
    size: spread(settings.size),
    scaleFactor: spread(settings.scaleFactor),
    alignCorners: settings.alignCorners,
    recomputeScaleFactor: settings.recomputeScaleFactor ?? false,
  };
}

/** The same for an input of that shape; one that has no spatial dimensions is refused later. */
function specOf(settings: Settings, shape: readonly number[]): ResampleSpec {
  return specFor(settings, Math.max(1, shape.length - 2));
}

/** The one way from a tensor to the kernels. */
function runResample(settings: Settings, input: Tensor): Tensor {
  checkFloat32('input', input);
  const spec = specOf(settings, input.shape);
  if (spec.mode === 'area') return averageAreas(spec, input);
  const recorded = record([input], () => ({ op: 'resample', spec }));
  if (recorded) return recorded;
  return wrapShaped(binding().resampleForward(spec, readData(input), input.shape));
}

function averageAreas(spec: ResampleSpec, input: Tensor): Tensor {
  const size = binding().resampleOutputShape(spec, input.shape).slice(2);
  const pools = [adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d];
  return pools[size.length - 1](input, size);
}

/**
 * Resamples inputs `(N, C, L)`, `(N, C, H, W)` or `(N, C, D, H, W)`, up or down, to `size` or by
 * `scaleFactor`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Upsample.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE
 */
export class Upsample extends Module {
  readonly size: NumberOrTuple | null;
  readonly scaleFactor: NumberOrTuple | null;
  readonly mode: UpsampleMode;
  readonly alignCorners: boolean | null;
  readonly recomputeScaleFactor: boolean | null;

  constructor(options?: InterpolateOptions) {
    super();
    const settings = readSettings(new.target.name, options);
    this.size = settings.size;
    this.scaleFactor = settings.scaleFactor;
    this.mode = settings.mode;
    this.alignCorners = settings.alignCorners;
    this.recomputeScaleFactor = settings.recomputeScaleFactor;
  }

  /**
   * The resampled `input`; N may be 0.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor; RangeError
   *   ERR_NNCONV_SHAPE where its shape doesn't fit, ERR_NNCONV_ALLOC where the result is too large
   */
  override forward(input: Tensor): Tensor {
    return runResample(this, input);
  }

  /** The shape of `forward`'s result. Throws as `forward` does. */
  outputShape(inputShape: readonly number[]): number[] {
    const shape = checkShape('inputShape', inputShape);
    const result = binding().resampleOutputShape(specOf(this, shape), shape);
    if (this.mode !== 'area') return result;
    return binding().poolOutputShape({ kind: 'average', outputSize: result.slice(2) }, shape);
  }

  override extraRepr(): string {
    const { scaleFactor, size, mode } = this;
    const by =
      scaleFactor === null ? `size=${pyValue(size)}` : `scale_factor=${pyFloat(scaleFactor)}`;
    return `${by}, mode='${mode}'`;
  }
}

/**
 * {@link Upsample} of `(N, C, H, W)` in mode 'nearest'.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.UpsamplingNearest2d.html
 *
 * @throws as {@link Upsample} does
 */
export class UpsamplingNearest2d extends Upsample {
  constructor(options?: UpsamplingOptions) {
    super({ ...optionsOf<UpsamplingOptions>('UpsamplingNearest2d', options, SIZE_OPTIONS) });
  }
}

/**
 * {@link Upsample} of `(N, C, H, W)` in mode 'bilinear' with `alignCorners`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.UpsamplingBilinear2d.html
 *
 * @throws as {@link Upsample} does
 */
export class UpsamplingBilinear2d extends Upsample {
  constructor(options?: UpsamplingOptions) {
    super({
      ...optionsOf<UpsamplingOptions>('UpsamplingBilinear2d', options, SIZE_OPTIONS),
      mode: 'bilinear',
      alignCorners: true,
    });
  }
}

/**
 * {@link Upsample} as a function.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html
 *
 * @throws as {@link Upsample} and its `forward` do
 */
export function interpolate(input: Tensor, options?: InterpolateOptions): Tensor {
  return runResample(readSettings('interpolate', options), input);
}
