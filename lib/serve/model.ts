/** A model that is served: compiled, tried once, with a queue of its own. */
import { setImmediate as nextTurn } from 'node:timers/promises';

import { argValueError, pyList, shapeError } from '../errors';
import { compile, type Session } from '../graph';
import { startRun } from '../graph/session';
import type { Preprocessing } from '../image';
import { isTensor, product, readData, type Tensor, wrap } from '../tensor';
import { type BatchEvents, Batcher, plannedSizes, type Running } from './batcher';
import type { CheckedInput, CheckedModel } from './config';
import type { OutputTensor } from './protocol/response';
import { hasBatch, type ModelSpec, type TensorSpec } from './spec';
import { type OpenedModel, openSource } from './source';
import { Staging } from './staging';

export interface LoadOptions {
  threads?: number;
  /** Told of the runs of this model. */
  eventsOf?: (spec: Pick<ModelSpec, 'name' | 'version'>) => BatchEvents;
}

type Opened = OpenedModel & { readonly maxBatchSize: number };

/** Small inputs gain by sharing a run, large ones only wait for each other. */
function defaultBatchSize(inputs: readonly CheckedInput[]): number {
  const elements = inputs.map((input, index) =>
    product(exampleOf(`inputs[${index}]`, input).slice(1)),
  );
  return Math.max(...elements) <= SMALL_INPUT ? 32 : 8;
}

const SMALL_INPUT = 4096;

export class ServedModel {
  readonly spec: ModelSpec;
  readonly config: CheckedModel;
  readonly batcher: Batcher;
  readonly labels: readonly string[] | undefined;
  readonly preprocessing: Preprocessing | undefined;
  /** Whether the weights are none but random numbers. */
  readonly randomWeights: boolean;
  readonly #session: Session;

  private constructor(
    spec: ModelSpec,
    config: CheckedModel,
    opened: Opened,
    session: Session,
    threadsFor: ThreadsOf,
    events: BatchEvents | undefined,
  ) {
    this.spec = spec;
    this.config = config;
    this.labels = opened.labels;
    this.preprocessing = opened.preprocessing;
    this.randomWeights = opened.randomWeights;
    this.#session = session;
    const { maxBatchSize } = opened;
    const staging = new Staging();
    this.batcher = new Batcher({
      run: (requests, rows) =>
        run(session, staging.merge(requests), threadsFor(rows, requests.length)),
      batched: hasBatch(spec),
      maxBatchSize,
      maxDelayMs: config.maxDelayMs,
      maxQueue: config.maxQueue,
      events,
    });
  }

  /**
   * Loads and compiles a model, and runs it once: one that can't run never serves.
   *
   * @throws what is wrong with it: errors of the checkpoint, of the shapes, of the file system
   */
  static async load(
    config: CheckedModel,
    { threads, eventsOf }: LoadOptions = {},
  ): Promise<ServedModel> {
    const source = await openSource(config);
    const { maxBatchSize = defaultBatchSize(source.inputs) } = config;
    const opened = { ...source, maxBatchSize };
    const session = compile(source.module, { threads });
    try {
      const spec = describe(config, opened, session);
      if (opened.labels !== undefined) checkLabels(spec, opened.labels);
      await prepare(session, spec, opened.inputs);
      const threadsFor =
        threads === undefined ? threadsOf(session, opened.inputs) : () => undefined;
      return new ServedModel(spec, config, opened, session, threadsFor, eventsOf?.(spec));
    } catch (error) {
      session.dispose();
      throw error;
    }
  }

  /** Whether it takes a picture, and its output has a value for each class. */
  get classifies(): boolean {
    const { inputs, outputs } = this.spec;
    return inputs.length === 1 && inputs[0].shape.length === 4 && outputs[0].shape.length === 2;
  }

  /** Answers what waits, then frees everything. */
  async retire(): Promise<void> {
    await this.batcher.idle();
    this.#session.dispose();
  }
}

/**
 * Chooses the threads of a run: one where its requests take less time than reading them, as the event loop
 * needs the other CPUs more then, and otherwise the session's.
 */
export function threadsOf(session: Session, inputs: readonly CheckedInput[]): ThreadsOf {
  const examples = inputs.map((input, index) => exampleOf(`inputs[${index}]`, input));
  const macs = session.explain(...examples).steps.reduce((total, step) => total + step.macs, 0);
  const small = (SMALL_MACS / macs) * (hasBatch({ inputs }) ? examples[0][0] : 1);
  return (rows, requests) => (rows <= small * requests ? 1 : undefined);
}

/** Of a run of so many rows, over so many requests. */
type ThreadsOf = (rows: number, requests: number) => number | undefined;

/** Multiply-accumulates of some 0.2 ms. */
const SMALL_MACS = 10e6;

function run(
  session: Session,
  inputs: readonly Tensor<'float32'>[],
  threads: number | undefined,
): Running {
  // Copies its inputs at once.
  const run = startRun(session, inputs, threads);
  const read = (result: unknown): readonly OutputTensor[] =>
    leaves(result).map(({ tensor }) => ({ data: readData(tensor), shape: tensor.shape }));
  return { outputs: run.outputs.then(read), cancel: () => run.cancel() };
}

interface Leaf {
  /** The keys on the way to it. */
  readonly path: readonly string[];
  readonly tensor: Tensor;
}

/** The tensors in what `forward` returned, in order. */
function leaves(value: unknown, path: readonly string[] = []): Leaf[] {
  if (isTensor(value)) return [{ path, tensor: value as Tensor }];
  return Object.entries(value as object).flatMap(([key, item]) => leaves(item, [...path, key]));
}

/** Runs the model on zeros, to learn the names and shapes of its outputs. */
function describe(
  config: CheckedModel,
  { inputs, maxBatchSize }: Opened,
  session: Session,
): ModelSpec {
  const examples = inputs.map((input, index) => exampleOf(`inputs[${index}]`, input));
  const probe = (shapes: readonly (readonly number[])[]): Leaf[] =>
    leaves(
      session.run(
        ...shapes.map((shape) => wrap('float32', new Float32Array(product(shape)), [...shape])),
      ),
    );
  const first = probe(examples);
  const shapes = first.map(({ tensor }) => [...tensor.shape]);
  const vary = (others: readonly Leaf[]): void =>
    others.forEach(({ tensor }, index) =>
      tensor.shape.forEach((size, dim) => {
        if (size !== shapes[index][dim]) shapes[index][dim] = -1;
      }),
    );

  const batched = hasBatch({ inputs });
  if (batched && maxBatchSize > 1) {
    const rows = examples[0][0];
    const twice = probe(examples.map(([batch, ...inner]) => [2 * batch, ...inner]));
    const doubles = twice.every(
      ({ tensor }, index) => tensor.shape[0] === 2 * rows && first[index].tensor.shape[0] === rows,
    );
    if (!doubles) {
      throw shapeError(
        `the outputs of '${config.name}' don't have the batch as their first dimension: set ` +
          'batching.maxBatchSize to 1',
      );
    }
    vary(twice);
  }
  if (inputs.some(({ shape }) => shape.slice(1).includes(-1))) {
    const larger = inputs.map(({ shape }, index) =>
      examples[index].map((size, dim) => (dim > 0 && shape[dim] === -1 ? 2 * size : size)),
    );
    vary(probe(larger));
  }
  return {
    name: config.name,
    version: config.version,
    inputs: inputs.map(({ name, shape }) => ({ name, shape })),
    outputs: nameOutputs(config, first, shapes),
    maxRows: batched ? maxBatchSize : Infinity,
    maxElements: config.maxElements,
  };
}

function exampleOf(path: string, { shape, example }: CheckedInput): readonly number[] {
  if (example !== undefined) return example;
  const sizes = shape.map((size, dim) => (size === -1 && dim === 0 ? 1 : size));
  if (sizes.includes(-1)) {
    throw argValueError(
      `${path}.example must be given for shape ${pyList(shape)}: one that the model can take`,
    );
  }
  return sizes;
}

function nameOutputs(
  config: CheckedModel,
  found: readonly Leaf[],
  shapes: readonly (readonly number[])[],
): readonly TensorSpec[] {
  const { outputs } = config;
  if (outputs !== undefined && outputs.length !== found.length) {
    throw argValueError(
      `outputs has ${outputs.length} names, but '${config.name}' returns ${found.length} tensors`,
    );
  }
  const specs = found.map(({ path }, index) => ({
    name: outputs?.[index].name ?? defaultName(path),
    shape: shapes[index],
  }));
  if (new Set(specs.map(({ name }) => name)).size < specs.length) {
    throw argValueError(`the outputs of '${config.name}' must have names of their own`);
  }
  return specs;
}

/** `output`, `output_1` of an array, `logits` of an object, `heads.1`. */
function defaultName(path: readonly string[]): string {
  if (path.length === 0) return 'output';
  return /^\d+$/.test(path[0]) ? `output_${path.join('.')}` : path.join('.');
}

function checkLabels({ name, outputs }: ModelSpec, labels: readonly string[]): void {
  const classes = outputs[0].shape.at(-1);
  if (classes !== labels.length) {
    throw argValueError(
      `'${name}' has ${labels.length} labels, but its first output has ${classes} classes`,
    );
  }
}

/** Plans every size of a batch, so that no request has to wait for that. */
async function prepare(
  session: Session,
  spec: ModelSpec,
  inputs: readonly CheckedInput[],
): Promise<void> {
  if (!hasBatch(spec)) return;
  const examples = inputs.map((input) => exampleOf('', input));
  for (const rows of plannedSizes(Math.min(spec.maxRows, MOST_PREPARED))) {
    session.prepare(...examples.map(([, ...inner]) => [rows, ...inner]));
    // Others may be served by this event loop.
    await nextTurn();
  }
}

/** Beyond this a batch is rare, and its plan large. */
const MOST_PREPARED = 64;
