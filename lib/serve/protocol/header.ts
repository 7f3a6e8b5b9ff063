/** The JSON of an inference request, checked against the model; of tensors all but their elements. */
import { pyList, show } from '../../errors';
import { product } from '../../tensor';
import { badRequest } from '../http-error';
import type { ModelSpec, TensorSpec } from '../spec';
import { type Datatype, DATATYPES } from './datatypes';
import { isObject, type JsonObject, member, parseJson } from './json';

/** An input as it is described. */
export interface InferInputHeader {
  /** Where it is in the JSON, for errors. */
  readonly path: string;
  /** Which of the model's inputs. */
  readonly index: number;
  readonly shape: readonly number[];
  readonly datatype: Datatype;
  /** Elements. */
  readonly count: number;
  /** The elements where they are in the JSON; undefined where they are binary data. */
  readonly data?: readonly unknown[];
}

export interface WantedOutput {
  /** Which of the model's outputs. */
  readonly index: number;
  readonly binary: boolean;
}

/** What a request may say besides; only scalars. */
export type Parameters = Readonly<Record<string, string | number | boolean>>;

export interface InferHeader {
  readonly id?: string;
  /** As they came, to be echoed; without those that only this server reads. */
  readonly parameters: Parameters;
  /** As they came: binary data are in this order. */
  readonly inputs: readonly InferInputHeader[];
  readonly outputs: readonly WantedOutput[];
  /** The parameter `timeout`, which is in microseconds, as milliseconds. */
  readonly timeoutMs?: number;
}

/** Parameters that are about this request, and say nothing about its answer. */
const CONSUMED = new Set(['binary_data_output', 'timeout']);
const MAX_NAME = 256;

/**
 * Reads what a request to `model` says of itself.
 *
 * @param hasBinary whether binary data follow
 * @throws HttpError 400 naming what is wrong
 */
export function parseHeader(json: Buffer, hasBinary: boolean, model: ModelSpec): InferHeader {
  const root = parseJson(json);
  if (!isObject(root)) throw badRequest('the body must be a JSON object');
  const id = member(root, 'id');
  if (id !== undefined && typeof id !== 'string') {
    throw badRequest(`id must be a string, got ${show(id)}`);
  }
  const parameters = parseParameters('parameters', root);
  return {
    id,
    parameters: Object.fromEntries(
      Object.entries(parameters).filter(([key]) => !CONSUMED.has(key)),
    ),
    inputs: parseInputs(member(root, 'inputs'), hasBinary, model),
    outputs: parseOutputs(
      member(root, 'outputs'),
      flag('parameters', parameters, 'binary_data_output') ?? false,
      model,
    ),
    timeoutMs: parseTimeout(parameters),
  };
}

function parseParameters(path: string, owner: JsonObject): Parameters {
  const value = member(owner, 'parameters');
  if (value === undefined) return {};
  if (!isObject(value)) throw badRequest(`${path} must be an object, got ${show(value)}`);
  for (const [key, item] of Object.entries(value)) {
    if (!['string', 'number', 'boolean'].includes(typeof item)) {
      throw badRequest(
        `${path}.${key.slice(0, MAX_NAME)} must be a string, a number or a boolean, got ${show(item)}`,
      );
    }
    if (typeof item === 'number' && !Number.isFinite(item)) {
      throw badRequest(`${path}.${key.slice(0, MAX_NAME)} is beyond the range of a number`);
    }
  }
  return value as Parameters;
}

function flag(path: string, parameters: Parameters, key: string): boolean | undefined {
  const value = member(parameters, key);
  if (value === undefined || typeof value === 'boolean') return value;
  throw badRequest(`${path}.${key} must be true or false, got ${show(value)}`);
}

function parseTimeout(parameters: Parameters): number | undefined {
  const value = member(parameters, 'timeout');
  if (value === undefined) return undefined;
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw badRequest(`parameters.timeout must be microseconds, got ${show(value)}`);
  }
  // Triton's clients send 0 for none.
  return value === 0 ? undefined : (value as number) / 1000;
}

function parseInputs(
  value: unknown,
  hasBinary: boolean,
  model: ModelSpec,
): readonly InferInputHeader[] {
  if (!Array.isArray(value)) throw badRequest(`inputs must be an array, got ${show(value)}`);
  const found = new Array<InferInputHeader | undefined>(model.inputs.length).fill(undefined);
  const inputs = value.map((item: unknown, position): InferInputHeader => {
    const path = `inputs[${position}]`;
    if (!isObject(item)) throw badRequest(`${path} must be an object, got ${show(item)}`);
    const index = indexOf(path, item, model.inputs, model, 'input');
    if (found[index]) {
      throw badRequest(`${path}: the input '${model.inputs[index].name}' is given twice`);
    }
    const shape = parseShape(path, item, model.inputs[index], model);
    const datatype = parseDatatype(path, item);
    const count = product(shape);
    const size = member(parseParameters(`${path}.parameters`, item), 'binary_data_size');
    const data = member(item, 'data');
    if (size === undefined) {
      if (!Array.isArray(data)) {
        throw badRequest(`${path}.data must be an array, got ${show(data)}`);
      }
      found[index] = { path, index, shape, datatype, count, data };
    } else {
      checkBinary(path, size, data, hasBinary, count, datatype);
      found[index] = { path, index, shape, datatype, count };
    }
    return found[index];
  });
  const missing = found.findIndex((input) => input === undefined);
  if (missing >= 0) {
    throw badRequest(`the input '${model.inputs[missing].name}' is missing`);
  }
  checkRows(found as InferInputHeader[], model);
  return inputs;
}

function checkBinary(
  path: string,
  size: unknown,
  data: unknown,
  hasBinary: boolean,
  count: number,
  datatype: Datatype,
): void {
  if (!hasBinary) {
    throw badRequest(
      `${path} has binary_data_size, but the request no header Inference-Header-Content-Length`,
    );
  }
  if (data !== undefined) throw badRequest(`${path} has both data and binary_data_size`);
  const expected = count * datatype.bytes;
  if (size !== expected) {
    throw badRequest(
      `${path}.parameters.binary_data_size must be ${expected} (${count} elements of ` +
        `${datatype.name}), got ${show(size)}`,
    );
  }
}

function checkRows(inputs: readonly InferInputHeader[], model: ModelSpec): void {
  const rows = inputs
    .filter((_, index) => model.inputs[index].shape[0] === -1)
    .map(({ shape }) => shape[0]);
  if (rows.some((count) => count !== rows[0])) {
    throw badRequest(`inputs disagree about the size of the batch: ${pyList(rows)}`);
  }
  if (rows.length > 0 && rows[0] > model.maxRows) {
    throw badRequest(
      `a request to '${model.name}' may have a batch of at most ${model.maxRows}, got ${rows[0]}`,
    );
  }
}

function indexOf(
  path: string,
  item: JsonObject,
  tensors: readonly TensorSpec[],
  model: ModelSpec,
  kind: 'input' | 'output',
): number {
  const name = member(item, 'name');
  if (typeof name !== 'string') {
    throw badRequest(`${path}.name must be a string, got ${show(name)}`);
  }
  const index = tensors.findIndex((tensor) => tensor.name === name);
  if (index < 0) {
    throw badRequest(
      `${path}.name: the model '${model.name}' has no ${kind} ${show(name).replace('string ', '')}; ` +
        `it has ${tensors.map((tensor) => `'${tensor.name}'`).join(', ')}`,
    );
  }
  return index;
}

function parseShape(
  path: string,
  item: JsonObject,
  tensor: TensorSpec,
  model: ModelSpec,
): readonly number[] {
  const shape = member(item, 'shape');
  if (!Array.isArray(shape)) {
    throw badRequest(`${path}.shape must be an array of integers, got ${show(shape)}`);
  }
  const fits =
    shape.length === tensor.shape.length &&
    tensor.shape.every((size, dim) => {
      const given: unknown = shape[dim];
      return (
        Number.isSafeInteger(given) && (given as number) >= 1 && (size === -1 || size === given)
      );
    });
  if (!fits) {
    throw badRequest(
      `${path}.shape must be ${pyList(tensor.shape)} for '${tensor.name}'` +
        `${tensor.shape.includes(-1) ? ', where -1 is any size from 1' : ''}, got ${show(shape)}`,
    );
  }
  const sizes = shape as number[];
  // A product of integers that is too large stays too large, exact or not.
  const count = sizes.reduce((total, size) => total * size, 1);
  if (count > model.maxElements) {
    throw badRequest(
      `${path}.shape ${pyList(sizes)} has more than ${model.maxElements} elements, the limit`,
    );
  }
  return sizes;
}

function parseDatatype(path: string, item: JsonObject): Datatype {
  const name = member(item, 'datatype');
  if (typeof name !== 'string') {
    throw badRequest(`${path}.datatype must be a string, got ${show(name)}`);
  }
  const datatype = DATATYPES.get(name);
  if (datatype === undefined) {
    throw badRequest(
      `${path}.datatype must be one of ${[...DATATYPES.keys()].join(', ')}, got ${show(name)}`,
    );
  }
  return datatype;
}

function parseOutputs(
  value: unknown,
  binaryByDefault: boolean,
  model: ModelSpec,
): readonly WantedOutput[] {
  if (value === undefined) {
    return model.outputs.map((_, index) => ({ index, binary: binaryByDefault }));
  }
  if (!Array.isArray(value)) throw badRequest(`outputs must be an array, got ${show(value)}`);
  const seen = new Set<number>();
  return value.map((item: unknown, position) => {
    const path = `outputs[${position}]`;
    if (!isObject(item)) throw badRequest(`${path} must be an object, got ${show(item)}`);
    const index = indexOf(path, item, model.outputs, model, 'output');
    if (seen.has(index)) {
      throw badRequest(`${path}: the output '${model.outputs[index].name}' is given twice`);
    }
    seen.add(index);
    const parameters = parseParameters(`${path}.parameters`, item);
    const classes = member(parameters, 'classification');
    if (classes !== undefined && classes !== 0) {
      throw badRequest(
        `${path}.parameters.classification is not supported: the route classify takes pictures`,
      );
    }
    return {
      index,
      binary: flag(`${path}.parameters`, parameters, 'binary_data') ?? binaryByDefault,
    };
  });
}
