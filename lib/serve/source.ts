/** Where a served model comes from. */
import { argTypeError, argValueError, show } from '../errors';
import { openModel } from '../hub';
import { loadWeights } from '../hub/weights';
import { Module } from '../nn/module';
import type { CheckedInput, CheckedModel } from './config';

export interface OpenedModel {
  /** In evaluation mode. */
  readonly module: Module;
  readonly inputs: readonly CheckedInput[];
  readonly labels?: readonly string[];
  /** Whether the weights are none but random numbers. */
  readonly randomWeights: boolean;
}

/** Opens the model that a config names, with its weights, as they are now. */
export async function openSource(config: CheckedModel): Promise<OpenedModel> {
  const { name, model, weights } = config;
  const opened =
    typeof model === 'string'
      ? await openModel(weights === undefined ? { model } : { model, weights })
      : { module: await instantiate(config), labels: undefined, inputShape: undefined };
  const { inputShape } = opened;
  const inputs = config.inputs ?? (inputShape && [{ name: 'input', shape: inputShape }]);
  if (inputs === undefined) {
    throw argValueError(`inputs must be given for '${name}', which doesn't say its own`);
  }
  return {
    module: opened.module,
    inputs,
    labels: config.labels ?? opened.labels,
    randomWeights: 'randomWeights' in opened && opened.randomWeights,
  };
}

async function instantiate({ name, model, weights }: CheckedModel): Promise<Module> {
  const module: unknown = typeof model === 'function' ? await model() : model;
  if (!(module instanceof Module)) {
    throw argTypeError(`the model of '${name}' must be an nn.Module, got ${show(module)}`);
  }
  if (weights !== undefined) module.loadStateDict(await loadWeights(weights));
  return module.eval();
}
