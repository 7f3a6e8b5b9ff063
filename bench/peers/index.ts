import { onnxruntime } from './onnxruntime';
import type { Peer } from './peer';
import { PyTorch } from './pytorch';

export type { Peer } from './peer';

/** Who can be measured against, by the names of `--peer`. */
export const PEERS: Record<string, (python: string) => Peer> = {
  'onnxruntime-node': onnxruntime,
  pytorch: (python) => new PyTorch(python),
};
