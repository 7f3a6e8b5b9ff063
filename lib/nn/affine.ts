/** What the normalisation layers share: an optional weight and bias, and how tensors are handed on. */
import { argValueError, pyList, shapeError } from '../errors';
import { wrapShaped } from '../ops';
import { boolean, integer, number } from '../options';
import { allocate, checkFloat32, checkTensor, type DType, readData, type Tensor } from '../tensor';
import { ones_, zeros_ } from './init';
import { Module } from './module';

export const DEFAULT_EPS = 1e-5;

/** A number of channels or elements. */
export function size(name: string, value: unknown): number {
  const result = integer(name, value);
  if (result < 0) throw argValueError(`${name} must be at least 0, got ${result}`);
  return result;
}

/** The elements for the native side, null for none. */
export function floatsOf(
  name: string,
  tensor: Tensor<DType> | null | undefined,
): Float32Array | null {
  if (tensor === null || tensor === undefined) return null;
  checkFloat32(name, tensor);
  return readData(tensor);
}

/** Checks that a parameter has the shape that `input`, where it is named, asks for. */
export function checkParameterShape(
  name: string,
  parameter: Tensor<DType>,
  expected: readonly number[],
  input?: Tensor,
): void {
  checkTensor(name, parameter);
  if (pyList(parameter.shape) === pyList(expected)) return;
  const reason = input === undefined ? '' : ` for input of size: ${pyList(input.shape)}`;
  throw shapeError(
    `${name} must have shape ${pyList(expected)}${reason}, got a tensor of shape ` +
      pyList(parameter.shape),
  );
}

/** A result of the native side that has the input's shape. */
export function wrapLike(data: Float32Array, shape: readonly number[]): Tensor {
  return wrapShaped({ data, shape: [...shape] });
}

/** A weight and a bias that a layer may do without: of the shape given, or none. */
export abstract class Affine extends Module {
  readonly eps: number;

  declare weight: Tensor | null;
  declare bias: Tensor | null;

  readonly #shape: readonly number[];

  /** @internal */
  protected constructor(shape: readonly number[], eps: number, affine: boolean, biased: boolean) {
    super();
    this.#shape = shape;
    this.eps = number('eps', eps, { finite: false });
    boolean('bias', biased);
    this.registerParameter('weight', affine ? allocate('float32', [...shape]) : null);
    this.registerParameter('bias', affine && biased ? allocate('float32', [...shape]) : null);
  }

  protected override checkParameter(name: string, value: Tensor | null): void {
    if ((name !== 'weight' && name !== 'bias') || value === null) return;
    checkParameterShape(name, value, this.#shape);
  }

  /** Sets the weight to 1 and the bias to 0. */
  resetParameters(): void {
    if (this.weight !== null) ones_(this.weight);
    if (this.bias !== null) zeros_(this.bias);
  }
}
