/** The body of an inference request -> tensors, checked against the model. */
import { pyList, show } from '../../errors';
import { badRequest } from '../http-error';
import type { ModelSpec, TensorSpec } from '../spec';
import { type Datatype, DATATYPES, type Elements } from './datatypes';
import { isObject, type JsonObject, member, parseJson } from './json';

export interface InferInput {
  readonly data: Elements;
  readonly shape: readonly number[];
}

export interface WantedOutput {
  /** Which of the model's outputs. */
  readonly index: number;
  readonly binary: boolean;
}

/** What a request may say besides; only scalars. */
export type Parameters = Readonly<Record<string, string | number | boolean>>;

export interface InferRequest {
  readonly id?: string;
  /** As they came, to be echoed; without those that only this server reads. */
  readonly parameters: Parameters;
  /** In the model's order. */
  readonly inputs: readonly InferInput[];
  readonly outputs: readonly WantedOutput[];
  /** The parameter `timeout`, which is in microseconds, as milliseconds. */
  readonly timeoutMs?: number;
}

/** Parameters that are about this request, and say nothing about its answer. */
const CONSUMED = new Set(['binary_data_output', 'timeout']);
const MAX_NAME = 256;

/**
 * Reads a request to `model`.
 *
 * @param headerLength bytes of JSON at the start of the body, with binary data behind them; all of
 *   it is JSON where undefined
 * @throws HttpError 400 naming what is wrong. What a shape asks for is compared with the data
 *   before anything of that size is allocated.
 */
export function parseInferRequest(
  body: Buffer,
  headerLength: number | undefined,
  model: ModelSpec,
): InferRequest {
  if (headerLength !== undefined && headerLength > body.length) {
    throw badRequest(
      `Inference-Header-Content-Length is ${headerLength}, but the body has ${body.length} bytes`,
    );
  }
  const root = parseJson(headerLength === undefined ? body : body.subarray(0, headerLength));
  if (!isObject(root)) throw badRequest('the body must be a JSON object');
  const binary = headerLength === undefined ? undefined : body.subarray(headerLength);
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
    inputs: parseInputs(member(root, 'inputs'), binary, model),
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
  binary: Buffer | undefined,
  model: ModelSpec,
): readonly InferInput[] {
  if (!Array.isArray(value)) throw badRequest(`inputs must be an array, got ${show(value)}`);
  const found = new Array<InferInput | undefined>(model.inputs.length).fill(undefined);
  let used = 0;
  value.forEach((item: unknown, position) => {
    const path = `inputs[${position}]`;
    if (!isObject(item)) throw badRequest(`${path} must be an object, got ${show(item)}`);
    const index = indexOf(path, item, model.inputs, model, 'input');
    if (found[index]) {
      throw badRequest(`${path}: the input '${model.inputs[index].name}' is given twice`);
    }
    const shape = parseShape(path, item, model.inputs[index], model);
    const datatype = parseDatatype(path, item);
    const count = shape.reduce((total, size) => total * size, 1);
    const size = member(parseParameters(`${path}.parameters`, item), 'binary_data_size');
    let data: Elements;
    if (size === undefined) {
      data = fromJson(path, member(item, 'data'), shape, count, datatype);
    } else {
      data = fromBinary(path, item, size, binary?.subarray(used), count, datatype);
      used += size as number;
    }
    found[index] = { data, shape };
  });
  const missing = found.findIndex((input) => input === undefined);
  if (missing >= 0) {
    throw badRequest(`the input '${model.inputs[missing].name}' is missing`);
  }
  const left = (binary?.length ?? 0) - used;
  if (left > 0)
    throw badRequest(`${left} bytes are left over behind the binary data of all inputs`);
  const inputs = found as InferInput[];
  checkRows(inputs, model);
  return inputs;
}

function checkRows(inputs: readonly InferInput[], model: ModelSpec): void {
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

function fromBinary(
  path: string,
  item: JsonObject,
  size: unknown,
  bytes: Buffer | undefined,
  count: number,
  datatype: Datatype,
): Elements {
  if (bytes === undefined) {
    throw badRequest(
      `${path} has binary_data_size, but the request no header Inference-Header-Content-Length`,
    );
  }
  if (member(item, 'data') !== undefined) {
    throw badRequest(`${path} has both data and binary_data_size`);
  }
  const expected = count * datatype.bytes;
  if (size !== expected) {
    throw badRequest(
      `${path}.parameters.binary_data_size must be ${expected} (${count} elements of ` +
        `${datatype.name}), got ${show(size)}`,
    );
  }
  if (bytes.length < expected) {
    throw badRequest(
      `${path} needs ${expected} bytes of binary data, but ${bytes.length} are left`,
    );
  }
  return datatype.fromBytes(bytes.subarray(0, expected), count);
}

function fromJson(
  path: string,
  data: unknown,
  shape: readonly number[],
  count: number,
  datatype: Datatype,
): Float32Array<ArrayBuffer> {
  if (!Array.isArray(data)) throw badRequest(`${path}.data must be an array, got ${show(data)}`);
  const nested = Array.isArray(data[0]);
  checkLengths(path, data, nested ? shape : [count]);
  const result = new Float32Array(count);
  const end = fill(path, data, result, 0, datatype);
  if (end !== count) throw mismatch(path, shape);
  return result;
}

/** Whether nested arrays are as long as `shape` says; elements aren't looked at. */
function checkLengths(path: string, data: unknown, shape: readonly number[]): void {
  if (!Array.isArray(data) || data.length !== shape[0]) throw mismatch(path, shape);
  if (shape.length === 1) return;
  const inner = shape.slice(1);
  for (const item of data as unknown[]) checkLengths(path, item, inner);
}

function mismatch(path: string, shape: readonly number[]): Error {
  return badRequest(
    `${path}.data must have ${shape.reduce((total, size) => total * size, 1)} elements, flat or ` +
      `nested as shape ${pyList(shape)}`,
  );
}

function fill(
  path: string,
  data: readonly unknown[],
  target: Float32Array,
  start: number,
  datatype: Datatype,
): number {
  const { fromJson: convert } = datatype;
  let at = start;
  for (const item of data) {
    if (Array.isArray(item)) {
      at = fill(path, item, target, at, datatype);
      continue;
    }
    const value = convert(item);
    // Also where the number is finite, but no float32 is as large.
    target[at] = value ?? NaN;
    if (!Number.isFinite(target[at])) {
      throw badRequest(
        value === undefined
          ? `${path}.data has ${show(item)}, which is no ${datatype.name}`
          : `${path}.data has ${show(item)}, which is beyond float32`,
      );
    }
    at++;
  }
  return at;
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
