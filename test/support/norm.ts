/** Normalisation layers by name, as the fixtures in test/fixtures/norm have them. */
import { nn } from '../../lib';
import type { Tensor } from '../../lib';
import { numbers } from './stored';

export interface NormCall {
  layer: string;
  args: unknown[];
  options: Record<string, unknown>;
  input: number[];
}

export interface NormLayer extends nn.Module {
  forward(input: Tensor): Tensor;
  weight?: Tensor | null;
  bias?: Tensor | null;
  runningMean?: Tensor | null;
  runningVar?: Tensor | null;
  numBatchesTracked?: Tensor<'int64'> | null;
}

export function normLayer({ layer, args, options }: NormCall): NormLayer {
  const Layer = nn[layer as 'BatchNorm2d'] as unknown as new (...args: unknown[]) => NormLayer;
  return Object.keys(options).length > 0 ? new Layer(...args, options) : new Layer(...args);
}

export function normTitle({ layer, args, options, input }: NormCall): string {
  const given = Object.keys(options).length > 0 ? [...args, options] : args;
  const text = given.map((arg) => JSON.stringify(arg)).join(', ');
  return `${layer}(${text}) of ${JSON.stringify(input)}`;
}

const FIRST_PARAMETER = 8;

/** The parameters and statistics of scripts/fixtures/norm.py. */
export function fill(layer: NormLayer, seed: number): void {
  const tensors = [layer.weight, layer.bias, layer.runningMean, layer.runningVar];
  tensors.forEach((target, i) => {
    if (!target) return;
    const values = numbers(seed, FIRST_PARAMETER + i, target.shape);
    if (target === layer.runningVar) {
      const { data } = values;
      for (let j = 0; j < data.length; j++) data[j] = Math.abs(data[j]) + 0.5;
    }
    target.copy_(values);
  });
}
