/** The dense layer, and the one that does nothing. */
import { binding } from '../binding';
import { pyList, shapeError } from '../errors';
import { add, wrapShaped } from '../ops';
import { boolean, optionsOf } from '../options';
import { record } from '../record';
import { allocate, checkFloat32, type DType, readData, type Tensor } from '../tensor';
import { checkParameterShape, size } from './affine';
import { calculateFanInAndFanOut, kaimingUniform_, uniform_ } from './init';
import { Module } from './module';
import { pyValue } from './repr';

/** Options of {@link Linear}. */
export interface LinearOptions {
  /** Whether a learnable bias is added. Default: true. */
  bias?: boolean;
}

/** The one way from tensors to the kernels. */
function runLinear(input: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  checkFloat32('input', input);
  checkFloat32('weight', weight);
  if (bias !== null) checkFloat32('bias', bias);
  // A bias that is no vector of one value an output broadcasts, as in PyTorch.
  const own = bias === null || pyList(bias.shape) === pyList(weight.shape.slice(0, -1));
  const added = own ? bias : null;
  const result =
    record([input, weight], () => ({ op: 'linear', weight, bias: added })) ??
    wrapShaped(
      binding().linear(
        readData(input),
        input.shape,
        readData(weight),
        weight.shape,
        added && readData(added),
      ),
    );
  if (own) return result;
  const sum = add(result, bias);
  if (pyList(sum.shape) === pyList(result.shape)) return sum;
  throw shapeError(
    `bias of shape ${pyList(bias.shape)} doesn't broadcast to the result's shape ` +
      pyList(result.shape),
  );
}

/**
 * x W^T + b of inputs `(*, inFeatures)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE
 */
export class Linear extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;

  /** `(outFeatures, inFeatures)`. A tensor of that shape can be assigned. */
  declare weight: Tensor;
  /** `(outFeatures)`, or null for none. Either can be assigned. */
  declare bias: Tensor | null;

  constructor(inFeatures: number, outFeatures: number, options?: LinearOptions) {
    super();
    const { bias = true } = optionsOf('Linear', options, ['bias']);
    this.inFeatures = size('inFeatures', inFeatures);
    this.outFeatures = size('outFeatures', outFeatures);
    const biased = boolean('bias', bias);
    this.registerParameter('weight', allocate('float32', [this.outFeatures, this.inFeatures]));
    this.registerParameter('bias', biased ? allocate('float32', [this.outFeatures]) : null);
    this.resetParameters();
  }

  protected override checkParameter(name: string, value: Tensor | null): void {
    if (name === 'weight') {
      checkFloat32('weight', value);
      checkParameterShape('weight', value, [this.outFeatures, this.inFeatures]);
    } else if (name === 'bias' && value !== null) {
      checkParameterShape('bias', value, [this.outFeatures]);
    }
  }

  /** Draws weight and bias anew, both from U(-b, b) with b = 1 / sqrt(inFeatures). */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) });
    if (this.bias === null) return;
    const [fanIn] = calculateFanInAndFanOut(this.weight);
    const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0;
    uniform_(this.bias, -bound, bound);
  }

  /**
   * `(*, outFeatures)` of an input `(*, inFeatures)`.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor; RangeError
   *   ERR_NNCONV_SHAPE where its last size isn't inFeatures, ERR_NNCONV_ALLOC where the result is
   *   too large
   */
  override forward(input: Tensor): Tensor {
    return runLinear(input, this.weight, this.bias);
  }

  override extraRepr(): string {
    return (
      `in_features=${this.inFeatures}, out_features=${this.outFeatures}, ` +
      `bias=${pyValue(this.bias !== null)}`
    );
  }
}

/**
 * {@link Linear} as a function.
 *
 * @param weight `(outFeatures, inFeatures)`, or `(inFeatures)` for a result without that dimension
 * @param bias `(outFeatures)`, or what broadcasts to the result. Default (and null): none
 */
export function linear(input: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  return runLinear(input, weight, bias ?? null);
}

/**
 * Returns its input. Takes whatever arguments there are, and ignores them.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Identity.html
 */
export class Identity extends Module {
  constructor(..._ignored: unknown[]) {
    super();
  }

  /** The input itself. */
  override forward<T extends Tensor<DType>>(input: T): T {
    return input;
  }
}
