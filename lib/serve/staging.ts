/** Where the inputs of the requests that share a run are put together. */
import { product, type Tensor, wrap } from '../tensor';
import { copyElements } from './protocol/datatypes';
import type { InferInput } from './protocol/request';

/** The inputs of one request, in the model's order. */
export type Inputs = readonly InferInput[];

export class Staging {
  /** Of each input; as large as the largest run yet. Fresh ones for each run would keep GC busy. */
  readonly #buffers: Float32Array<ArrayBuffer>[] = [];

  /** The inputs of all requests, one below the other; valid until the next call. */
  merge(requests: readonly Inputs[]): Tensor<'float32'>[] {
    const [first] = requests;
    if (requests.length === 1) {
      return first.map((input, index) => this.#stage(index, [input], input.shape));
    }
    return first.map(({ shape: [, ...inner] }, index) => {
      const parts = requests.map((inputs) => inputs[index]);
      const rows = parts.reduce((total, { shape }) => total + shape[0], 0);
      return this.#stage(index, parts, [rows, ...inner]);
    });
  }

  #stage(index: number, parts: Inputs, shape: readonly number[]): Tensor<'float32'> {
    const [{ data }] = parts;
    if (parts.length === 1 && data instanceof Float32Array) {
      return wrap('float32', data, [...shape]);
    }
    const size = product(shape);
    if (!(this.#buffers[index]?.length >= size)) this.#buffers[index] = new Float32Array(size);
    const buffer = this.#buffers[index];
    parts.reduce((at, part) => copyElements(part.data, buffer, at), 0);
    return wrap('float32', buffer.subarray(0, size), [...shape]);
  }
}
