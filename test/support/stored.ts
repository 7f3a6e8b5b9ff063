/** Fixtures of layers, written by scripts/fixtures/stored.py. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { setNumThreads, tensor } from '../../lib';
import type { Tensor } from '../../lib';
import { expectClose, expectSameBits, type Tolerance } from './close';
import { normal, sample } from './hashfill';

const STREAMS = 16;

/** Where a result lies, and which of its elements. */
export interface Stored {
  shape: number[];
  offset: number;
  samples?: number;
}

/** The fixtures of a folder. */
export class Store {
  readonly #folder: string;
  #results: Float64Array | undefined;

  constructor(folder: string) {
    this.#folder = path.join(__dirname, '..', 'fixtures', folder);
  }

  read<T>(name: string): T[] {
    return JSON.parse(readFileSync(path.join(this.#folder, name), 'utf8')) as T[];
  }

  /** The float64 results of all cases. */
  get #expected(): Float64Array {
    if (this.#results === undefined) {
      const file = readFileSync(path.join(this.#folder, 'expected.bin'));
      const count = file.byteLength / 8;
      this.#results = Float64Array.from({ length: count }, (_, i) => file.readDoubleLE(8 * i));
    }
    return this.#results;
  }

  /** Asserts that `actual` is what PyTorch computes. */
  expectResult(
    actual: Tensor,
    { shape, offset, samples }: Stored,
    seed: number,
    what: string,
    tolerance?: Tolerance,
  ) {
    expect(actual.shape).toEqual(shape);
    const count = samples ?? actual.numel;
    const values = this.#expected.subarray(offset, offset + count);
    const { data } = actual;
    if (samples === undefined) return expectClose(data, values, what, tolerance);
    const at = sample(seed * STREAMS + 15, data.length, samples);
    expectClose(
      at.map((i) => data[i]),
      values,
      `${what}, sampled`,
      tolerance,
    );
  }
}

/** Numbers of about that standard deviation and mean, as stored.py makes them. */
export function numbers(
  seed: number,
  stream: number,
  shape: readonly number[],
  scale = 1,
  offset = 0,
): Tensor {
  const count = shape.reduce((total, size) => total * size, 1);
  const data = normal(seed * STREAMS + stream, count);
  for (let i = 0; i < count; i++) data[i] = data[i] * scale + offset;
  return tensor(data, shape);
}

/** A call with one input, and what PyTorch returned. */
export interface StoredCall {
  seed: number;
  input: number[];
  nonFinite?: [index: number, value: string][];
  result: Stored;
}

/** The input of a call. */
export function inputOf({ seed, input, nonFinite = [] }: StoredCall): Tensor {
  const x = numbers(seed, 0, input);
  for (const [index, value] of nonFinite) x.data[index] = Number(value);
  return x;
}

interface Sized {
  forward(input: Tensor): Tensor;
  outputShape(inputShape: readonly number[]): number[];
}

/**
 * Asserts that a layer computes what PyTorch does, tells the shape, and gives the same bits on two
 * threads and as its functional twin.
 */
export function expectLayer(
  store: Store,
  call: StoredCall,
  title: string,
  layer: Sized,
  twin: (input: Tensor) => Tensor,
) {
  const input = inputOf(call);
  setNumThreads(1);
  const one = layer.forward(input);
  store.expectResult(one, call.result, call.seed, title);
  expect(layer.outputShape(call.input)).toEqual(call.result.shape);
  setNumThreads(2);
  expectSameBits(layer.forward(input).data, one.data, '2 threads against 1');
  expectSameBits(twin(input).data, one.data, 'function against layer');
}
