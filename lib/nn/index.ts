/** PyTorch's `torch.nn`, as far as it goes. */
export type { ConvExplanation } from '../binding';
export { Parameter } from '../tensor';
export {
  ELU,
  type ELUOptions,
  GELU,
  type GELUOptions,
  Hardsigmoid,
  Hardswish,
  type InplaceOptions,
  LeakyReLU,
  type LeakyReLUOptions,
  Mish,
  PReLU,
  type PReLUOptions,
  ReLU,
  ReLU6,
  Sigmoid,
  SiLU,
  Tanh,
} from './activation';
export {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  type BatchNormOptions,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  type InstanceNormOptions,
} from './batch-norm';
export { ModuleDict, ModuleList, Sequential } from './container';
export {
  type AsyncRunOptions,
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
export {
  Dropout,
  Dropout1d,
  Dropout2d,
  Dropout3d,
  type DropoutOptions,
  type FunctionalDropoutOptions,
} from './dropout';
export * as functional from './functional';
export * as init from './init';
export { Identity, Linear, type LinearOptions } from './linear';
export {
  type ForwardHook,
  type HookHandle,
  type LoadStateDictOptions,
  type LoadStateDictResult,
  Module,
  type StateDict,
} from './module';
export {
  GroupNorm,
  type GroupNormOptions,
  LayerNorm,
  type LayerNormOptions,
  LocalResponseNorm,
  type LocalResponseNormOptions,
} from './norm';
export {
  CircularPad1d,
  CircularPad2d,
  CircularPad3d,
  ConstantPad1d,
  ConstantPad2d,
  ConstantPad3d,
  type PadMode,
  type PadOptions,
  ReflectionPad1d,
  ReflectionPad2d,
  ReflectionPad3d,
  ReplicationPad1d,
  ReplicationPad2d,
  ReplicationPad3d,
  ZeroPad1d,
  ZeroPad2d,
  ZeroPad3d,
} from './padding';
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveAvgPool3d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AdaptiveMaxPool3d,
  type AdaptiveSize,
  AvgPool1d,
  type AvgPool1dOptions,
  AvgPool2d,
  AvgPool3d,
  type AvgPoolOptions,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
  type MaxPoolOptions,
} from './pooling';
export { Flatten, type FlattenOptions, PixelShuffle, PixelUnshuffle, Unflatten } from './shape';
export { LogSoftmax, Softmax, type SoftmaxOptions } from './softmax';
export {
  summary,
  Summary,
  type SummaryColumn,
  type SummaryLayer,
  type SummaryOptions,
  type SummaryRowSetting,
  type SummaryTotals,
} from './summary';
export {
  type InterpolateOptions,
  Upsample,
  type UpsampleMode,
  UpsamplingBilinear2d,
  type UpsamplingOptions,
  UpsamplingNearest2d,
} from './upsample';
export * as utils from './utils';
