'use strict';

/**
 * Layers, networks and workers come and go, with random shapes: resident memory, threads and handles
 * must reach a plateau.
 *
 *   node --expose-gc scripts/server/soak.js [--seconds 600] [--seed 1] [--runs 0]
 *
 * Ends after so many seconds, and not before so many runs. Memory counts from a third of the time on,
 * as what remained after garbage collection.
 */

const { Worker } = require('node:worker_threads');

const {
  expect,
  handleCount,
  megabytes,
  numbers,
  plainLib,
  quantile,
  randomizer,
  seconds,
  sleep,
  threadCount,
} = require('./common');

const options = numbers({ seconds: 600, seed: 1, runs: 0 });
const lib = plainLib();
const { compile, models, nn, rand, setNumThreads } = require(lib);
const below = randomizer(options.seed);
const pick = (...choices) => choices[below(choices.length)];

const WORKER = `
  const { workerData } = require('node:worker_threads');
  const { compile, nn, rand } = require(workerData.lib);
  const model = new nn.Sequential(new nn.Conv2d(3, 8, 3), new nn.ReLU(), new nn.Conv2d(8, 4, 1));
  const session = compile(model.eval());
  (async () => {
    for (const size of workerData.sizes) {
      const x = rand([1, 3, size, size]);
      session.run(x);
      await session.runAsync(x);
    }
  })();
`;

let runs = 0;

function layerRun() {
  const dims = pick(1, 2, 2, 2, 3);
  const groups = pick(1, 1, 1, 2, 4);
  const [inputs, outputs] = [groups * pick(1, 3, 4, 8), groups * pick(1, 2, 8, 16)];
  const kernel = pick(1, 3, 5);
  const transposed = pick(false, false, true);
  const Conv = transposed
    ? [nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d][dims - 1]
    : [nn.Conv1d, nn.Conv2d, nn.Conv3d][dims - 1];
  const layer = new Conv(inputs, outputs, kernel, { stride: pick(1, 2), padding: 1, groups });
  const size = () => 5 + below([400, 60, 12][dims - 1]);
  const x = rand([pick(1, 1, 2, 5), inputs, ...Array.from({ length: dims }, size)]);
  return pick(true, false) ? layer.forward(x) : layer.forwardAsync(x);
}

const resnet = compile(models.resnet18().eval());
const squeezenet = compile(models.squeezenet1_1().eval());

function networkRun() {
  const session = pick(resnet, squeezenet);
  const x = rand([pick(1, 1, 2), 3, 32 + below(64), 32 + below(64)]);
  const controller = new AbortController();
  if (below(4) === 0) setTimeout(() => controller.abort(), below(5));
  return pick(true, false)
    ? session.run(x)
    : session.runAsync(x, { signal: controller.signal }).catch((error) => {
        if (error !== controller.signal.reason) throw error;
      });
}

function sessionRun() {
  const channels = pick(4, 8, 16);
  const model = new nn.Sequential(
    new nn.Conv2d(3, channels, 3, { padding: 1 }),
    new nn.BatchNorm2d(channels),
    new nn.ReLU(),
    new nn.Conv2d(channels, 5, pick(1, 3)),
  );
  const session = compile(model.eval());
  const run = session.runAsync(rand([1, 3, 8 + below(40), 8 + below(40)]));
  if (pick(true, false)) session.dispose();
  return run;
}

function workerRun() {
  const sizes = Array.from({ length: 3 }, () => 8 + below(30));
  const worker = new Worker(WORKER, { eval: true, workerData: { lib, sizes } });
  if (pick(true, false)) setTimeout(() => void worker.terminate(), below(300));
  return new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
}

/** Megabytes a minute, by least squares. */
function slope(points) {
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const [x, y] = [mean(points.map(([at]) => at)), mean(points.map(([, value]) => value))];
  const over = mean(points.map(([at, value]) => (at - x) * (value - y)));
  return (60 * over) / mean(points.map(([at]) => (at - x) ** 2));
}

async function main() {
  setNumThreads(2);
  const begin = seconds();
  const samples = [];
  for (let round = 0; seconds() - begin < options.seconds || runs < options.runs; round++) {
    const jobs = [];
    for (let i = 0; i < 40; i++) jobs.push(below(8) === 0 ? sessionRun() : layerRun());
    for (let i = 0; i < 2; i++) jobs.push(networkRun());
    if (round % 4 === 0) jobs.push(workerRun());
    await Promise.all(jobs);
    runs += jobs.length;
    await new Promise(setImmediate);
    global.gc?.();
    await new Promise(setImmediate);
    samples.push([seconds() - begin, megabytes(), handleCount(), threadCount()]);
  }
  await sleep(200);
  const total = seconds() - begin;
  const late = samples.filter(([at]) => at > total / 3);
  const third = Math.ceil(late.length / 3);
  const median = (column, part) =>
    quantile(
      part.map((sample) => sample[column]),
      0.5,
    );
  const change = (column) => [
    median(column, late.slice(0, third)),
    median(column, late.slice(-third)),
  ];
  const [[m0, m1], [h0, h1], [t0, t1]] = [1, 2, 3].map(change);
  const resources = process.getActiveResourcesInfo().filter((name) => name !== 'TTYWrap');
  console.log(`${runs} runs in ${total.toFixed(0)} s, seed ${options.seed}`);
  console.log(
    `memory   ${m0.toFixed(0)} MB, then ${m1.toFixed(0)} MB: ${slope(late).toFixed(2)} MB a minute`,
  );
  console.log(`handles  ${h0}, then ${h1}; threads ${t0}, then ${t1}; active: ${resources.join()}`);
  expect(m1 - m0 < 60 + m0 * 0.1, 'memory grows');
  expect(h1 <= h0 + 2, 'handles are left open');
  expect(t1 <= t0 + 2, 'threads are left behind');
}

void main();
