/** What a server is told: options of the plugin, and of the server around it; checked by hand. */
import { argTypeError, argValueError, pyList, show } from '../errors';
import { preprocess, type Preprocessing } from '../image';
import { Module } from '../nn/module';
import { integer, integers, number, oneOf, optionsOf } from '../options';
import { wrap } from '../tensor';
import type { Hooks } from './hooks';

/** Makes a model, anew each time that it is loaded. */
export type ModelFactory = () => Module | Promise<Module>;

/** An input of a model, in the order of `forward`'s arguments. */
export interface InputConfig {
  /** Default: `input`. */
  name?: string;
  /** -1 stands for a size that each request chooses; first of all that of the batch. */
  shape: readonly number[];
  /**
   * A shape that the model can take: it is run once before it serves. Needed where a size other than
   * the first is -1.
   */
  example?: readonly number[];
}

/** An output of a model, in the order of what `forward` returns. */
export interface OutputConfig {
  /** Default: `output`, or the key in the object that `forward` returns, or `output_0`, ... */
  name?: string;
}

/** How requests share a run. */
export interface BatchingConfig {
  /**
   * Rows that one run takes, and that one request may have. Default: 32 for inputs of up to 4,096
   * elements a row, 8 for larger ones.
   */
  maxBatchSize?: number;
  /**
   * Milliseconds that a request may wait for others while nothing runs. Default: 0; requests that come
   * while something runs share the next run in any case.
   */
  maxDelayMs?: number;
}

/** How many requests may wait for a model. */
export interface QueueConfig {
  /** Requests that may wait; the next one is answered with 503. Default: 128. */
  maxSize?: number;
}

/** A model that is served. */
export interface ModelConfig {
  /** Letters, digits, `.`, `_` and `-`. */
  name: string;
  /** Default: `1`. The highest version is the one that requests without a version get. */
  version?: string;
  /** The name of a model, the path of a module that exports one, a module, or what makes one. */
  model?: string | Module | ModelFactory;
  /** A checkpoint for it. Default: the weights that the model comes with. */
  weights?: string;
  /** In the order in which `forward` takes them. Default: what the model says. */
  inputs?: readonly InputConfig[];
  /** In the order in which `forward` returns them. */
  outputs?: readonly OutputConfig[];
  /** How a picture becomes an input: the fields of `nnconv/image`. Default: what the model says. */
  preprocessing?: Preprocessing;
  /** The names of the classes. Default: what the model says. */
  labels?: readonly string[];
  /** What `classify` makes of the output. Default: `softmax`. */
  scores?: 'softmax' | 'none';
  /** How requests share a run. */
  batching?: BatchingConfig;
  /** How many requests may wait. */
  queue?: QueueConfig;
  /** Milliseconds from the first byte of a request to its answer; 408 after that. Default: 30,000. */
  timeoutMs?: number;
  /** Elements that one input of a request may have. Default: 2^24. */
  maxElements?: number;
}

/** Options of the plugin. */
export interface ServeOptions {
  /** At least one. */
  models: readonly ModelConfig[];
  /**
   * Threads of a run. Default: what `setNumThreads` set, and one for runs of less than 10 million
   * multiply-accumulates a request.
   */
  threads?: number;
  /** Bytes of a request's body. Default: 32 MiB. */
  bodyLimit?: number;
  /** Bytes of all bodies that are being read or worked on; 503 beyond. Default: 256 MiB. */
  maxBufferedBytes?: number;
  /** Pixels of a picture, which is decoded on the event loop. Default: 2^22. */
  maxPixels?: number;
  /** Who sends it in `Authorization: Bearer ...` may use all routes; nobody else any but health. */
  token?: string;
  /** Functions that are called at requests and batches. */
  hooks?: Hooks;
}

/** Options of a server of its own. */
export interface ServeConfig extends ServeOptions {
  /** Default: `127.0.0.1`, which nobody else can reach. */
  host?: string;
  /** Default: 8000; 0 for any that is free. */
  port?: number;
  /** Of pino; requests that fail are logged at `info` and above, others at `debug`. Default: `info`. */
  logLevel?: (typeof LOG_LEVELS)[number];
  /** Milliseconds that the end waits for requests. Default: 30,000. */
  drainTimeoutMs?: number;
  /** Milliseconds that a client may take to send a request. Default: 30,000. */
  requestTimeoutMs?: number;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const MODEL_KEYS = [
  'name',
  'version',
  'model',
  'weights',
  'inputs',
  'outputs',
  'preprocessing',
  'labels',
  'scores',
  'batching',
  'queue',
  'timeoutMs',
  'maxElements',
] as const;

const SERVE_KEYS = [
  'models',
  'threads',
  'bodyLimit',
  'maxBufferedBytes',
  'maxPixels',
  'token',
  'hooks',
] as const;

const CONFIG_KEYS = [
  ...SERVE_KEYS,
  'host',
  'port',
  'logLevel',
  'drainTimeoutMs',
  'requestTimeoutMs',
] as const;

const MOST = 2 ** 31 - 1;
const MIB = 2 ** 20;
/** Shorter ones can be guessed; others can't be sent in a header. */
const TOKEN = /^[\x21-\x7e]{8,}$/;

/** A model's config with all defaults. */
export interface CheckedModel {
  readonly name: string;
  readonly version: string;
  readonly model: string | Module | ModelFactory;
  readonly weights?: string;
  readonly inputs?: readonly CheckedInput[];
  readonly outputs?: readonly OutputConfig[];
  readonly preprocessing?: Preprocessing;
  readonly labels?: readonly string[];
  readonly scores: 'softmax' | 'none';
  readonly maxBatchSize?: number;
  readonly maxDelayMs: number;
  readonly maxQueue: number;
  readonly timeoutMs: number;
  readonly maxElements: number;
}

export interface CheckedInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly example?: readonly number[];
}

export type CheckedOptions = Required<
  Omit<ServeOptions, 'models' | 'threads' | 'token' | 'hooks'>
> &
  Pick<ServeOptions, 'threads' | 'token' | 'hooks'> & { readonly models: readonly CheckedModel[] };

export type CheckedConfig = CheckedOptions &
  Required<Pick<ServeConfig, 'host' | 'port' | 'logLevel' | 'drainTimeoutMs' | 'requestTimeoutMs'>>;

/**
 * Checks the options of the plugin and fills in defaults.
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError ERR_NNCONV_ARG_VALUE
 *   naming the key
 */
export function checkOptions(value: unknown): CheckedOptions {
  return checkCommon(optionsOf('serve', required('options', value) as ServeOptions, SERVE_KEYS));
}

/** As {@link checkOptions}, for a server of its own. */
export function checkConfig(value: unknown): CheckedConfig {
  const given = optionsOf('serve', required('the config', value) as ServeConfig, CONFIG_KEYS);
  const { host = '127.0.0.1', port = 8000, logLevel = 'info' } = given;
  return {
    ...checkCommon(given),
    host: string('host', host),
    port: between('port', port, 0, 65535),
    logLevel: oneOf('logLevel', logLevel, LOG_LEVELS),
    drainTimeoutMs: between('drainTimeoutMs', given.drainTimeoutMs ?? 30_000, 0, MOST),
    requestTimeoutMs: between('requestTimeoutMs', given.requestTimeoutMs ?? 30_000, 1, MOST),
  };
}

function checkCommon(given: Partial<ServeOptions>): CheckedOptions {
  const { threads, token, hooks } = given;
  if (token !== undefined && !TOKEN.test(string('token', token))) {
    throw argValueError('token must be 8 or more characters of ASCII, without spaces');
  }
  return {
    models: checkModels(given.models),
    threads: optional(threads, (count) => between('threads', count, 1, 1024)),
    bodyLimit: between('bodyLimit', given.bodyLimit ?? 32 * MIB, 1, MOST),
    maxBufferedBytes: between(
      'maxBufferedBytes',
      given.maxBufferedBytes ?? 256 * MIB,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    maxPixels: between('maxPixels', given.maxPixels ?? 2 ** 22, 1, MOST),
    token,
    hooks,
  };
}

/** As {@link checkOptions}, for the models alone. */
export function checkModels(value: unknown): readonly CheckedModel[] {
  if (!Array.isArray(value)) throw argTypeError(`models must be an array, got ${show(value)}`);
  if (value.length === 0) throw argValueError('models must name at least one model');
  const models = value.map((item, index) => checkModel(`models[${index}]`, item));
  const seen = new Set<string>();
  for (const { name, version } of models) {
    const key = `${name}/${version}`;
    if (seen.has(key)) throw argValueError(`models has version ${version} of '${name}' twice`);
    seen.add(key);
  }
  return models;
}

function checkModel(path: string, value: unknown): CheckedModel {
  const given = optionsOf(path, required(path, value) as ModelConfig, MODEL_KEYS);
  const batching = optionsOf(`${path}.batching`, given.batching, ['maxBatchSize', 'maxDelayMs']);
  const queue = optionsOf(`${path}.queue`, given.queue, ['maxSize']);
  const name = identifier(`${path}.name`, given.name);
  const { model = name, weights, preprocessing } = given;
  if (typeof model !== 'string' && typeof model !== 'function' && !(model instanceof Module)) {
    throw argTypeError(
      `${path}.model must be a name, a path, an nn.Module or a function, got ${show(model)}`,
    );
  }
  return {
    name,
    version: identifier(`${path}.version`, given.version ?? '1'),
    model,
    weights: optional(weights, (file) => string(`${path}.weights`, file)),
    inputs: list(`${path}.inputs`, given.inputs)?.map((item, index) =>
      checkInput(`${path}.inputs[${index}]`, item),
    ),
    outputs: list(`${path}.outputs`, given.outputs)?.map((item, index) =>
      checkOutput(`${path}.outputs[${index}]`, item),
    ),
    preprocessing: optional(preprocessing, (steps) =>
      checkPreprocessing(`${path}.preprocessing`, steps),
    ),
    labels: list(`${path}.labels`, given.labels)?.map((item, index) =>
      string(`${path}.labels[${index}]`, item),
    ),
    scores: oneOf(`${path}.scores`, given.scores ?? 'softmax', ['softmax', 'none']),
    maxBatchSize: optional(batching.maxBatchSize, (size) =>
      between(`${path}.batching.maxBatchSize`, size, 1, 4096),
    ),
    maxDelayMs: within(`${path}.batching.maxDelayMs`, batching.maxDelayMs ?? 0, 0, 60_000),
    maxQueue: between(`${path}.queue.maxSize`, queue.maxSize ?? 128, 1, 2 ** 20),
    timeoutMs: within(`${path}.timeoutMs`, given.timeoutMs ?? 30_000, 1, MOST),
    maxElements: between(`${path}.maxElements`, given.maxElements ?? 2 ** 24, 1, MOST),
  };
}

/** Judged by doing it to a picture of one pixel. */
function checkPreprocessing(path: string, value: Preprocessing): Preprocessing {
  try {
    const channels = value.mean?.length ?? value.std?.length ?? 3;
    preprocess(wrap('float32', new Float32Array(channels), [channels, 1, 1]), value);
    return value;
  } catch (error) {
    (error as Error).message = `${path}: ${(error as Error).message}`;
    throw error;
  }
}

function checkInput(path: string, value: unknown): CheckedInput {
  const given = optionsOf(path, required(path, value) as InputConfig, ['name', 'shape', 'example']);
  const shape = integers(`${path}.shape`, given.shape);
  if (shape.length === 0 || shape.some((size) => size !== -1 && size < 1)) {
    throw argValueError(`${path}.shape must have sizes of -1, or from 1, got ${pyList(shape)}`);
  }
  const example = optional(given.example, (sizes) => integers(`${path}.example`, sizes));
  const fits =
    example === undefined ||
    (example.length === shape.length &&
      example.every((size, dim) => size >= 1 && (shape[dim] === -1 || shape[dim] === size)));
  if (!fits) {
    throw argValueError(`${path}.example must be a shape that fits ${pyList(shape)}`);
  }
  return { name: string(`${path}.name`, given.name ?? 'input'), shape, example };
}

function checkOutput(path: string, value: unknown): OutputConfig {
  const { name } = optionsOf(path, required(path, value) as OutputConfig, ['name']);
  return { name: optional(name, (text) => string(`${path}.name`, text)) };
}

function required(name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) {
    throw argTypeError(`${name} must be an object, got ${show(value)}`);
  }
  return value;
}

function list(name: string, value: unknown): readonly unknown[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw argTypeError(`${name} must be an array, got ${show(value)}`);
  if (value.length === 0) throw argValueError(`${name} must not be empty`);
  return value as unknown[];
}

function string(name: string, value: unknown): string {
  if (typeof value !== 'string') throw argTypeError(`${name} must be a string, got ${show(value)}`);
  if (value === '') throw argValueError(`${name} must not be empty`);
  return value;
}

/** What can stand in a URL and a metric as it is. */
function identifier(name: string, value: unknown): string {
  const text = string(name, value);
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(text)) {
    throw argValueError(
      `${name} must be up to 64 letters, digits, '.', '_' and '-', got ${show(text)}`,
    );
  }
  return text;
}

function optional<T, U>(value: T | undefined, check: (value: T) => U): U | undefined {
  return value === undefined ? undefined : check(value);
}

function between(name: string, value: unknown, least: number, most: number): number {
  return within(name, integer(name, value), least, most);
}

function within(name: string, value: unknown, least: number, most: number): number {
  const given = number(name, value);
  if (given < least || given > most) {
    throw argValueError(`${name} must be from ${least} to ${most}, got ${given}`);
  }
  return given;
}
