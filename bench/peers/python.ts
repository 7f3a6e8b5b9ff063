import { spawn, type ChildProcess } from 'node:child_process';
import * as path from 'node:path';
import * as readline from 'node:readline';

const REQUIREMENTS = 'bench/peers/requirements.txt';

/** A script of this folder in a Python process that answers requests; see serve.py. */
export class PythonProcess {
  readonly #name: string;
  readonly #python: string;
  readonly #script: string;
  #child: ChildProcess | undefined;
  #closing = false;
  #waiting: { resolve(reply: object): void; reject(error: Error): void } | undefined;

  /**
   * @param name what messages call it
   * @param python the interpreter of an environment that has torch
   */
  constructor(name: string, python: string, script: string) {
    this.#name = name;
    this.#python = python;
    this.#script = script;
  }

  /** Starts the process if need be. One request at a time. */
  ask(request: object): Promise<object> {
    const child = (this.#child ??= this.#start());
    return new Promise<object>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      child.stdin!.write(`${JSON.stringify(request)}\n`);
    });
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

  #start(): ChildProcess {
    const child = spawn(this.#python, ['-u', path.join(__dirname, this.#script)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const fail = (why: string): void => {
      if (this.#closing) return;
      const hint = `'${this.#python}' (--python, NNCONV_BENCH_PYTHON) must have ${REQUIREMENTS}`;
      this.#waiting?.reject(new Error(`${this.#name}: ${why}; ${hint}`));
    };
    child.on('error', (error) => fail(error.message));
    child.on('exit', (code, signal) => fail(`Python ended with ${code ?? signal}`));
    child.stdin.on('error', () => undefined); // 'exit' tells more
    readline.createInterface({ input: child.stdout }).on('line', (line) => {
      const reply = JSON.parse(line) as { error?: string };
      if (reply.error === undefined) this.#waiting?.resolve(reply);
      else this.#waiting?.reject(new Error(`${this.#name}: ${reply.error}`));
    });
    return child;
  }
}
