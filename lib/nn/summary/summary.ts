/** A model's layers in a table: names, shapes, parameters, work, memory, receptive fields, algorithms. */
import { argTypeError, argValueError, show } from '../../errors';
import { integer, oneOf, optionsOf } from '../../options';
import { checkShape, product } from '../../tensor';
import { Module } from '../module';
import { callsOf } from './calls';
import { type CellContext, COLUMNS, count, type SummaryColumn } from './columns';
import { htmlTable } from './html';
import { layersOf, type SummaryLayer } from './layers';
import { megabytes, readable, textTable } from './text';

const ROW_SETTINGS = ['depth', 'varNames', 'asciiOnly', 'hideRecursiveLayers'] as const;

export type SummaryRowSetting = (typeof ROW_SETTINGS)[number];

export interface SummaryOptions {
  /** Modules nested deeper get no rows: 0 leaves the model alone, Infinity shows all. Default: 3. */
  depth?: number;
  /**
   * The columns of text and HTML, in this order. Default: 'kernelSize', 'outputSize', 'numParams',
   * 'multAdds', 'receptiveField', 'algorithm'.
   */
  colNames?: readonly SummaryColumn[];
  /**
   * What rows show: 'depth' (`1-2`: depth and number), 'varNames' (names of properties), 'asciiOnly' (no
   * box drawing), 'hideRecursiveLayers'. Default: 'depth', 'varNames'.
   */
  rowSettings?: readonly SummaryRowSetting[];
}

const DEFAULT_COLUMNS: readonly SummaryColumn[] = [
  'kernelSize',
  'outputSize',
  'numParams',
  'multAdds',
  'receptiveField',
  'algorithm',
];

/** Of the whole model; bytes are those of float32 tensors. */
export interface SummaryTotals {
  /** Elements of all parameters, those of shared modules once. */
  parameters: number;
  /** Of all calls. */
  multAdds: number;
  inputBytes: number;
  /**
   * Outputs of all layers that have parameters. torchinfo's "forward/backward pass size" is twice that,
   * for gradients.
   */
  forwardBytes: number;
  parameterBytes: number;
  /** The sum of these three. */
  totalBytes: number;
}

const FLOAT_BYTES = 4;

function totalsOf(
  layers: readonly SummaryLayer[],
  inputShapes: readonly (readonly number[])[],
): SummaryTotals {
  const sum = (value: (layer: SummaryLayer) => number): number =>
    layers.reduce((total, layer) => total + value(layer), 0);
  const inputBytes = inputShapes.reduce((total, shape) => total + FLOAT_BYTES * product(shape), 0);
  const forwardBytes = sum(({ leaf, parameters, outputBytes }) =>
    leaf && parameters > 0 ? outputBytes : 0,
  );
  const parameterBytes = sum(({ leaf, recursive, parameters }) =>
    leaf && !recursive ? FLOAT_BYTES * parameters : 0,
  );
  return {
    parameters: sum(({ recursive, ownParameters }) => (recursive ? 0 : Math.max(0, ownParameters))),
    multAdds: sum(({ leaf, multAdds }) => (leaf ? multAdds : 0)),
    inputBytes,
    forwardBytes,
    parameterBytes,
    totalBytes: inputBytes + forwardBytes + parameterBytes,
  };
}

/** What {@link summary} found: prints as a table; `toJSON()` and `toHTML()` have it in other forms. */
export class Summary {
  /** The class of the model. */
  readonly model: string;
  readonly inputShapes: readonly (readonly number[])[];
  /** In the order of their calls, each before those that it calls; of every depth. */
  readonly layers: readonly SummaryLayer[];
  readonly totals: Readonly<SummaryTotals>;
  readonly #depth: number;
  readonly #columns: readonly SummaryColumn[];
  readonly #rows: ReadonlySet<SummaryRowSetting>;

  /** @internal */
  constructor(
    model: Module,
    inputShapes: readonly (readonly number[])[],
    { depth, colNames, rowSettings }: Required<SummaryOptions>,
  ) {
    this.model = model.constructor.name;
    this.inputShapes = inputShapes;
    this.layers = layersOf(model, callsOf(model, inputShapes));
    this.totals = totalsOf(this.layers, inputShapes);
    this.#depth = depth;
    this.#columns = colNames;
    this.#rows = new Set(rowSettings);
  }

  get #shown(): SummaryLayer[] {
    const hidden = this.#rows.has('hideRecursiveLayers');
    return this.layers.filter(
      ({ depth, recursive }) => depth <= this.#depth && !(hidden && recursive),
    );
  }

  get #context(): CellContext {
    return { totalParameters: this.totals.parameters, maxDepth: this.#depth };
  }

  /** The table as text. */
  toString(): string {
    const { totals } = this;
    const { head, rows, rule } = textTable(this.#shown, this.#columns, this.#context, {
      varNames: this.#rows.has('varNames'),
      depth: this.#rows.has('depth'),
      ascii: this.#rows.has('asciiOnly'),
    });
    return [
      rule,
      head,
      rule,
      ...rows,
      rule,
      `Total params: ${count(totals.parameters)}`,
      `Total mult-adds ${readable(totals.multAdds)}`,
      rule,
      `Input size (MB): ${megabytes(totals.inputBytes)}`,
      `Forward pass size (MB): ${megabytes(totals.forwardBytes)}`,
      `Params size (MB): ${megabytes(totals.parameterBytes)}`,
      `Estimated total size (MB): ${megabytes(totals.totalBytes)}`,
      rule,
    ].join('\n');
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /** Plain data: all layers and totals. */
  toJSON(): {
    model: string;
    inputShapes: readonly (readonly number[])[];
    layers: readonly SummaryLayer[];
    totals: SummaryTotals;
  } {
    const { model, inputShapes, layers, totals } = this;
    return { model, inputShapes, layers, totals };
  }

  /**
   * A `div` with the table, the totals and a style of their own: classes begin with `nnconv-`, colours
   * follow the custom properties `--text`, `--muted` and `--line` where there are such, and the reader's
   * colour scheme.
   */
  toHTML(): string {
    const { totals } = this;
    return htmlTable(this.#shown, this.#columns, this.#context, [
      ['Parameters', count(totals.parameters)],
      ['Mult-adds', count(totals.multAdds)],
      ['Input (memory)', `${megabytes(totals.inputBytes)} MB`],
      ['Forward pass (memory)', `${megabytes(totals.forwardBytes)} MB`],
      ['Parameters (memory)', `${megabytes(totals.parameterBytes)} MB`],
      ['Estimated total (memory)', `${megabytes(totals.totalBytes)} MB`],
    ]);
  }
}

function choices<T extends string>(
  name: string,
  value: unknown,
  known: readonly T[],
): readonly T[] {
  if (!Array.isArray(value)) {
    throw argTypeError(`${name} must be an array of strings, got ${show(value)}`);
  }
  return value.map((item, index) => oneOf(`${name}[${index}]`, item, known));
}

function shapesOf(given: unknown): number[][] {
  if (!Array.isArray(given)) {
    throw argTypeError(`inputShape must be a shape or an array of shapes, got ${show(given)}`);
  }
  return Array.isArray(given[0])
    ? given.map((shape, i) => checkShape(`inputShape[${i}]`, shape as number[]))
    : [checkShape('inputShape', given as number[])];
}

/**
 * The layers of `model` in the order in which its `forward` calls them, as
 * [torchinfo](https://github.com/TylerYep/torchinfo) lists and counts them, and besides: the receptive
 * field of each layer and the algorithm that each convolution runs.
 *
 * `forward` runs once, in evaluation mode and on tensors that have shapes but no values; where it needs
 * values, on zeros, and then no receptive fields are known. The model stays as it is.
 *
 * Receptive fields are those of the arithmetic, in elements of the first input, and may reach beyond its
 * borders; normalisation doesn't widen them.
 *
 * @param inputShape the shape of the input, batch included; or an array of the shapes of all inputs
 * @throws TypeError ERR_NNCONV_ARG_TYPE, ERR_NNCONV_UNKNOWN_OPTION; RangeError ERR_NNCONV_ARG_VALUE; what
 *   `forward` throws, such as RangeError ERR_NNCONV_SHAPE
 */
export function summary(
  model: Module,
  inputShape: readonly number[] | readonly (readonly number[])[],
  options?: SummaryOptions,
): Summary {
  if (!(model instanceof Module)) {
    throw argTypeError(`model must be an nn.Module, got ${show(model)}`);
  }
  const given = optionsOf('summary', options, ['depth', 'colNames', 'rowSettings']);
  const { colNames = DEFAULT_COLUMNS, rowSettings = ['depth', 'varNames'] } = given;
  const { depth = 3 } = given;
  if (depth !== Infinity && integer('depth', depth) < 0) {
    throw argValueError(`depth must be at least 0, got ${depth}`);
  }
  return new Summary(model, shapesOf(inputShape), {
    depth,
    colNames: choices('colNames', colNames, COLUMNS),
    rowSettings: choices('rowSettings', rowSettings, ROW_SETTINGS),
  });
}
