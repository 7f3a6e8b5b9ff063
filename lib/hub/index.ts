/** Models by name or by file, with weights, input shape and labels: what the tools open. */
export { type OpenedModel, openModel, type OpenOptions } from './open';
export { looksLikeFile } from './module-file';
export { modelNames } from './zoo';
