/** The parity fixtures in test/fixtures/conv, written by scripts/fixtures/conv.py. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { normal, sample, uniform } from './hashfill';
import { isTransposed, product, specOf, weightShape } from './spec';
import type { LayerArgs, LayerName, LayerOptions } from './spec';

const directory = path.join(__dirname, '..', 'fixtures', 'conv');
const STREAMS = 4; // random streams of a case: input, weight, bias, sampled indices

export interface Case {
  id: string;
  layer: LayerName;
  args: LayerArgs;
  options: LayerOptions;
  input: number[];
  outputSize?: number[];
  /** Multiplies PyTorch's default weight bound. */
  gain?: number;
  /** Every so many-th weight is exactly zero. */
  zeroEvery?: number;
  /** Flat input indices that hold something other than a number. */
  nonFinite?: [index: number, value: string][];
  seed: number;
  result: {
    shape: number[];
    /** Of the first element in expected.bin. */
    offset: number;
    /** Set where only so many elements are stored, and the sums of all. */
    samples?: number;
    sum?: number;
    sumAbs?: number;
  };
}

/** Reads a JSON file of the fixtures; a change of field names shows as a type error at its user. */
export function readFixture<T>(file: string): T {
  return JSON.parse(readFileSync(path.join(directory, file), 'utf8')) as T;
}

export const cases: readonly Case[] = readFixture<{ cases: Case[] }>('cases.json').cases;

let stored: Float64Array | undefined;

/** The float64 results of all cases. */
function results(): Float64Array {
  if (stored === undefined) {
    const file = readFileSync(path.join(directory, 'expected.bin'));
    stored = new Float64Array(file.byteLength / 8);
    for (let i = 0; i < stored.length; i++) stored[i] = file.readDoubleLE(8 * i);
  }
  return stored;
}

/** What PyTorch's float64 module computes, and which elements of the result these are. */
export function expectedOf({ seed, result }: Case): { values: Float64Array; at: number[] | null } {
  const numel = product(result.shape);
  const count = result.samples ?? numel;
  return {
    values: results().subarray(result.offset, result.offset + count),
    at: result.samples === undefined ? null : sample(seed * STREAMS + 3, numel, count),
  };
}

export interface Numbers {
  input: Float32Array;
  weight: Float32Array;
  bias: Float32Array | null;
}

/** The numbers that the case is fed with. */
export function numbersOf(c: Case): Numbers {
  const spec = specOf(c.layer, c.args, c.options);
  const shape = weightShape(spec);
  const base = c.seed * STREAMS;
  const bound = 1 / Math.sqrt(product(shape.slice(1)));
  const input = normal(base, product(c.input));
  for (const [index, value] of c.nonFinite ?? []) input[index] = Number(value);
  const weight = uniform(base + 1, product(shape), bound * (c.gain ?? 1));
  if (c.zeroEvery) for (let i = 0; i < weight.length; i += c.zeroEvery) weight[i] = 0;
  const bias = c.options.bias === false ? null : uniform(base + 2, c.args[1], bound);
  return { input, weight, bias };
}

/** The case as one would write it: `Conv2d(3, 4, 3, {"padding":1}) of [1, 3, 7, 9]`. */
export function title(c: Case): string {
  const options = Object.keys(c.options).length > 0 ? `, ${JSON.stringify(c.options)}` : '';
  const size = c.outputSize ? ` to ${JSON.stringify(c.outputSize)}` : '';
  const marks = c.nonFinite ? ` with ${c.nonFinite.map(([, value]) => value).join(', ')}` : '';
  return (
    `${c.id}: ${c.layer}(${c.args.map((arg) => JSON.stringify(arg)).join(', ')}${options}) ` +
    `of ${JSON.stringify(c.input)}${size}${marks}`
  );
}

/** The output padding that a requested output size stands for; none where no size is requested. */
export function outputPaddingOf(c: Case): number[] | undefined {
  if (c.outputSize === undefined || !isTransposed(c.layer)) return undefined;
  const { kernel, stride, dilation, padLow } = specOf(c.layer, c.args, c.options);
  const spatial = c.input.slice(-kernel.length);
  const wanted = c.outputSize.slice(-kernel.length);
  return wanted.map(
    (size, d) =>
      size - ((spatial[d] - 1) * stride[d] - 2 * padLow[d] + dilation[d] * (kernel[d] - 1) + 1),
  );
}
