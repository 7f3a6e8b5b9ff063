/** Layers and functions by name, as the fixtures in test/fixtures/ops have them. */
import * as nnconv from '../../lib';
import { nn } from '../../lib';
import type { Tensor } from '../../lib';
import { numbers } from './stored';

export interface OpCall {
  /** Of a layer in upper case, else of a function. */
  name: string;
  /** '$0' is the first input. */
  args: unknown[];
  options: Record<string, unknown>;
  inputs: number[][];
  seed?: number;
  scale?: number;
  special?: [index: number, value: string][];
}

export interface OpLayer extends nn.Module {
  forward(input: Tensor): Tensor;
  weight?: Tensor;
  bias?: Tensor | null;
}

export const isLayer = ({ name }: OpCall): boolean => /^[A-Z]/.test(name);

export function opTitle({ name, args, options, inputs }: OpCall): string {
  const given = Object.keys(options).length > 0 ? [...args, options] : args;
  const text = given.map((arg) => JSON.stringify(arg)).join(', ');
  return `${name}(${text}) of ${inputs.map((shape) => JSON.stringify(shape)).join(', ')}`;
}

export function opLayer({ name, args, options }: OpCall): OpLayer {
  const Layer = nn[name as 'ReLU'] as unknown as new (...args: unknown[]) => OpLayer;
  return Object.keys(options).length > 0 ? new Layer(...args, options) : new Layer(...args);
}

const FIRST_PARAMETER = 8;

/** The parameters of scripts/fixtures/ops.py. */
export function fillParameters({ weight, bias }: OpLayer, seed: number): void {
  [weight, bias].forEach((target, i) => {
    if (!target) return;
    const fanIn = target.ndim === 2 ? target.shape[1] : 1;
    target.copy_(numbers(seed, FIRST_PARAMETER + i, target.shape, 1 / Math.sqrt(fanIn || 1)));
  });
}

export function opInputs({ inputs, seed = 0, scale = 1, special = [] }: OpCall): Tensor[] {
  const tensors = inputs.map((shape, i) => numbers(seed, i, shape, i > 0 ? scale : 1));
  for (const [index, value] of special) tensors[0].data[index] = Number(value);
  return tensors;
}

/** Calls the layer, its parameters filled where there is a seed, or the function. */
export function callOp(call: OpCall, inputs: Tensor[]): Tensor {
  const { name, args, options, seed } = call;
  if (isLayer(call)) {
    const layer = opLayer(call);
    if (seed !== undefined) fillParameters(layer, seed);
    return layer.forward(inputs[0]);
  }
  const functions = { ...nn.functional, ...nnconv } as unknown as Record<
    string,
    (...args: unknown[]) => Tensor
  >;
  const bound = args.map((arg) => bind(arg, inputs));
  return functions[name](...bound, ...(Object.keys(options).length > 0 ? [options] : []));
}

function bind(arg: unknown, inputs: Tensor[]): unknown {
  if (Array.isArray(arg)) return arg.map((item) => bind(item, inputs));
  return typeof arg === 'string' && arg.startsWith('$') ? inputs[Number(arg.slice(1))] : arg;
}
