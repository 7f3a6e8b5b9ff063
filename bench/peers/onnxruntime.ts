import type { Tensor } from '../../lib';
import type { ConvLayer, LayerCase } from '../layers';
import type { Run } from '../measure';
import { encodeConvModel, type ConvModel } from './onnx';

/** The few calls of onnxruntime-node used here; it is installed under bench/, not with nnconv. */
interface OnnxRuntime {
  InferenceSession: {
    create(
      model: Uint8Array,
      options: object,
    ): Promise<{ run(feeds: object): Promise<{ y: { data: Float32Array } }> }>;
  };
  Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => object;
}

export const name = 'onnxruntime-node';

function load(): OnnxRuntime {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    return require('onnxruntime-node') as OnnxRuntime;
  } catch (error) {
    throw new Error(`${name} is not installed; run: npm ci --prefix bench`, { cause: error });
  }
}

export function version(): string {
  load();
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return (require('onnxruntime-node/package.json') as { version: string }).version;
}

/** The same layer with the same weights as a one-node model in a session of its own. */
export async function prepare(
  layer: LayerCase,
  conv: ConvLayer,
  x: Tensor,
  threads: number,
): Promise<Run> {
  const ort = load();
  const nd = layer.input.length - 2;
  const each = (value: number): number[] => Array<number>(nd).fill(value);
  const padding = layer.options.padding ?? 0;
  // Clones: handing out the layer's own data would make it compare its weights at every call.
  const initial = (parameter: Tensor): ConvModel['weight'] => ({
    shape: parameter.shape,
    data: parameter.clone().data,
  });
  const model = encodeConvModel({
    op: layer.layer.startsWith('ConvTranspose') ? 'ConvTranspose' : 'Conv',
    attributes: {
      kernel_shape: each(layer.args[2]),
      strides: each(layer.options.stride ?? 1),
      dilations: each(layer.options.dilation ?? 1),
      pads: [...each(padding), ...each(padding)],
      group: layer.options.groups ?? 1,
    },
    input: layer.input,
    output: conv.outputShape(layer.input),
    weight: initial(conv.weight),
    bias: initial(conv.bias!),
  });
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    executionProviders: ['cpu'],
  });
  const feeds = { x: new ort.Tensor('float32', x.data, x.shape) };
  return async () => (await session.run(feeds)).y.data;
}
