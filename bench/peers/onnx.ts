import * as path from 'node:path';

/** What a one-node ONNX model of a convolution is made of. */
export interface ConvModel {
  op: 'Conv' | 'ConvTranspose';
  attributes: Record<string, number | number[]>;
  input: readonly number[];
  output: readonly number[];
  weight: { shape: readonly number[]; data: Float32Array };
  bias: { shape: readonly number[]; data: Float32Array };
}

/** The few calls of protobufjs used here; it is installed under bench/, not with nnconv. */
interface Protobuf {
  loadSync(file: string): {
    lookupType(name: string): {
      fromObject(value: object): unknown;
      encode(message: unknown): { finish(): Uint8Array };
    };
  };
}

const FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;

function valueInfo(name: string, shape: readonly number[]): object {
  const dim = shape.map((size) => ({ dimValue: size }));
  return { name, type: { tensorType: { elemType: FLOAT, shape: { dim } } } };
}

function initializer(name: string, { shape, data }: ConvModel['weight']): object {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, dims: shape, dataType: FLOAT, rawData };
}

/** The model as the bytes of an .onnx file. */
export function encodeConvModel(model: ConvModel): Uint8Array {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const protobuf = require('protobufjs') as Protobuf;
  const type = protobuf.loadSync(path.join(__dirname, 'onnx.proto')).lookupType('onnx.ModelProto');
  const attribute = Object.entries(model.attributes).map(([name, value]) =>
    typeof value === 'number'
      ? { name, i: value, type: ATTRIBUTE_INT }
      : { name, ints: value, type: ATTRIBUTE_INTS },
  );
  const message = type.fromObject({
    irVersion: 8,
    producerName: 'nnconv-bench',
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'layer',
      node: [{ opType: model.op, input: ['x', 'w', 'b'], output: ['y'], attribute }],
      initializer: [initializer('w', model.weight), initializer('b', model.bias)],
      input: [valueInfo('x', model.input)],
      output: [valueInfo('y', model.output)],
    },
  });
  return type.encode(message).finish();
}
