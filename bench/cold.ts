/** The same layer with weights that are in no cache. */
import * as v8 from 'node:v8';
import * as vm from 'node:vm';
import { runtimeInfo, type Tensor } from '../lib';
import { build, type ConvLayer, type LayerCase } from './layers';
import { inProcess, type Side } from './measure';

/** With more copies than this, tables of the copies themselves would be most of what is cold. */
const MOST_COPIES = 1024;
const USUAL_L3 = 32 << 20;

/**
 * A side that calls one copy of the layer after another, twice as much weight in all as the last
 * cache holds; undefined where the weights are too small for that.
 */
export function coldSide(layer: LayerCase, conv: ConvLayer, x: Tensor): Side | undefined {
  const cache = runtimeInfo().l3Bytes || USUAL_L3;
  const copies = Math.ceil((2 * cache) / (4 * conv.weight.numel)) + 1;
  if (copies > MOST_COPIES) return undefined;
  const rotation = Array.from({ length: copies }, () => {
    const copy = build(layer);
    copy.loadStateDict(conv.stateDict());
    copy.forward(x); // packs
    return copy;
  });
  let next = 0;
  const side = inProcess(() => rotation[next++ % copies].forward(x).data);
  return {
    ...side,
    async close() {
      rotation.length = 0;
      v8.setFlagsFromString('--expose-gc');
      (vm.runInNewContext('gc') as () => void)();
      return Promise.resolve();
    },
  };
}
