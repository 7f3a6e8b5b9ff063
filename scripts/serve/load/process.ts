/** Servers and measurements as processes of their own, on CPUs of their own. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createInterface } from 'node:readline';

const hasTaskset = spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0;
/** USER_HZ, which is 100 on all Linux. */
const TICKS_PER_SECOND = 100;

/** Keeps this process, the client, to some CPUs. */
export function pinSelf(cpus: string | undefined): void {
  if (cpus !== undefined && hasTaskset) {
    execFileSync('taskset', ['-a', '-c', '-p', cpus, String(process.pid)], { stdio: 'ignore' });
  }
}

function spawnNode(args: readonly string[], cpus: string | undefined): ChildProcess {
  const command = [process.execPath, ...args];
  const pinned = cpus !== undefined && hasTaskset ? ['taskset', '-c', cpus, ...command] : command;
  // With a server that prints what it refuses, the pipe must not be what is measured.
  return spawn(pinned[0], pinned.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** What a script prints as JSON. */
export async function runJson<T>(args: readonly string[], cpus: string | undefined): Promise<T> {
  const child = spawnNode(args, cpus);
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', (part: string) => (text += part));
  const [status] = (await once(child, 'close')) as [number];
  if (status !== 0) throw new Error(`${args.join(' ')} ended with status ${status}`);
  return JSON.parse(text) as T;
}

export interface Running {
  readonly url: string;
  readonly child: ChildProcess;
  /** CPU seconds since its start. */
  cpuSeconds(): number;
  /** MB that it has in memory now. */
  megabytes(): number;
  /** Sends a signal that ends it; resolves to its status, or the signal where that is what ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | string>;
  /** What it printed last. */
  lastLine(): string;
}

/** Starts a server whose first line of output ends with its URL. */
export async function startServer(args: readonly string[], cpus?: string): Promise<Running> {
  const child = spawnNode(args, cpus);
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
  const output = createInterface(child.stdout!);
  let last = '';
  output.on('line', (text) => (last = text));
  const closed = once(output, 'close');
  const line = await Promise.race([
    once(output, 'line').then(([text]) => String(text)),
    ended.then(([status]) => {
      throw new Error(`${args.join(' ')} ended with status ${status}`);
    }),
  ]);
  const pid = child.pid!;
  const read = (name: string): string => fs.readFileSync(`/proc/${pid}/${name}`, 'utf8');
  return {
    url: /http:\S+$/.exec(line)![0],
    child,
    cpuSeconds() {
      // Behind the name, which may have blanks: the 14th and 15th field.
      const fields = read('stat')
        .replace(/^.*\) /s, '')
        .split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    },
    megabytes: () => Number(/VmRSS:\s+(\d+)/.exec(read('status'))![1]) / 1024,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      const [status, by] = await ended;
      await closed;
      return status ?? by!;
    },
    lastLine: () => last,
  };
}
