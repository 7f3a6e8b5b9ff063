/** Models by name or by file, with their weights. */
import { argTypeError, argValueError, quote, show, stateDictError } from '../errors';
import type { Preprocessing } from '../image';
import type { Module, StateDict } from '../nn/module';
import { skipInit } from '../nn/utils';
import { didYouMean, optionsOf } from '../options';
import { loadModelFile, looksLikeFile } from './module-file';
import { loadWeights } from './weights';
import { modelNames, ZOO } from './zoo';

export interface OpenOptions {
  /**
   * A name ({@link modelNames}: those of `models`, and 'digits', a trained sample), or the path of a
   * JavaScript or TypeScript file that exports a model.
   */
  model: string;
  /** A checkpoint: `.safetensors`, `.pt` or `.pth`. Default: what the model comes with. */
  weights?: string;
}

/** A model ready to be looked at or compiled. */
export interface OpenedModel {
  /** The name, or the file's without folder and extension. */
  name: string;
  /** In evaluation mode. */
  module: Module;
  /** What its `forward` takes; -1 for a size that is free, such as the batch. */
  inputShape?: number[];
  /**
   * What is done to a picture first. Where nothing else is known, pictures get the channels and the size
   * of `inputShape`; absent where that is no picture's.
   */
  preprocessing?: Preprocessing;
  /** The names of the classes, where the output has one value for each. */
  labels?: string[];
  /** Whether the weights are none but random numbers. */
  randomWeights: boolean;
}

/**
 * Opens a model with its weights.
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE, ERR_NNCONV_UNKNOWN_OPTION; RangeError ERR_NNCONV_ARG_VALUE for
 *   a name or a file that is none; RangeError ERR_NNCONV_STATE_DICT where the weights don't fit;
 *   RangeError ERR_NNCONV_CHECKPOINT and the errors of `node:fs`, as `load` throws them
 */
export async function openModel(options: OpenOptions): Promise<OpenedModel> {
  const { model, weights } = optionsOf('openModel', options, ['model', 'weights']);
  checkString('model', model);
  if (weights !== undefined) checkString('weights', weights);
  if (Object.hasOwn(ZOO, model)) return openNamed(model, weights);
  if (looksLikeFile(model)) return openFile(model, weights);
  throw argValueError(
    `there is no model named ${quote(model)}${didYouMean(model, modelNames())}; name one of ` +
      `${modelNames().join(', ')}, or the path of a .js or .ts file`,
  );
}

async function openNamed(name: string, given: string | undefined): Promise<OpenedModel> {
  const entry = ZOO[name];
  const file = given ?? entry.weights;
  let module: Module;
  if (file === undefined) {
    module = entry.create();
  } else {
    const stateDict = renamed(await loadWeights(file), entry.rename);
    module = skipInit(() => entry.create(stateDict));
    fill(module, stateDict, file, name);
  }
  const inputShape = [...entry.inputShape(module)];
  const preprocessing = entry.preprocessing ?? fromShape(inputShape);
  const labels = await entry.labels?.();
  // A classifier that was trained anew for other classes has none of these names.
  const fits =
    labels !== undefined && Object.values(module.stateDict()).at(-1)?.shape[0] === labels.length;
  return {
    name,
    module: module.eval(),
    inputShape,
    ...(preprocessing ? { preprocessing } : {}),
    ...(fits ? { labels: [...labels] } : {}),
    randomWeights: file === undefined,
  };
}

async function openFile(model: string, weights: string | undefined): Promise<OpenedModel> {
  const file = await loadModelFile(model);
  const { module, inputShape, labels } = file;
  const preprocessing = file.preprocessing ?? fromShape(inputShape);
  if (weights !== undefined) fill(module, await loadWeights(weights), weights, model);
  return {
    name: model.replace(/^.*[\\/]/, '').replace(/\.\w+$/, ''),
    module: module.eval(),
    ...(inputShape ? { inputShape: [...inputShape] } : {}),
    ...(preprocessing ? { preprocessing } : {}),
    ...(labels ? { labels: [...labels] } : {}),
    randomWeights: false,
  };
}

/** For a model of pictures: its channels and its size, as far as they are fixed. */
function fromShape(shape: readonly number[] | undefined): Preprocessing | undefined {
  if (shape?.length !== 4) return undefined;
  const [, channels, height, width] = shape;
  if (channels !== 1 && channels !== 3) return undefined;
  return { channels, ...(height > 0 && width > 0 ? { resize: [height, width] } : {}) };
}

function renamed(stateDict: StateDict, rename: ((key: string) => string) | undefined): StateDict {
  if (rename === undefined) return stateDict;
  const result = Object.create(null) as StateDict;
  for (const [key, tensor] of Object.entries(stateDict)) result[rename(key)] = tensor;
  return result;
}

function fill(module: Module, stateDict: StateDict, file: string, model: string): void {
  try {
    module.loadStateDict(stateDict);
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'ERR_NNCONV_STATE_DICT') throw cause;
    throw stateDictError(
      `the weights in ${quote(file)} are not those of ${quote(model)}: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function checkString(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw argTypeError(`${name} must be a string, got ${show(value)}`);
}
