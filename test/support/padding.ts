/** Padding layers by name, as the fixtures in test/fixtures/padding have them. */
import { nn } from '../../lib';
import type { Tensor } from '../../lib';

export interface PadCall {
  /** A layer's name, or 'pad'. */
  layer: string;
  args: unknown[];
  input: number[];
}

interface PadLayer extends nn.Module {
  forward(input: Tensor): Tensor;
  outputShape(inputShape: readonly number[]): number[];
}

const MODES: Record<string, nn.PadMode> = {
  Zero: 'constant',
  Constant: 'constant',
  Reflection: 'reflect',
  Replication: 'replicate',
  Circular: 'circular',
};

const value = (arg: unknown): unknown =>
  typeof arg === 'string' ? Number(arg.replace('inf', 'Infinity')) : arg;

export function isLayer({ layer }: PadCall): boolean {
  return layer !== 'pad';
}

export function padLayer({ layer, args }: PadCall): PadLayer {
  const Layer = nn[layer as 'ZeroPad1d'] as unknown as new (...args: unknown[]) => PadLayer;
  return new Layer(...args.map(value));
}

/** The call of the function that says the same as the layer. */
export function padFunction(call: PadCall, input: Tensor): Tensor {
  const { layer, args } = call;
  const [given, more] = args;
  if (!isLayer(call)) {
    return nn.functional.pad(input, given as number[], more as nn.PadOptions);
  }
  const [, kind, dims] = /^(.*)Pad(\d)d$/.exec(layer)!;
  const padding =
    typeof given === 'number' ? new Array<number>(2 * Number(dims)).fill(given) : given;
  const options: nn.PadOptions = { mode: MODES[kind] };
  if (kind === 'Constant') options.value = value(more) as number;
  return nn.functional.pad(input, padding as number[], options);
}

export function padTitle({ layer, args, input }: PadCall): string {
  return `${layer}(${args.map((arg) => JSON.stringify(arg)).join(', ')}) of ${JSON.stringify(input)}`;
}
