/** Networks for onnxruntime, exported by PyTorch, kept in a folder from run to run. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { load, type nn, save, type Tensor } from '../../lib';
import { PythonProcess } from './python';

/** A network in files. */
export interface Exported {
  /** The .onnx file. */
  model: string;
  /** What PyTorch makes of the input in float64, rounded to float32. */
  expected: Float32Array;
}

const SOURCES = ['export.py', '../../scripts/fixtures/other_models.py'];

export class Exporter {
  readonly #process: PythonProcess;
  readonly #folder: string;

  /** @param folder where the files are kept; made if need be */
  constructor(python: string, folder: string) {
    this.#process = new PythonProcess('export', python, 'export.py');
    this.#folder = folder;
  }

  /** PyTorch's version. */
  async version(): Promise<string> {
    return ((await this.#process.ask({ do: 'version' })) as { version: string }).version;
  }

  /** A safetensors file of a network's weights. */
  weights(name: string, network: nn.Module): string {
    const state = network.stateDict();
    // Clones: handing out a model's own data would make it compare its weights at every call.
    const parts = function* (): Generator<string | Uint8Array> {
      for (const [key, t] of Object.entries(state)) yield* [key, bytesOf(t.clone().data)];
    };
    const file = path.join(this.#folder, `${name}-${digest(parts())}.safetensors`);
    if (!fs.existsSync(file)) {
      fs.mkdirSync(this.#folder, { recursive: true });
      save(`${file}.part`, state);
      fs.renameSync(`${file}.part`, file);
    }
    return file;
  }

  /** The network of this name in export.py with the weights of `network`, for inputs like `x`. */
  async export(name: string, network: nn.Module, x: Tensor): Promise<Exported> {
    const weights = this.weights(name, network);
    const sources = SOURCES.map((file) => fs.readFileSync(path.join(__dirname, file)));
    const key = digest([weights, ...sources, bytesOf(x.data), x.shape.join()]);
    const folder = path.join(this.#folder, `${name}-${x.shape.join('x')}-${key}`);
    const model = (inside: string): string => path.join(inside, 'model.onnx');
    const expected = (inside: string): string => path.join(inside, 'expected.safetensors');
    if (!fs.existsSync(folder)) {
      const part = fs.mkdtempSync(`${folder}.part`);
      try {
        const input = path.join(part, 'input.safetensors');
        save(input, { input: x });
        await this.#process.ask({
          ...{ do: 'export', network: name, weights, input },
          ...{ model: model(part), expected: expected(part) },
        });
        fs.renameSync(part, folder);
      } finally {
        fs.rmSync(part, { recursive: true, force: true });
      }
    }
    const { y } = load(expected(folder));
    return { model: model(folder), expected: Float32Array.from(y.data, Number) };
  }

  close(): Promise<void> {
    return this.#process.close();
  }
}

function bytesOf(data: NodeJS.TypedArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function digest(parts: Iterable<string | Uint8Array>): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex').slice(0, 16);
}
