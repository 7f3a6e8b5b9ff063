/**
 * A server that is reloaded, restarted, killed and ended while clients ask: every request it took on must be answered
 * or fail with a status that says so, and none may be lost. The server counts what it takes on, clients what they
 * get; both must agree.
 *
 *   node scripts/build-ts.js
 *   npx ts-node scripts/serve/chaos.ts [--seconds 4] [--connections 24]
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { type Account, Clients } from './load/clients';
import type { Target } from './load/fire';
import { type Running, startServer } from './load/process';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '24' },
  },
});
const milliseconds = 1000 * Number(options.seconds);
const connections = Number(options.connections);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-chaos-'));
const file = path.join(folder, 'serve.json');

function expect(holds: boolean, complaint: string): void {
  if (holds) return;
  console.error(`FAILED: ${complaint}`);
  process.exitCode = 1;
}

function configure(batching: object = {}, rest: object = {}): void {
  const models = [
    { name: 'digits', batching: { maxBatchSize: 8, ...batching }, queue: { maxSize: 128 } },
  ];
  fs.writeFileSync(file, JSON.stringify({ models, logLevel: 'fatal', ...rest }));
}

const start = (port = '0'): Promise<Running> =>
  startServer([path.join(__dirname, 'launch.js'), file, '--count', '--port', port]);

function targetOf(url: string): Target {
  const data = Buffer.from(Float32Array.from({ length: 784 }, (_, i) => (i % 7) / 7).buffer);
  const header = Buffer.from(
    JSON.stringify({
      inputs: [
        {
          name: 'input',
          datatype: 'FP32',
          shape: [1, 1, 28, 28],
          parameters: { binary_data_size: data.length },
        },
      ],
      outputs: [{ name: 'output', parameters: { binary_data: true } }],
    }),
  );
  return {
    url: `${url}/v2/models/digits/infer`,
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(header.length),
    },
    body: Buffer.concat([header, data]),
  };
}

async function answerOf({ url, headers, body }: Target): Promise<Buffer> {
  const response = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) });
  expect(response.status === 200, `the first request: ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

interface Counts {
  started: number;
  ended: Record<string, number>;
}

const sum = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

function settledAll(phase: string, { asked, answers, errors, wrong, lost }: Account): void {
  console.log(`${phase.padEnd(34)}${asked} requests: ${JSON.stringify({ ...answers, ...errors })}`);
  expect(lost === 0, `${phase}: ${lost} requests were lost`);
  expect(wrong === 0, `${phase}: ${wrong} answers were wrong`);
  expect(asked === sum(answers) + sum(errors), `${phase}: requests are missing`);
  expect((answers['200'] ?? 0) > 0, `${phase}: nothing was answered`);
}

function only(phase: string, counts: Record<string, number>, allowed: readonly string[]): void {
  const others = Object.keys(counts).filter((key) => !allowed.includes(key));
  expect(others.length === 0, `${phase}: ${JSON.stringify(counts)}`);
}

/** What the server took on has ended, and those who asked know how; `before` were asked by others. */
function agree(phase: string, server: Running, { answers }: Account, before: number): void {
  const { started, ended } = JSON.parse(server.lastLine()) as Counts;
  expect(started === sum(ended), `${phase}: ${started} were taken on, ${sum(ended)} ended`);
  const told = (answers['200'] ?? 0) + before;
  expect(ended['200'] === told, `${phase}: ${ended['200']} were answered, ${told} answers came`);
  only(`${phase}, server`, ended, ['200', '503']);
}

const RESETS = ['ECONNRESET', 'ECONNRESET on a kept connection'];

async function reloads(): Promise<void> {
  configure();
  const server = await start();
  const target = targetOf(server.url);
  const clients = new Clients(target, await answerOf(target), connections);
  const end = performance.now() + milliseconds;
  for (let turn = 0; performance.now() < end; turn++) {
    // Every third one can't be loaded: the old model stays.
    if (turn % 3 === 2)
      fs.writeFileSync(file, '{ "models": [{ "name": "digits", "weights": "no" }] }');
    else configure();
    server.child.kill('SIGHUP');
    await sleep(150);
  }
  const account = await clients.stop();
  settledAll('reloaded every 150 ms', account);
  only('reload', account.answers, ['200']);
  only('reload', account.errors, []);
  expect((await server.stop()) === 0, 'reload: the end');
  agree('reload', server, account, 1);
}

async function restart(): Promise<void> {
  configure();
  const first = await start();
  const target = targetOf(first.url);
  const right = await answerOf(target);
  const clients = new Clients(target, right, connections);
  await sleep(milliseconds / 2);
  const status = await first.stop('SIGTERM');
  expect(status === 0, `SIGTERM: the server ended with ${status}`);
  // Nobody listens now: the account of this server is complete, but for answers that are on their way.
  await sleep(200);
  const account = structuredClone(clients.account);
  const second = await start(new URL(first.url).port);
  await sleep(milliseconds / 2);
  const total = await clients.stop();
  settledAll('SIGTERM, and another one', total);
  only('SIGTERM', total.answers, ['200', '503']);
  // Refused, or cut off before the server had read a byte: these it didn't take on, as the counts show.
  only('SIGTERM', total.errors, ['ECONNREFUSED', ...RESETS]);
  agree('SIGTERM', first, account, 1);
  expect(
    total.answers['200'] > account.answers['200'],
    'SIGTERM: the second server answers nothing',
  );
  await second.stop();
}

async function kill(): Promise<void> {
  configure();
  const first = await start();
  const target = targetOf(first.url);
  const clients = new Clients(target, await answerOf(target), connections);
  await sleep(milliseconds / 2);
  const status = await first.stop('SIGKILL');
  expect(status === 'SIGKILL', `kill: ${status}`);
  const before = clients.account.answers['200'];
  const second = await start(new URL(first.url).port);
  await sleep(milliseconds / 2);
  const account = await clients.stop();
  settledAll('SIGKILL, and another one', account);
  only('kill', account.answers, ['200']);
  only('kill', account.errors, ['ECONNREFUSED', 'EPIPE', ...RESETS]);
  expect(account.answers['200'] > before, 'kill: the second server answers nothing');
  await second.stop();
}

/** Requests wait for a batch that never fills when the end comes, and the server has no time for them. */
async function noTime(): Promise<void> {
  configure({ maxBatchSize: 64, maxDelayMs: 500 }, { drainTimeoutMs: 50 });
  const server = await start();
  const target = targetOf(server.url);
  const clients = new Clients(target, await answerOf(target), 8);
  await sleep(1250);
  const ended = server.stop('SIGTERM');
  const status = await ended;
  await sleep(200);
  const account = await clients.stop();
  settledAll('SIGTERM without time to drain', account);
  expect(status === 0, `no time: the server ended with ${status}`);
  only('no time', account.answers, ['200', '503']);
  expect(account.answers['503'] > 0, 'no time: nothing was refused');
  agree('no time', server, account, 1);
}

async function leaving(): Promise<void> {
  configure();
  const server = await start();
  const target = targetOf(server.url);
  const clients = new Clients(target, await answerOf(target), connections, 3);
  await sleep(milliseconds);
  const account = await clients.stop();
  settledAll('every third client leaves', account);
  only('leaving', account.answers, ['200']);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  for (const gauge of ['nnconv_requests_active', 'nnconv_buffered_bytes']) {
    expect(new RegExp(`^${gauge} 0$`, 'm').test(metrics), `leaving: ${gauge} is not 0`);
  }
  expect((await server.stop()) === 0, 'leaving: the end');
}

async function main(): Promise<void> {
  try {
    for (const phase of [reloads, restart, kill, noTime, leaving]) await phase();
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

void main();
