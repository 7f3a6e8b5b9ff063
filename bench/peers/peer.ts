import type { Tensor } from '../../lib';
import type { ConvLayer, LayerCase } from '../layers';
import type { Side } from '../measure';

/** Somebody else's convolutions. */
export interface Peer {
  readonly name: string;
  /** Throws with what to do where the peer is not installed. */
  version(): Promise<string>;
  /** The same layer with the same weights and input, on so many threads. */
  prepare(layer: LayerCase, conv: ConvLayer, x: Tensor, threads: number): Promise<Side>;
  close(): Promise<void>;
}

/** A parameter's values, for a peer. */
export function valuesOf(parameter: Tensor): { shape: readonly number[]; data: Float32Array } {
  // A clone: handing out the layer's own data would make it compare its weights at every call.
  return { shape: parameter.shape, data: parameter.clone().data };
}
