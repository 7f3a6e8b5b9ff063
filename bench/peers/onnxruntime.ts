import type { Tensor } from '../../lib';
import { geometryOf, type ConvLayer, type LayerCase } from '../layers';
import { inProcess, type Side } from '../measure';
import { encodeConvModel } from './onnx';
import { valuesOf, type Peer } from './peer';

/** The few calls of onnxruntime-node used here; it is installed under bench/, not with nnconv. */
interface OnnxRuntime {
  InferenceSession: {
    create(
      model: Uint8Array,
      options: object,
    ): Promise<{
      run(feeds: object): Promise<{ y: { data: Float32Array } }>;
      release(): Promise<void>;
    }>;
  };
  Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => object;
}

function load(): OnnxRuntime {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    return require('onnxruntime-node') as OnnxRuntime;
  } catch (error) {
    throw new Error('onnxruntime-node is not installed; run: npm ci --prefix bench', {
      cause: error,
    });
  }
}

/** A layer as a one-node model in a session of its own. */
async function prepare(
  layer: LayerCase,
  conv: ConvLayer,
  x: Tensor,
  threads: number,
): Promise<Side> {
  const ort = load();
  const { transposed, kernel, stride, padding, dilation, outputPadding, groups } =
    geometryOf(layer);
  const model = encodeConvModel({
    op: transposed ? 'ConvTranspose' : 'Conv',
    attributes: {
      kernel_shape: kernel,
      strides: stride,
      dilations: dilation,
      pads: [...padding, ...padding],
      group: groups,
      ...(transposed ? { output_padding: outputPadding } : {}),
    },
    input: layer.input,
    output: conv.outputShape(layer.input),
    weight: valuesOf(conv.weight),
    bias: valuesOf(conv.bias!),
  });
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    executionProviders: ['cpu'],
  });
  const feeds = { x: new ort.Tensor('float32', x.data, x.shape) };
  return {
    ...inProcess(async () => (await session.run(feeds)).y.data),
    close: () => session.release(),
  };
}

export function onnxruntime(): Peer {
  return {
    name: 'onnxruntime-node',
    async version() {
      load();
      // eslint-disable-next-line @typescript-eslint/no-require-imports
      const { version } = require('onnxruntime-node/package.json') as { version: string };
      return Promise.resolve(version);
    },
    prepare,
    close: () => Promise.resolve(),
  };
}
