/**
 * How operations are recorded instead of computed: the hook that every call into the native side
 * passes. The recorder itself is `nn/trace/trace.ts`.
 */
import { Storage, storageOf, Tensor } from './tensor';

/** A node of a network, as the native side takes it; tensors in place of arrays. */
export interface NodeSpec {
  op: string;
  [attribute: string]: unknown;
}

/** What stands behind tensors that have a shape but no values yet. */
export interface Recorder {
  /** Adds a node; returns its output. `inputs` holds a symbolic tensor at least. */
  add(node: NodeSpec, inputs: readonly Tensor[]): Tensor;
  /** Throws: `what` the module does can't be part of a network. */
  refuse(what: string, remedy?: string): never;
}

/** The value of a network that a tensor without values stands for. */
export interface Symbolic {
  readonly recorder: Recorder;
  value: number;
}

/** A tensor without values. */
export function symbolicTensor(
  recorder: Recorder,
  value: number,
  shape: readonly number[],
): Tensor {
  const storage = new Storage('float32', new Float32Array(0), {
    symbolic: { recorder, value },
    numel: shape.reduce((total, size) => total * size, 1),
  });
  return new Tensor(storage, [...shape]);
}

/** The recorder of the first of `tensors` that has no values. */
function recorderOf(tensors: readonly Tensor[]): Recorder | undefined {
  for (const tensor of tensors) {
    const symbolic = storageOf(tensor).symbolic;
    if (symbolic) return symbolic.recorder;
  }
  return undefined;
}

/** The output of a node where one of `inputs` has no values; otherwise undefined: compute it. */
export function record(inputs: readonly Tensor[], node: () => NodeSpec): Tensor | undefined {
  return recorderOf(inputs)?.add(node(), inputs);
}

/** Throws where `tensor` has no values, as `what` can't be part of a network. */
export function refuseSymbolic(tensor: Tensor, what: string, remedy?: string): void {
  storageOf(tensor).symbolic?.recorder.refuse(what, remedy);
}

/** Throws where a module that is training meets a tensor without values. */
export function refuseTraining(tensor: Tensor): void {
  refuseSymbolic(tensor, 'is in training mode', 'call model.eval() first');
}

/** Makes `tensor`, and all views of it, stand for what `result` stands for. */
export function assignSymbolic(tensor: Tensor, result: Tensor): Tensor {
  storageOf(tensor).symbolic!.value = storageOf(result).symbolic!.value;
  return tensor;
}
