/** Pooling layers by name, as the fixtures in test/fixtures/pooling have them. */
import { nn } from '../../lib';
import type { Tensor } from '../../lib';

export interface PoolCall {
  layer: string;
  args: unknown[];
  options: Record<string, unknown>;
  input: number[];
}

interface PoolLayer extends nn.Module {
  forward(input: Tensor): Tensor;
  outputShape(inputShape: readonly number[]): number[];
}

export function poolLayer({ layer, args, options }: PoolCall): PoolLayer {
  const Layer = nn[layer as 'MaxPool2d'] as new (...args: unknown[]) => PoolLayer;
  return new Layer(...withOptions(args, options));
}

/** The layer's functional twin. */
export function poolFunction({ layer, args, options }: PoolCall, input: Tensor): Tensor {
  const name = layer[0].toLowerCase() + layer.slice(1);
  const twin = nn.functional[name as 'maxPool2d'] as (...args: unknown[]) => Tensor;
  return twin(input, ...withOptions(args, options));
}

function withOptions(args: unknown[], options: Record<string, unknown>): unknown[] {
  return Object.keys(options).length > 0 ? [...args, options] : args;
}

export function poolTitle({ layer, args, options, input }: PoolCall): string {
  const given = withOptions(args, options).map((arg) => JSON.stringify(arg));
  return `${layer}(${given.join(', ')}) of ${JSON.stringify(input)}`;
}
