/**
 * Measures `nnconv serve` on loopback: throughput at saturation beside that of `runAsync` without a server, and of
 * onnxruntime-node behind fastify; answers below capacity and above it.
 *
 *   node scripts/build-ts.js
 *   python scripts/serve/peer/export.py FOLDER      # for real weights and the peer; see its head
 *   npx ts-node scripts/serve/load.ts [--models digits,digits-32,resnet18-64,resnet18] [--folder FOLDER] [--seconds 5]
 *     [--rounds 3] [--warm-up 10] [--connections 32] [--server-cpus 0] [--client-cpus 1] [--require 0.9] [--json FILE]
 *     [--client autocannon|wrk]
 *
 * Server, peer and `runAsync` get the same CPUs, the client others (taskset; without it or with one CPU they share).
 * At saturation `--client wrk` takes little of the CPU where server and client share some; all else is by autocannon.
 * Each round measures all of them; what is printed is the median round. Exit code 1 where a request fails below
 * capacity, where something else than 200 and 503 comes above it, where memory grows without bound, and, with
 * `--require`, where the server has less than that part of the throughput of `runAsync` for the first model.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { parseArgs } from 'node:util';

import { fire, type Outcome, type Target } from './load/fire';
import { pinSelf, type Running, runJson, startServer } from './load/process';
import { fireWrk, hasWrk } from './load/wrk';

interface Served {
  name: string;
  model: string;
  /** The names of its files in the folder. */
  file: string;
  /** Of one picture. */
  shape: readonly number[];
  /** Pictures of one request. */
  rows: number;
  /** Pictures of a run at most: what `nnconv serve` chooses for such inputs. */
  batch: number;
}

const DIGIT = [1, 28, 28];
const MODELS: readonly Served[] = [
  { name: 'digits', model: 'digits', file: 'digits', shape: DIGIT, rows: 1, batch: 32 },
  { name: 'digits-32', model: 'digits', file: 'digits', shape: DIGIT, rows: 32, batch: 32 },
  {
    name: 'resnet18-64',
    model: 'resnet18',
    file: 'resnet18-64',
    shape: [3, 64, 64],
    rows: 1,
    batch: 8,
  },
  {
    name: 'resnet18',
    model: 'resnet18',
    file: 'resnet18',
    shape: [3, 224, 224],
    rows: 1,
    batch: 8,
  },
];

/** Requests that wait; those of two batches run or are ready to. */
const QUEUE = 32;
const BELOW = 0.7;
/** Connections that are too many. */
const ABOVE = 256;
/** MB that a flood of requests may add. */
const MOST_GROWTH = 300;

const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: MODELS.map(({ name }) => name).join() },
    folder: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    'warm-up': { type: 'string', default: '10' },
    connections: { type: 'string', default: '32' },
    'server-cpus': { type: 'string' },
    'client-cpus': { type: 'string' },
    client: { type: 'string', default: 'autocannon' },
    require: { type: 'string' },
    json: { type: 'string' },
  },
});
const seconds = Number(options.seconds);
/** Seconds of load that don't count: V8 compiles a server's JavaScript while it runs. */
const warmUp = Number(options['warm-up']);
const connections = Number(options.connections);
const two = os.availableParallelism() > 1;
const serverCpus = options['server-cpus'] ?? (two ? '0' : undefined);
const clientCpus = options['client-cpus'] ?? (two ? '1' : undefined);
const here = (...parts: string[]): string => path.join(__dirname, ...parts);

const problems: string[] = [];
function expect(holds: boolean, complaint: string): void {
  if (holds) return;
  console.error(`FAILED: ${complaint}`);
  problems.push(complaint);
}

interface Offline {
  rate: number;
  cpuMs: number;
}
interface Measured extends Outcome {
  /** CPU milliseconds of the server for an answer. */
  cpuMs: number;
  /** At most, meanwhile. */
  megabytes: number;
}

async function measured(
  server: Running,
  target: Target,
  load: { connections: number; seconds: number; rate?: number },
): Promise<Measured> {
  const before = server.cpuSeconds();
  let megabytes = 0;
  const watch = setInterval(() => (megabytes = Math.max(megabytes, server.megabytes())), 50);
  const byWrk =
    options.client === 'wrk' && load.rate === undefined && load.connections <= connections;
  const outcome = await (byWrk ? fireWrk : fire)(target, load);
  clearInterval(watch);
  const cpuMs = (1000 * (server.cpuSeconds() - before)) / Math.max(1, outcome.answers);
  return { ...outcome, cpuMs, megabytes };
}

function weightsOf({ file: stem }: Served): string | undefined {
  const file = options.folder && path.resolve(options.folder, `${stem}.safetensors`);
  return file !== undefined && fs.existsSync(file) ? file : undefined;
}

/** Of the same values each time; a third of them is nothing. */
function pictures({ shape, rows }: Served): Float32Array {
  const size = shape.reduce((total, side) => total * side, rows);
  return Float32Array.from({ length: size }, (_, i) =>
    Math.max(0, Math.sin(i * 12.9898) * 0.75 + 0.25),
  );
}

function nnconvTarget(served: Served, url: string): Target {
  const data = Buffer.from(pictures(served).buffer);
  const header = Buffer.from(
    JSON.stringify({
      inputs: [
        {
          name: 'input',
          datatype: 'FP32',
          shape: [served.rows, ...served.shape],
          parameters: { binary_data_size: data.length },
        },
      ],
      outputs: [{ name: 'output', parameters: { binary_data: true } }],
    }),
  );
  return {
    url: `${url}/v2/models/${served.name}/infer`,
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(header.length),
    },
    body: Buffer.concat([header, data]),
  };
}

function peerTarget(served: Served, url: string): Target {
  return {
    url: `${url}/infer?shape=${[served.rows, ...served.shape].join()}`,
    headers: { 'content-type': 'application/octet-stream' },
    body: Buffer.from(pictures(served).buffer),
  };
}

/** The float32 at the end of an answer. */
async function scores({ url, headers, body }: Target): Promise<number[]> {
  const response = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) });
  if (response.status !== 200)
    throw new Error(`${url}: ${response.status} ${await response.text()}`);
  const head = Number(response.headers.get('inference-header-content-length') ?? 0);
  return [...new Float32Array((await response.arrayBuffer()).slice(head))];
}

async function startNnconv(served: Served, folder: string): Promise<Running> {
  const file = path.join(folder, `${served.name}.json`);
  const config = {
    models: [
      {
        name: served.name,
        model: served.model,
        weights: weightsOf(served),
        inputs: [{ name: 'input', shape: [-1, ...served.shape] }],
        queue: { maxSize: QUEUE },
      },
    ],
    // Each refusal is a line at `info`.
    logLevel: 'warn',
  };
  fs.writeFileSync(file, JSON.stringify(config));
  const cli = here('..', '..', 'dist', 'cli', 'main.js');
  return startServer([cli, 'serve', '--config', file, '--port', '0'], serverCpus);
}

async function startPeer(served: Served): Promise<Running | undefined> {
  const file = options.folder && path.resolve(options.folder, `${served.file}.onnx`);
  if (file === undefined || !fs.existsSync(file)) return undefined;
  const threads = serverCpus?.split(',').length ?? os.availableParallelism();
  return startServer([here('peer', 'server.js'), file, '--threads', String(threads)], serverCpus);
}

interface Round {
  alone: Offline;
  batches: Offline;
  server: Measured;
  peer?: Measured;
}

async function round(served: Served, folder: string): Promise<Round> {
  const offline = async (batch: number): Promise<Offline> => {
    const { rate, cpuMs } = await runJson<Offline>(
      [
        here('load', 'offline.js'),
        served.model,
        weightsOf(served) ?? '-',
        served.shape.join(),
        String(batch),
        String(seconds),
      ],
      serverCpus,
    );
    // Of a request, not of a picture.
    return { rate: rate / served.rows, cpuMs: cpuMs * served.rows };
  };
  const alone = await offline(served.rows);
  const batches = await offline(served.batch);

  const nnconv = await startNnconv(served, folder);
  const target = nnconvTarget(served, nnconv.url);
  const own = await scores(target);
  await fire(target, { connections, seconds: warmUp });
  const server = await measured(nnconv, target, { connections, seconds });
  await nnconv.stop();

  const other = await startPeer(served);
  if (other === undefined) return { alone, batches, server };
  const theirs = await scores(peerTarget(served, other.url));
  const scale = Math.max(...own.map(Math.abs));
  expect(
    own.every((value, i) => Math.abs(value - theirs[i]) < 1e-3 * scale),
    `${served.name}: the peer computes something else`,
  );
  await fire(peerTarget(served, other.url), { connections, seconds: warmUp });
  const peer = await measured(other, peerTarget(served, other.url), { connections, seconds });
  await other.stop();
  return { alone, batches, server, peer };
}

/** Below capacity and above it. */
async function limits(
  served: Served,
  folder: string,
  capacity: number,
): Promise<{ below: Measured; above: Measured }> {
  const server = await startNnconv(served, folder);
  const target = nnconvTarget(served, server.url);
  await fire(target, { connections, seconds: warmUp });
  const below = await measured(server, target, { connections, seconds, rate: BELOW * capacity });
  expect(
    below.errors === 0 && Object.keys(below.statuses).join() === '200',
    `${served.name}: requests failed below capacity: ${JSON.stringify(below.statuses)}, ${below.errors} errors`,
  );
  const before = server.megabytes();
  const above = await measured(server, target, { connections: ABOVE, seconds });
  expect(
    Object.keys(above.statuses).every((status) => ['200', '503'].includes(status)) &&
      above.errors === 0,
    `${served.name}: above capacity ${JSON.stringify(above.statuses)}, ${above.errors} errors`,
  );
  expect(above.statuses['503'] > 0, `${served.name}: nothing was refused above capacity`);
  expect(
    above.megabytes - before < MOST_GROWTH,
    `${served.name}: ${before.toFixed(0)} MB grew to ${above.megabytes.toFixed(0)} MB`,
  );
  expect((await scores(target)).length > 0, `${served.name}: no answer after the flood`);
  const status = await server.stop();
  expect(status === 0, `${served.name}: the server ended with ${status}`);
  return { below, above };
}

const median = <T>(items: readonly T[], by: (item: T) => number): T =>
  [...items].sort((a, b) => by(a) - by(b))[Math.floor((items.length - 1) / 2)];
const per = (rate: number): string => `${rate.toFixed(rate < 100 ? 1 : 0)}/s`.padStart(9);
const percent = (part: number): string => `${(100 * part).toFixed(0)} %`;
const ms = (value: number): string => `${value.toFixed(value < 10 ? 3 : 1)} ms`.padStart(9);

function printRow(title: string, { rate, cpuMs }: Offline, rest = ''): void {
  console.log(`  ${title.padEnd(34)}${per(rate)}   CPU ${ms(cpuMs)} each${rest}`);
}

async function measureModel(served: Served, folder: string): Promise<object> {
  const rounds: Round[] = [];
  for (let i = 0; i < Number(options.rounds); i++) rounds.push(await round(served, folder));
  for (const { server } of rounds) {
    expect(
      server.errors === 0 && Object.keys(server.statuses).join() === '200',
      `${served.name}: at saturation ${JSON.stringify(server.statuses)}, ${server.errors} errors`,
    );
  }
  const { alone, batches, server, peer } = median(
    rounds,
    (item) => item.server.rate / item.alone.rate,
  );
  const latency = ({ p50, p99 }: Measured): string => `   p50 ${p50} ms, p99 ${p99} ms`;
  const { batch } = served;
  console.log(`\n${served.name}, requests of ${[served.rows, ...served.shape].join('x')}`);
  printRow('runAsync, one request a run', alone);
  if (batch > served.rows) printRow(`runAsync, batches of ${batch}`, batches);
  printRow(`server, ${connections} connections`, server, latency(server));
  if (peer) printRow('onnxruntime-node behind fastify', peer, latency(peer));
  const part = server.rate / alone.rate;
  console.log(
    `  server / runAsync: ${percent(part)} of one a run` +
      (batch > served.rows ? `, ${percent(server.rate / batches.rate)} of batches` : '') +
      (peer ? `; server / peer: ${(server.rate / peer.rate).toFixed(2)}` : ''),
  );
  const { below, above } = await limits(served, folder, server.rate);
  printRow(`at ${percent(BELOW)} of capacity`, below, `${latency(below)}, none failed`);
  const refused = above.statuses['503'] ?? 0;
  console.log(
    `  ${ABOVE} connections: ${above.answers} answered, ${refused} refused with 503; ` +
      `${below.megabytes.toFixed(0)} MB before, at most ${above.megabytes.toFixed(0)} MB meanwhile`,
  );
  if (options.require !== undefined && served.name === options.models.split(',')[0]) {
    expect(part >= Number(options.require), `${served.name}: ${part.toFixed(3)} of runAsync`);
  }
  return { name: served.name, rounds, below, above };
}

async function main(): Promise<void> {
  if (!['autocannon', 'wrk'].includes(options.client))
    throw new Error(`--client: autocannon or wrk, got ${options.client}`);
  if (options.client === 'wrk' && !hasWrk) throw new Error("--client: there is no 'wrk' here");
  pinSelf(clientCpus);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-load-'));
  const results: object[] = [];
  try {
    const names = options.models.split(',');
    console.log(
      `${os.cpus()[0].model}; server on CPU ${serverCpus ?? 'any'}, client on CPU ${clientCpus ?? 'any'}`,
    );
    for (const name of names) {
      const served = MODELS.find((model) => model.name === name);
      if (served === undefined) throw new Error(`there is no model ${name}`);
      results.push(await measureModel(served, folder));
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  if (options.json !== undefined)
    fs.writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}

void main();
