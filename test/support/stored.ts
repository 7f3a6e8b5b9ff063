/** Fixtures of layers, written by scripts/fixtures/stored.py. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { tensor } from '../../lib';
import type { Tensor } from '../../lib';
import { expectClose, type Tolerance } from './close';
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
