import type { Tensor } from '../../lib';
import { geometryOf, type ConvLayer, type LayerCase } from '../layers';
import { inProcess, type Side } from '../measure';
import { encodeConvModel } from './onnx';
import { createSession, ortVersion } from './ort';
import { valuesOf, type Peer } from './peer';

/** A layer as a one-node model in a session of its own. */
async function prepare(
  layer: LayerCase,
  conv: ConvLayer,
  x: Tensor,
  threads: number,
): Promise<Side> {
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
  const session = await createSession(model, threads);
  return { ...inProcess(session.runner(x.data, x.shape)), close: () => session.release() };
}

export function onnxruntime(): Peer {
  return {
    name: 'onnxruntime-node',
    version: async () => Promise.resolve(ortVersion()),
    prepare,
    close: () => Promise.resolve(),
  };
}
