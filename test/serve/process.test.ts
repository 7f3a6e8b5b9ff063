/** `nnconv serve` as a process of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { type Answer, call } from './support';

const { linkAddon, writePlainLib } = require('../../scripts/plain-lib') as {
  linkAddon: (folder: string) => void;
  writePlainLib: (folder: string) => void;
};

const root = path.join(__dirname, '../..');
/** A copy of the project that needs no compiler: each process would have to run it. */
const home = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-served-'));
const MAIN = [path.join(home, 'lib/cli/main.js'), 'serve'];
const env = { ...process.env, NO_COLOR: '1', NNCONV_TOKEN: undefined };

interface Served {
  child: ChildProcess;
  url: string;
  /** What it has written so far. */
  output: { stdout: string; stderr: string };
  exit: Promise<number | null>;
}

beforeAll(() => {
  writePlainLib(path.join(home, 'lib'));
  linkAddon(home);
  for (const name of ['examples', 'node_modules']) {
    fs.symlinkSync(path.join(root, name), path.join(home, name), 'junction');
  }
});
afterAll(() => fs.rmSync(home, { recursive: true }));

const children: ChildProcess[] = [];
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

async function serve(...args: string[]): Promise<Served> {
  const child = spawn(process.execPath, [...MAIN, '--port', '0', ...args], { cwd: home, env });
  children.push(child);
  const output = { stdout: '', stderr: '' };
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.stderr.on('data', (data) => (output.stderr += data));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (data) => {
      output.stdout += data;
      if (output.stdout.includes('try: ')) resolve();
    });
    void exit.then((code) => reject(new Error(`exited with ${code}: ${output.stderr}`)));
  });
  return { child, url: / at (http:\S+)/.exec(output.stdout)![1], output, exit };
}

const digit = (rows = 1) =>
  JSON.stringify({
    inputs: [
      {
        name: 'input',
        shape: [rows, 1, 28, 28],
        datatype: 'FP32',
        data: Array(rows * 784).fill(0),
      },
    ],
  });
const INFER = '/v2/models/digits/infer';

const config = (models: unknown, rest: object = {}): string => {
  const folder = fs.mkdtempSync(path.join(home, 'config-'));
  const file = path.join(folder, 'config.json');
  fs.writeFileSync(file, JSON.stringify({ models, ...rest }));
  return file;
};

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

const metric = async (server: Served, name: string): Promise<number> => {
  const line = (await call(server, '/metrics')).text
    .split('\n')
    .find((item) => item.startsWith(name) && !item.startsWith('#'));
  return Number(line?.split(' ')[1] ?? 0);
};

test('one line serves a model, and prints another that works', async () => {
  const { output, url, child, exit } = await serve('--model', 'digits');
  expect(output.stdout).toBe(
    `nnconv serves digits at ${url}\n` +
      `try: curl --data-binary @examples/digits/pictures/00-0.png -H 'content-type: image/png' ` +
      `${url}/v2/models/digits/classify\n`,
  );
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const line = output.stdout.split('try: ')[1];
  const { stdout } = spawnSync('sh', ['-c', line], { cwd: home, encoding: 'utf8' });
  expect(JSON.parse(stdout).classes[0]).toMatchObject({ label: '0', index: 0 });
  child.kill('SIGINT');
  expect(await exit).toBe(0);
});

test('SIGTERM: what is under way is answered, what comes is refused, and it ends with 0', async () => {
  const file = config([
    { name: 'digits', batching: { maxBatchSize: 2, maxDelayMs: 2000 }, timeoutMs: 50_000 },
  ]);
  const server = await serve('--config', file);
  const first = call(server, INFER, { body: digit() });
  await until(async () => (await metric(server, 'nnconv_queue_length')) === 1);
  server.child.kill('SIGTERM');
  let late: Answer;
  await until(async () => {
    late = await call(server, '/v2/health/ready');
    return late.status === 503;
  });
  expect(late!.json()).toEqual({ ready: false });
  const second = await call(server, INFER, { body: digit() });
  expect(second.status).toBe(503);
  expect(second.headers.get('retry-after')).not.toBeNull();
  expect((await first).status).toBe(200);
  expect(await server.exit).toBe(0);
  await expect(call(server, '/v2/health/live')).rejects.toThrow();
});

test('SIGTERM while models load: it ends at once, with 0', async () => {
  const file = path.join(path.dirname(config([])), 'slow.cjs');
  fs.writeFileSync(
    file,
    `process.stdout.write('loading');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    module.exports = { models: [{ name: 'digits' }] };`,
  );
  const child = spawn(process.execPath, [...MAIN, '--port', '0', '--config', file], { env });
  children.push(child);
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let output = '';
  child.stdout.on('data', (data) => {
    if (output === '') child.kill('SIGTERM');
    output += data;
  });
  expect(await exit).toBe(0);
  expect(output).toBe('loading');
});

test('SIGTERM: what takes too long is 503, and it ends all the same', async () => {
  const file = config([{ name: 'digits', batching: { maxBatchSize: 2, maxDelayMs: 50_000 } }], {
    drainTimeoutMs: 100,
  });
  const server = await serve('--config', file);
  const first = call(server, INFER, { body: digit() });
  await until(async () => (await metric(server, 'nnconv_queue_length')) === 1);
  server.child.kill('SIGTERM');
  expect((await first).status).toBe(503);
  expect(await server.exit).toBe(0);
});

test('SIGTERM under load: every request has an answer, or was not taken', async () => {
  const server = await serve('--model', 'digits');
  const outcomes: (number | string)[] = [];
  let over = false;
  const client = async (): Promise<void> => {
    while (!over) {
      try {
        outcomes.push((await call(server, INFER, { body: digit() })).status);
      } catch (error) {
        // The socket was closed before the request was read, or there is nobody any more.
        outcomes.push((error as Error & { cause: { code: string } }).cause.code);
        over = true;
      }
    }
  };
  const clients = Promise.all([client(), client(), client(), client()]);
  await until(() => outcomes.length > 50);
  server.child.kill('SIGTERM');
  expect(await server.exit).toBe(0);
  over = true;
  await clients;
  const kinds = new Set(outcomes);
  kinds.delete(200);
  kinds.delete(503);
  for (const code of kinds) expect(code).toMatch(/^(ECONNRESET|ECONNREFUSED|UND_ERR_SOCKET)$/);
});

test('SIGHUP reads the config anew, and a bad one changes nothing', async () => {
  const file = config([{ name: 'digits' }]);
  const server = await serve('--config', file);
  const status = async (name: string) => (await call(server, `/v2/models/${name}`)).status;
  fs.writeFileSync(file, JSON.stringify({ models: [{ name: 'other', model: 'digits' }] }));
  server.child.kill('SIGHUP');
  await until(async () => (await status('other')) === 200);
  expect(await status('digits')).toBe(404);
  fs.writeFileSync(file, '{');
  server.child.kill('SIGHUP');
  await until(() => server.output.stderr.includes('the old ones stay'));
  expect(await status('other')).toBe(200);
});

test('a token from the environment', async () => {
  Object.assign(env, { NNCONV_TOKEN: 'correct-horse' });
  try {
    const server = await serve('--model', 'digits');
    expect((await call(server, INFER, { body: digit() })).status).toBe(401);
    const headers = { authorization: 'Bearer correct-horse' };
    expect((await call(server, INFER, { body: digit(), headers })).status).toBe(200);
    expect(server.output.stdout).toContain('-H "authorization: Bearer $NNCONV_TOKEN"');
    expect(server.output.stdout + server.output.stderr).not.toContain('correct-horse');
  } finally {
    Object.assign(env, { NNCONV_TOKEN: undefined });
  }
});

test('configs in JavaScript and TypeScript', async () => {
  const folder = path.dirname(config([]));
  const text = (models: string) => `{ models: ${models}, logLevel: 'warn' }`;
  const file = path.join(folder, 'config.cjs');
  fs.writeFileSync(file, `module.exports = ${text("[{ name: 'digits' }]")};`);
  const typed = path.join(folder, 'config.ts');
  fs.writeFileSync(
    typed,
    `const models: { name: string }[] = [{ name: 'digits' }];\nexport default ${text('models')};`,
  );
  for (const name of [file, typed]) {
    const server = await serve('--config', name);
    expect((await call(server, INFER, { body: digit() })).status).toBe(200);
    server.child.kill('SIGTERM');
    expect(await server.exit).toBe(0);
    expect(server.output.stderr).toBe('');
  }
});

test.each<[string[], number, RegExp]>([
  [[], 2, /name one of --model and --config; see nnconv serve --help/],
  [['--model', 'digits', '--config', 'x.json'], 2, /name one of/],
  [['--config', 'nix.json'], 1, /there is no file '.*nix.json'/],
  [['--model', 'resnet19'], 1, /there is no model named 'resnet19'/],
  [['--model', 'digits', '--port', 'x'], 2, /--port/],
  [['--model', 'digits', '--token', 'short'], 1, /8 or more characters/],
])('nnconv serve %j', (args, status, message) => {
  const result = spawnSync(process.execPath, [...MAIN, ...args], {
    encoding: 'utf8',
    env,
    cwd: home,
  });
  expect(result.stderr).toMatch(message);
  expect(result.stderr.trim().split('\n')).toHaveLength(1);
  expect(result.status).toBe(status);
});

test.each<[unknown, RegExp]>([
  [undefined, /models must be an array, got undefined/],
  [{ digits: {} }, /models must be an array, got/],
  [['digits'], /models\[0\] must be/],
  [[null], /models\[0\] must be/],
])('a config whose models are %j is refused', (models, message) => {
  const args = ['--max-batch', '4', '--config', config(models)];
  const result = spawnSync(process.execPath, [...MAIN, ...args], { encoding: 'utf8', env });
  expect(result.stderr).toMatch(message);
  expect(result.stderr.trim().split('\n')).toHaveLength(1);
  expect(result.status).toBe(1);
});
