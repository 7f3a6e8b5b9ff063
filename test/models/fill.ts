/** Weights by hash. The twin is `fill` in scripts/fixtures/models.py: change both or neither. */
import { type nn, type Tensor, tensor } from '../../lib';
import type { DType } from '../../lib/tensor';
import { uniform } from '../support/hashfill';

function values(key: string, { shape, numel: count }: Tensor<DType>, seed: number): Float32Array {
  if (shape.length >= 2) return uniform(seed, count, Math.sqrt(6 / (count / shape[0])));
  if (/(weight|running_var)$/.test(key)) return uniform(seed, count, 0.5).map((x) => x + 1);
  return uniform(seed, count, 0.125);
}

/** A state dict with the keys and shapes of the model's. */
export function filledState(model: nn.Module): nn.StateDict {
  const entries = Object.entries(model.stateDict()).map(([key, t], index) => {
    const filled =
      t.dtype === 'int64'
        ? tensor(new BigInt64Array(t.numel).fill(1n), t.shape)
        : tensor(values(key, t, index + 1), t.shape);
    return [key, filled] as const;
  });
  return Object.fromEntries(entries);
}
