/** The answer to an inference request. */
import { badRequest } from '../http-error';
import { DATATYPE, type ModelSpec } from '../spec';
import type { InferHeader } from './header';

export interface OutputTensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

export interface EncodedResponse {
  /** Bytes of JSON where binary data follow; undefined where all of it is JSON. */
  readonly headerLength?: number;
  readonly body: Buffer | string;
}

/**
 * @param request of this model
 * @param outputs all outputs of the model, in its order
 * @throws HttpError 400 where JSON was asked for and an output has NaN or infinities
 */
export function encodeInferResponse(
  model: ModelSpec,
  request: InferHeader,
  outputs: readonly OutputTensor[],
): EncodedResponse {
  const binary = request.outputs
    .filter((wanted) => wanted.binary)
    .map(({ index }) => {
      const { data } = outputs[index];
      return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    });
  if (binary.length === 0) return { body: headOf(model, request, outputs) };
  const head =
    binary.length < request.outputs.length
      ? Buffer.from(headOf(model, request, outputs))
      : knownHead(model, request, outputs);
  return { headerLength: head.length, body: Buffer.concat([head, ...binary]) };
}

/** The JSON of an answer. */
function headOf(model: ModelSpec, request: InferHeader, outputs: readonly OutputTensor[]): string {
  return JSON.stringify({
    model_name: model.name,
    model_version: model.version,
    id: request.id,
    parameters: Object.keys(request.parameters).length > 0 ? request.parameters : undefined,
    outputs: request.outputs.map(({ index, binary }) => {
      const { name } = model.outputs[index];
      const { data, shape } = outputs[index];
      if (!binary) return { name, datatype: DATATYPE, shape, data: finite(name, data) };
      const parameters = { binary_data_size: data.byteLength };
      return { name, datatype: DATATYPE, shape, parameters };
    }),
  });
}

/** Of answers whose elements are all binary: the same for a request that says the same. */
const known = new WeakMap<InferHeader, { shapes: readonly (readonly number[])[]; head: Buffer }>();

function knownHead(
  model: ModelSpec,
  request: InferHeader,
  outputs: readonly OutputTensor[],
): Buffer {
  const before = known.get(request);
  const same = outputs.every(({ shape }, index) => {
    const sizes = before?.shapes[index];
    return sizes?.length === shape.length && shape.every((size, dim) => size === sizes[dim]);
  });
  if (before !== undefined && same) return before.head;
  const head = Buffer.from(headOf(model, request, outputs));
  known.set(request, { shapes: outputs.map(({ shape }) => shape), head });
  return head;
}

/** The elements as numbers that are exactly them. */
function finite(name: string, data: Float32Array): number[] {
  const result = Array.from(data);
  if (!result.every(Number.isFinite)) {
    throw badRequest(
      `the output '${name}' has NaN or infinities, which JSON can't hold: ask for binary data`,
    );
  }
  return result;
}
