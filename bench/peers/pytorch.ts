import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { Tensor } from '../../lib';
import type { ConvLayer, LayerCase } from '../layers';
import type { Side } from '../measure';
import { valuesOf, type Peer } from './peer';
import { PythonProcess } from './python';

/** A Python process that runs one layer at a time; see layers.py. */
export class PyTorch implements Peer {
  readonly name = 'pytorch';
  readonly #process: PythonProcess;
  readonly #dir = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-bench-'));

  /** @param python the interpreter of an environment that has torch */
  constructor(python: string) {
    this.#process = new PythonProcess(this.name, python, 'layers.py');
    process.once('exit', () => fs.rmSync(this.#dir, { recursive: true, force: true }));
  }

  async version(): Promise<string> {
    return ((await this.#process.ask({ do: 'version' })) as { version: string }).version;
  }

  async prepare(layer: LayerCase, conv: ConvLayer, x: Tensor, threads: number): Promise<Side> {
    await this.load(layer, conv, x, { threads, dtype: 'float32' });
    return {
      output: async () => new Float32Array(await this.result()),
      block: async (blockMs, warmUps) =>
        ((await this.#process.ask({ do: 'block', blockMs, warmUps })) as { samples: number[] })
          .samples,
    };
  }

  /** Sets the layer that the process runs from now on. */
  async load(
    layer: LayerCase,
    conv: ConvLayer,
    x: Tensor,
    options: { threads: number; dtype: 'float32' | 'float64' },
  ): Promise<void> {
    const { outputPadding, ...rest } = layer.options;
    const file = path.join(this.#dir, 'values');
    const values = [conv.weight, conv.bias!, x].map((tensor) => valuesOf(tensor).data);
    fs.writeFileSync(file, Buffer.concat(values.map((data) => new Uint8Array(data.buffer))));
    await this.#process.ask({
      do: 'prepare',
      file,
      layer: layer.layer,
      args: layer.args,
      options: outputPadding === undefined ? rest : { ...rest, output_padding: outputPadding },
      input: layer.input,
      ...options,
    });
  }

  /** The result of a call: the bytes of floats or doubles. */
  async result(): Promise<ArrayBuffer> {
    const file = path.join(this.#dir, 'output');
    await this.#process.ask({ do: 'output', file });
    const bytes = fs.readFileSync(file);
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  }

  close(): Promise<void> {
    return this.#process.close();
  }
}
