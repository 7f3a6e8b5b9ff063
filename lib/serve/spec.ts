/** A model as the protocol sees it: named tensors with shapes. */

/** All tensors of all models are of this type; what a client sends becomes it. */
export const DATATYPE = 'FP32';

export interface TensorSpec {
  readonly name: string;
  /** -1 stands for a size that the request chooses. */
  readonly shape: readonly number[];
}

export interface ModelSpec {
  readonly name: string;
  readonly version: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Rows of a request, the size of the first dimension where that is dynamic. */
  readonly maxRows: number;
  /** Elements of one input. */
  readonly maxElements: number;
}

/** Whether the first dimension of every input is the batch, so that requests can share a run. */
export function hasBatch({ inputs }: Pick<ModelSpec, 'inputs'>): boolean {
  return inputs.every(({ shape }) => shape[0] === -1);
}
