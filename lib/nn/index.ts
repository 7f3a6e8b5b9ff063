/** PyTorch's `torch.nn`, as far as it goes. */
export type { ConvExplanation } from '../binding';
export { Parameter } from '../tensor';
export {
  Conv1d,
  Conv2d,
  Conv3d,
  type ConvOptions,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvTransposeOptions,
  type PaddingMode,
  type RunOptions,
} from './conv';
export * as functional from './functional';
export * as init from './init';
export {
  type ForwardHook,
  type HookHandle,
  type LoadStateDictOptions,
  type LoadStateDictResult,
  Module,
  type StateDict,
} from './module';
