/** Where a served model comes from. */
import { argTypeError, argValueError, show } from '../errors';
import { openModel } from '../hub';
import { loadWeights } from '../hub/weights';
import type { Preprocessing } from '../image';
import { Module } from '../nn/module';
import type { CheckedInput, CheckedModel } from './config';

export interface OpenedModel {
  /** In evaluation mode. */
  readonly module: Module;
  readonly inputs: readonly CheckedInput[];
  readonly labels?: readonly string[];
  readonly preprocessing?: Preprocessing;
  /** Whether the weights are none but random numbers. */
  readonly randomWeights: boolean;
}

/** What a model says of itself. */
interface Found {
  module: Module;
  inputShape?: readonly number[];
  labels?: readonly string[];
  preprocessing?: Preprocessing;
  randomWeights?: boolean;
}

/** Opens the model that a config names, with its weights, as they are now. */
export async function openSource(config: CheckedModel): Promise<OpenedModel> {
  const found = await find(config);
  const { module, inputShape, randomWeights = false } = found;
  const inputs = config.inputs ?? (inputShape && [{ name: 'input', shape: inputShape }]);
  if (inputs === undefined) {
    throw argValueError(`inputs must be given for '${config.name}', which doesn't say its own`);
  }
  return {
    module,
    inputs,
    labels: config.labels ?? found.labels,
    preprocessing: config.preprocessing ?? found.preprocessing ?? fromShape(inputs),
    randomWeights,
  };
}

async function find({ name, model, weights }: CheckedModel): Promise<Found> {
  if (typeof model === 'string') {
    return openModel(weights === undefined ? { model } : { model, weights });
  }
  const module: unknown = typeof model === 'function' ? await model() : model;
  if (!(module instanceof Module)) {
    throw argTypeError(`the model of '${name}' must be an nn.Module, got ${show(module)}`);
  }
  if (weights !== undefined) module.loadStateDict(await loadWeights(weights));
  return { module: module.eval() };
}

/** Pictures get the channels and the size that the input has. */
function fromShape([{ shape }]: readonly CheckedInput[]): Preprocessing | undefined {
  const [, channels, height, width] = shape;
  if (shape.length !== 4 || (channels !== 1 && channels !== 3)) return undefined;
  return { channels, ...(height > 0 && width > 0 ? { resize: [height, width] } : {}) };
}
