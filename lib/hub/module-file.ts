/** A model that is written in JavaScript or TypeScript. */
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { types } from 'node:util';
import { pathToFileURL } from 'node:url';

import { argTypeError, argValueError, quote, show } from '../errors';
import { preprocess, type Preprocessing } from '../image';
import { Module } from '../nn/module';
import { integers } from '../options';
import { allocate } from '../tensor';

/** What a file tells of its model. */
export interface FileModel {
  module: Module;
  inputShape?: readonly number[];
  preprocessing?: Preprocessing;
  labels?: readonly string[];
}

type Exports = Record<string, unknown>;

const JAVASCRIPT = ['.js', '.cjs', '.mjs'];
const TYPESCRIPT = ['.ts', '.cts', '.mts'];

/** Whether `model` is meant to be a path, not a name. */
export function looksLikeFile(model: string): boolean {
  return /[\\/]/.test(model) || [...JAVASCRIPT, ...TYPESCRIPT].includes(path.extname(model));
}

/**
 * Loads a model from a file: its default export, `model` or `createModel`, which may be an nn.Module, a
 * class of such, or a function that makes one, asynchronously if it likes.
 *
 * @throws RangeError ERR_NNCONV_ARG_VALUE for a file that isn't there, can't be run or exports no
 *   model; TypeError ERR_NNCONV_ARG_TYPE for an export of the wrong kind
 */
export async function loadModelFile(model: string): Promise<FileModel> {
  const file = path.resolve(model);
  checkFile(model, file);
  const exported = await running(model, () => importFile(file));
  // A CommonJS module's `module.exports` is the default export of what `import()` returns.
  const inner = exported.default;
  const holders = [exported, inner].filter(isHolder);
  const value = holders
    .flatMap((holder) => [holder.default, holder.model, holder.createModel])
    .find(
      (candidate) =>
        candidate instanceof Module || typeof candidate === 'function' || isForeign(candidate),
    );
  if (value === undefined) {
    throw argValueError(
      `${quote(model)} exports no model: export an nn.Module, a class of such, or a function that ` +
        "makes one, as default, 'model' or 'createModel'",
    );
  }
  const module = await running(model, () => instantiate(value));
  if (isForeign(module)) {
    throw argTypeError(
      `${quote(model)} makes a module of another copy of nnconv than the one that loads it: ` +
        `install nnconv once, and run that copy (${path.join('node_modules', '.bin', 'nnconv')} beside the model)`,
    );
  }
  if (!(module instanceof Module)) {
    throw argTypeError(`${quote(model)} must make an nn.Module, got ${show(module)}`);
  }
  const setting = (name: string): unknown =>
    holders.map((holder) => holder[name]).find((item) => item !== undefined);
  return {
    module,
    inputShape: inputShapeOf(model, setting('inputShape')),
    preprocessing: preprocessingOf(model, setting('preprocessing')),
    labels: labelsOf(model, setting('labels')),
  };
}

function checkFile(model: string, file: string): void {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw argValueError(`there is no file ${quote(model)}; check the path of the model`);
  }
  if (!stat.isFile() || ![...JAVASCRIPT, ...TYPESCRIPT].includes(path.extname(file))) {
    throw argValueError(
      `${quote(model)} is no JavaScript or TypeScript file; name one that exports the model` +
        (/\.(pt|pth|safetensors)$/.test(model) ? ' and give the checkpoint as its weights' : ''),
    );
  }
}

/** `import()`, which the compiler would turn into `require()`: that can't load every ES module. */
// eslint-disable-next-line @typescript-eslint/no-implied-eval -- a constant text, see above
const nativeImport = new Function('url', 'return import(url)') as (url: string) => Promise<Exports>;

/** The exports of a JavaScript or TypeScript file. */
export async function importFile(file: string): Promise<Exports> {
  if (TYPESCRIPT.includes(path.extname(file))) {
    if (prepareTypeScript(file)) {
      const exported = createRequire(file)(file) as unknown;
      return isHolder(exported) ? { default: exported } : {};
    }
  }
  return nativeImport(pathToFileURL(file).href);
}

/** Makes `require` take TypeScript by ts-node; false where Node itself can. */
function prepareTypeScript(file: string): boolean {
  for (const folder of [path.dirname(file), process.cwd()]) {
    const from = createRequire(path.join(folder, 'model.js'));
    let found: string;
    try {
      found = from.resolve('ts-node');
    } catch {
      continue; // not installed there
    }
    const compilerOptions = {
      module: 'CommonJS',
      moduleResolution: 'Node10',
      esModuleInterop: true,
    };
    (from(found) as { register(options: object): void }).register({
      cwd: path.dirname(file),
      transpileOnly: true,
      compilerOptions,
    });
    return true;
  }
  if ((process.features as { typescript?: unknown }).typescript) return false;
  throw argValueError(
    `${quote(path.relative('', file))} is TypeScript, which takes ts-node: npm install --save-dev ts-node typescript, or compile ` +
      'it to JavaScript first',
  );
}

async function instantiate(value: unknown): Promise<unknown> {
  if (typeof value !== 'function') return value;
  if (isModuleClass(value)) return new value();
  return await (value as () => unknown)();
}

/** Whether it is a class of modules, of whatever copy of nnconv: those have a forward(). */
function isModuleClass(value: unknown): value is new () => unknown {
  const prototype = (value as { prototype?: object }).prototype;
  return prototype instanceof Module || isForeign(prototype);
}

/** Whether it looks like a module of another copy of nnconv. */
function isForeign(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Module) return false;
  const like = value as Partial<Module>;
  return typeof like.forward === 'function' && typeof like.loadStateDict === 'function';
}

function isHolder(value: unknown): value is Exports {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    !(value instanceof Module)
  );
}

function inputShapeOf(model: string, value: unknown): readonly number[] | undefined {
  if (value === undefined) return undefined;
  const shape = integers(`inputShape of ${quote(model)}`, value);
  if (shape.some((size) => size < 1 && size !== -1)) {
    throw argValueError(
      `inputShape of ${quote(model)} must have positive sizes, or -1 for free ones, got ${show(value)}`,
    );
  }
  return shape;
}

function preprocessingOf(model: string, value: unknown): Preprocessing | undefined {
  if (value === undefined) return undefined;
  const steps = value as Preprocessing;
  try {
    preprocess(allocate('float32', [3, 1, 1]), steps); // which judges it
  } catch (cause) {
    throw argValueError(`preprocessing of ${quote(model)}: ${(cause as Error).message}`, { cause });
  }
  return steps;
}

function labelsOf(model: string, value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    throw argTypeError(`labels of ${quote(model)} must be an array of strings, got ${show(value)}`);
  }
  return value;
}

/** Runs the file's code: what it throws is told with its name, unless nnconv said it. */
async function running<T>(model: string, body: () => T | Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (cause) {
    const code = (cause as { code?: unknown } | null)?.code;
    if (
      types.isNativeError(cause) &&
      isOurs(code) &&
      cause.message.includes(path.basename(model))
    ) {
      throw cause;
    }
    const reason = types.isNativeError(cause) ? cause.message : show(cause);
    const missing = /Cannot find (?:module|package) 'nnconv(?:\/[^']*)?'/.test(reason);
    throw argValueError(
      `${quote(model)} can't be loaded: ${reason.split('\n', 1)[0]}` +
        (missing ? '; install it in its folder: npm install nnconv' : ''),
      { cause },
    );
  }
}

function isOurs(code: unknown): boolean {
  return typeof code === 'string' && code.startsWith('ERR_NNCONV_');
}
