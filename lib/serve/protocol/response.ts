/** The answer to an inference request. */
import { badRequest } from '../http-error';
import { DATATYPE, type ModelSpec } from '../spec';
import type { InferRequest } from './request';

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
 * @param outputs all outputs of the model, in its order
 * @throws HttpError 400 where JSON was asked for and an output has NaN or infinities
 */
export function encodeInferResponse(
  model: ModelSpec,
  request: Pick<InferRequest, 'id' | 'parameters' | 'outputs'>,
  outputs: readonly OutputTensor[],
): EncodedResponse {
  const binary: Buffer[] = [];
  const head = {
    model_name: model.name,
    model_version: model.version,
    id: request.id,
    parameters: Object.keys(request.parameters).length > 0 ? request.parameters : undefined,
    outputs: request.outputs.map(({ index, binary: asBinary }) => {
      const { name } = model.outputs[index];
      const { data, shape } = outputs[index];
      if (!asBinary) return { name, datatype: DATATYPE, shape, data: finite(name, data) };
      binary.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
      const parameters = { binary_data_size: data.byteLength };
      return { name, datatype: DATATYPE, shape, parameters };
    }),
  };
  const json = JSON.stringify(head);
  if (binary.length === 0) return { body: json };
  const header = Buffer.from(json);
  return { headerLength: header.length, body: Buffer.concat([header, ...binary]) };
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
