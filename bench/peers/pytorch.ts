import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as readline from 'node:readline';
import type { Tensor } from '../../lib';
import type { ConvLayer, LayerCase } from '../layers';
import type { Side } from '../measure';
import { valuesOf, type Peer } from './peer';

const REQUIREMENTS = 'bench/peers/requirements.txt';

/** A Python process that runs one layer at a time; see pytorch.py. */
export class PyTorch implements Peer {
  readonly name = 'pytorch';
  readonly #python: string;
  readonly #dir = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-bench-'));
  #child: ChildProcess | undefined;
  #closing = false;
  #waiting: { resolve(reply: object): void; reject(error: Error): void } | undefined;

  /** @param python the interpreter of an environment that has torch */
  constructor(python: string) {
    this.#python = python;
    process.once('exit', () => fs.rmSync(this.#dir, { recursive: true, force: true }));
  }

  async version(): Promise<string> {
    return ((await this.#ask({ do: 'version' })) as { version: string }).version;
  }

  async prepare(layer: LayerCase, conv: ConvLayer, x: Tensor, threads: number): Promise<Side> {
    await this.load(layer, conv, x, { threads, dtype: 'float32' });
    return {
      output: async () => new Float32Array(await this.result()),
      block: async (blockMs, warmUps) =>
        ((await this.#ask({ do: 'block', blockMs, warmUps })) as { samples: number[] }).samples,
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
    await this.#ask({
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
    await this.#ask({ do: 'output', file });
    const bytes = fs.readFileSync(file);
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  }

  close(): Promise<void> {
    this.#closing = true;
    const child = this.#child;
    if (!child || child.exitCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.stdin!.end();
    });
  }

  #ask(request: object): Promise<object> {
    const child = (this.#child ??= this.#start());
    return new Promise<object>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      child.stdin!.write(`${JSON.stringify(request)}\n`);
    });
  }

  #start(): ChildProcess {
    const child = spawn(this.#python, ['-u', path.join(__dirname, 'pytorch.py')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const fail = (why: string): void => {
      if (this.#closing) return;
      const hint = `'${this.#python}' (--python, NNCONV_BENCH_PYTHON) must have ${REQUIREMENTS}`;
      this.#waiting?.reject(new Error(`pytorch: ${why}; ${hint}`));
    };
    child.on('error', (error) => fail(error.message));
    child.on('exit', (code, signal) => fail(`Python ended with ${code ?? signal}`));
    child.stdin.on('error', () => undefined); // 'exit' tells more
    readline.createInterface({ input: child.stdout }).on('line', (line) => {
      const reply = JSON.parse(line) as { error?: string };
      if (reply.error === undefined) this.#waiting?.resolve(reply);
      else this.#waiting?.reject(new Error(`pytorch: ${reply.error}`));
    });
    return child;
  }
}
