/** The model that a command works on. */
import type { Command } from 'commander';

import { looksLikeFile, modelNames, type OpenedModel, openModel } from '../hub';
import { UsageError } from './failure';
import { note } from './terminal';
import { shapeText } from './values';

export const MODEL_ARGUMENT = 'a name, such as resnet18, or the path of a .js or .ts file';

/** Adds the option that names the weights. */
export function addWeights(command: Command): Command {
  return command.option(
    '-w, --weights <file>',
    'a .safetensors, .pt or .pth file (default: what the model comes with)',
  );
}

/**
 * Opens a model; an unknown name is a wrong command line.
 *
 * @param warn whether to say so where the weights are random; false where they don't matter
 */
export async function openFor(
  model: string,
  weights: string | undefined,
  { warn }: { warn: boolean },
): Promise<OpenedModel> {
  const named = modelNames().includes(model);
  let opened: OpenedModel;
  try {
    opened = await openModel({ model, weights });
  } catch (error) {
    if (named || looksLikeFile(model)) throw error;
    throw new UsageError((error as Error).message, { cause: error });
  }
  if (warn && opened.randomWeights) {
    note(`${opened.name} has random weights: pass --weights for results that mean something`);
  }
  return opened;
}

/** What sizes become that are free: the batch, and all others. */
const FREE_SIZE = 256;

/**
 * The shape that a model is looked at with: `given`, or the model's own, where the batch is `batch` (or
 * 1) and what else is free 256.
 */
export function concreteShape(
  opened: OpenedModel,
  given: readonly number[] | undefined,
  batch?: number,
): number[] {
  const { name, inputShape } = opened;
  const wanted = given ?? inputShape;
  if (wanted === undefined) {
    throw new UsageError(
      `${name} doesn't say what shape it takes: pass --input-shape, such as 1,3,224,224, or export ` +
        'inputShape from its file',
    );
  }
  if (wanted.length === 0) {
    throw new UsageError(`${name} can't take an input of shape ${shapeText(wanted)}`);
  }
  const sizes = wanted.map((size, dim) => (size === -1 ? (dim === 0 ? 1 : FREE_SIZE) : size));
  if (batch !== undefined) sizes[0] = batch;
  return sizes;
}
