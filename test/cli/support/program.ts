/** The program as users run it: lib/ compiled into a folder of its own, started by node. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import ts from 'typescript';
import * as nnconv from '../../../lib';

const root = path.join(__dirname, '../../..');
/** What a package has beside dist/. */
const BESIDE = ['package.json', 'build', 'prebuilds', 'examples', 'node_modules'];

export interface Outcome {
  /** The exit code, or the signal that ended it. */
  code: number | NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** What it reads from standard input; default: nothing, and the end at once. */
  input?: string | Uint8Array;
  env?: Record<string, string>;
  /** Default: the test's folder. */
  cwd?: string;
}

export interface Program {
  /** Runs `nnconv ...args` to its end. */
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** Starts `nnconv ...args`; the caller ends it. */
  start(args: readonly string[]): ReturnType<typeof spawn>;
  /** A path in the test's folder, where packages resolve as in a project that has nnconv. */
  file(name: string): string;
  /** Writes such a file, and returns its path. */
  write(name: string, content: string | Uint8Array): string;
}

/** Compiles each file for itself: what tsc does, without checking types. */
function compileTo(dist: string): void {
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), (file) =>
    fs.readFileSync(file, 'utf8'),
  ) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const lib = path.join(root, 'lib');
  for (const file of fs.readdirSync(lib, { recursive: true }) as string[]) {
    const from = path.join(lib, file);
    const to = path.join(dist, file);
    if (file.endsWith('.json')) fs.cpSync(from, to);
    if (!file.endsWith('.ts')) continue;
    const { outputText } = ts.transpileModule(fs.readFileSync(from, 'utf8'), {
      compilerOptions: options,
      fileName: from,
    });
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.writeFileSync(to.replace(/ts$/, 'js'), outputText);
  }
  // For models that are ES modules; scripts/build-ts.js says more.
  const names = Object.keys(nnconv).join(', ');
  const wrapper = `import cjs from './index.js';\nexport const { ${names} } = cjs;\n`;
  fs.writeFileSync(path.join(dist, 'index.mjs'), wrapper);
}

/** To be called in a `describe` or at the top of a file: the program is there during its tests. */
export function useProgram(): Program {
  let folder = '';
  const file = (name: string): string => path.join(folder, name);
  beforeAll(() => {
    folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-cli-')));
    compileTo(file('dist'));
    for (const name of BESIDE) {
      const target = path.join(root, name);
      if (fs.existsSync(target)) fs.symlinkSync(target, file(name));
    }
  });
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  const start = (args: readonly string[], { env, cwd }: RunOptions = {}) => {
    const inherited = { ...process.env };
    // Settings of whoever runs the tests are none of the program's.
    for (const name of ['NO_COLOR', 'FORCE_COLOR', 'NNCONV_DEBUG']) delete inherited[name];
    return spawn(process.execPath, [file('dist/cli/main.js'), ...args], {
      cwd: cwd ?? folder,
      env: { ...inherited, ...env },
    });
  };
  return {
    file,
    start,
    write(name, content) {
      fs.mkdirSync(path.dirname(file(name)), { recursive: true });
      fs.writeFileSync(file(name), content);
      return file(name);
    },
    run(args, options = {}) {
      const child = start(args, options);
      const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
      child.stdout.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
      // It may end without having read anything.
      child.stdin.on('error', () => {});
      child.stdin.end(options.input ?? '');
      return new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code, signal) =>
          resolve({
            code: code ?? signal,
            stdout: Buffer.concat(chunks.stdout).toString('latin1'),
            stderr: Buffer.concat(chunks.stderr).toString('utf8'),
          }),
        );
      });
    },
  };
}
