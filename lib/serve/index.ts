/** `nnconv/serve`: models by the Open Inference Protocol. */
export type { Preprocessing } from '../image';
export type {
  BatchingConfig,
  InputConfig,
  ModelConfig,
  ModelFactory,
  OutputConfig,
  QueueConfig,
  ServeConfig,
  ServeOptions,
} from './config';
export { readConfig } from './config-file';
export type { BatchEnd, BatchStart, Hooks, RequestEnd, RequestStart } from './hooks';
export { handleSignals, type Server, startServer } from './main';
export { nnconvServe, type PluginOptions } from './plugin';
export type { IndexEntry } from './repository';
export { createService, type Service } from './service';
