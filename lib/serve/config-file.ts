/** Configs in files: JSON, JavaScript or TypeScript. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { argValueError, quote } from '../errors';
import { importFile, looksLikeFile } from '../hub/module-file';
import { type CheckedConfig, checkConfig, type ModelConfig, type ServeConfig } from './config';

/**
 * Reads a config: a `.json` file, or one of JavaScript or TypeScript whose default export is one. Paths
 * of models and weights in it are relative to its folder.
 *
 * @throws RangeError ERR_NNCONV_ARG_VALUE, TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION
 *   with the file's name; the errors of `node:fs`
 */
export async function readConfig(file: string): Promise<ServeConfig> {
  const at = path.resolve(file);
  const value = at.endsWith('.json') ? await readJson(file, at) : await importDefault(at);
  if (typeof value !== 'object' || value === null) {
    throw argValueError(`${quote(file)} must hold an object with 'models'`);
  }
  const { models } = value as { models?: unknown };
  const folder = path.dirname(at);
  return {
    ...(value as ServeConfig),
    models: Array.isArray(models)
      ? models.map((model: unknown) => relativeTo(folder, model))
      : (models as readonly ModelConfig[]),
  };
}

/** As {@link readConfig}, checked. */
export async function loadConfig(file: string): Promise<CheckedConfig> {
  return checkConfig(await readConfig(file));
}

async function readJson(file: string, at: string): Promise<unknown> {
  const text = await readFile(at, 'utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw argValueError(`${quote(file)} is no valid JSON: ${(cause as Error).message}`, { cause });
  }
}

async function importDefault(at: string): Promise<unknown> {
  let value: unknown = await importFile(at);
  // An ES module compiled to CommonJS has its default export one deeper.
  while (typeof value === 'object' && value !== null && 'default' in value) value = value.default;
  return value;
}

function relativeTo(folder: string, model: unknown): ModelConfig {
  const given = model as ModelConfig;
  if (typeof given !== 'object' || given === null) return given;
  const result = { ...given };
  if (typeof given.weights === 'string') result.weights = path.resolve(folder, given.weights);
  if (typeof given.model === 'string' && looksLikeFile(given.model)) {
    result.model = path.resolve(folder, given.model);
  }
  return result;
}
