/** The public API. */
export type { AbortOptions, AbortSignalLike } from './async';
export { type CheckpointValue, load, loadAsync, save, saveAsync } from './checkpoint';
export { full, ones, rand, randn, tensor, type TensorLike, zeros } from './create';
export type { ErrorCode } from './errors';
export {
  compile,
  type CompileOptions,
  Explanation,
  Profile,
  Session,
  type StepExplanation,
} from './graph';
/** Networks: torchvision's under its names, and a few others. */
export * as models from './models';
/** PyTorch's `torch.nn`: layers, containers, functions and initialisation. */
export * as nn from './nn';
export {
  add,
  type AddOptions,
  cat,
  div,
  flatten,
  matmul,
  mean,
  type MeanOptions,
  mul,
  type Operand,
  permute,
  sub,
} from './ops';
export type { NumberOrTuple } from './options';
export { manualSeed } from './random';
export {
  getNumThreads,
  type RuntimeInfo,
  runtimeInfo,
  setNumThreads,
  setStrictNumerics,
  version,
} from './runtime';
export { type DType, type NestedNumbers, Tensor } from './tensor';
