/** Peak memory of a session, each in a process of its own that holds nothing else. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { Request } from './child';
import type { Footprint } from './report';

const ROOT = path.resolve(__dirname, '../..');

interface PlainLib {
  writePlain: (source: string, folder: string) => void;
  linkAddon: (folder: string) => void;
}

/** nnconv and this folder as plain JavaScript, for processes without a compiler. */
export class Processes {
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-memory-'));

  constructor() {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const { writePlain, linkAddon } = require('../../scripts/plain-lib') as PlainLib;
    for (const source of ['lib', 'bench/network', 'bench/peers']) {
      writePlain(source, path.join(this.#folder, source));
    }
    linkAddon(this.#folder);
  }

  measure(side: 'nnconv' | 'onnxruntime', request: Omit<Request, 'peakMemory'>): Footprint {
    const peakMemory = path.join(ROOT, 'scripts/peak-memory.js');
    const script = path.join(this.#folder, `bench/network/child-${side}.js`);
    const modules = ['node_modules', 'bench/node_modules'].map((name) => path.join(ROOT, name));
    const child = spawnSync(
      process.execPath,
      [script, JSON.stringify({ ...request, peakMemory })],
      { encoding: 'utf8', env: { ...process.env, NODE_PATH: modules.join(path.delimiter) } },
    );
    if (child.status !== 0) throw new Error(`${request.network}, ${side}: ${child.stderr}`);
    return JSON.parse(child.stdout) as Footprint;
  }

  close(): void {
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}
