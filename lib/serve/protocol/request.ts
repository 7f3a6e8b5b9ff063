/** The body of an inference request -> tensors. */
import { pyList, show } from '../../errors';
import { product } from '../../tensor';
import { badRequest } from '../http-error';
import type { ModelSpec } from '../spec';
import type { Datatype, Elements } from './datatypes';
import { type InferHeader, type InferInputHeader, parseHeader } from './header';

export interface InferInput {
  readonly data: Elements;
  readonly shape: readonly number[];
}

export interface InferRequest {
  readonly header: InferHeader;
  /** In the model's order. */
  readonly inputs: readonly InferInput[];
}

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
  if (headerLength === undefined) {
    const header = parseHeader(body, false, model);
    return { header, inputs: takeInputs(header, NOTHING, model) };
  }
  if (headerLength > body.length) {
    throw badRequest(
      `Inference-Header-Content-Length is ${headerLength}, but the body has ${body.length} bytes`,
    );
  }
  const header = knownHeader(body.subarray(0, headerLength), model);
  return { header, inputs: takeInputs(header, body.subarray(headerLength), model) };
}

const NOTHING = Buffer.alloc(0);

/** A client that sends binary data says the same of them each time. */
const MOST_KNOWN = 16;
const MOST_KNOWN_BYTES = 1024;
const known = new WeakMap<ModelSpec, Map<string, InferHeader>>();

/** What these bytes were read as before, or are now. */
function knownHeader(json: Buffer, model: ModelSpec): InferHeader {
  if (json.length > MOST_KNOWN_BYTES) return parseHeader(json, true, model);
  let headers = known.get(model);
  if (headers === undefined) known.set(model, (headers = new Map<string, InferHeader>()));
  const key = json.toString('latin1');
  let header = headers.get(key);
  if (header !== undefined) return header;
  header = parseHeader(json, true, model);
  // Elements are not kept.
  if (header.inputs.some(({ data }) => data !== undefined)) return header;
  if (headers.size >= MOST_KNOWN) headers.delete(headers.keys().next().value!);
  headers.set(key, header);
  return header;
}

function takeInputs(header: InferHeader, binary: Buffer, model: ModelSpec): readonly InferInput[] {
  const inputs = new Array<InferInput>(model.inputs.length);
  let used = 0;
  for (const input of header.inputs) {
    const { path, index, shape, count, datatype } = input;
    if (input.data !== undefined) {
      inputs[index] = { data: fromJson(input, input.data), shape };
      continue;
    }
    const bytes = count * datatype.bytes;
    const left = binary.length - used;
    if (left < bytes) {
      throw badRequest(`${path} needs ${bytes} bytes of binary data, but ${left} are left`);
    }
    inputs[index] = { data: datatype.fromBytes(binary.subarray(used, used + bytes), count), shape };
    used += bytes;
  }
  if (used < binary.length) {
    throw badRequest(
      `${binary.length - used} bytes are left over behind the binary data of all inputs`,
    );
  }
  return inputs;
}

function fromJson(
  { path, shape, count, datatype }: InferInputHeader,
  data: readonly unknown[],
): Float32Array<ArrayBuffer> {
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
    `${path}.data must have ${product(shape)} elements, flat or ` +
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
