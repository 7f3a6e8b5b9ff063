'use strict';

/**
 * Workers that load the library, run it, and end or are terminated wherever they are.
 *
 *   node scripts/server/workers.js [--workers 200] [--seed 1]
 */

const { Worker } = require('node:worker_threads');

const {
  expect,
  megabytes,
  numbers,
  plainLib,
  randomizer,
  sleep,
  threadCount,
} = require('./common');

const AT_ONCE = 8;

const options = numbers({ workers: 200, seed: 1 });
const lib = plainLib();
const { nn, ones, setNumThreads } = require(lib);
const below = randomizer(options.seed);

const WORKER = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { compile, nn, rand } = require(workerData.lib);
  const layer = new nn.Conv2d(16, 32, 3);
  const session = compile(new nn.Sequential(layer, new nn.ReLU()).eval());
  const x = rand([1, 16, 64, 64]);
  (async () => {
    for (let i = 0; workerData.forever || i < 3; i++) {
      layer.forward(x);
      const pending = [layer.forwardAsync(x), session.runAsync(x), session.runAsync(x)];
      if (i === 0) parentPort.postMessage('running');
      await Promise.all(pending);
    }
  })();
`;

const counts = { ended: 0, terminated: 0, unstarted: 0 };

async function one() {
  const forever = below(3) > 0;
  const worker = new Worker(WORKER, { eval: true, workerData: { lib, forever } });
  const running = new Promise((resolve) => worker.once('message', resolve));
  const exit = new Promise((resolve) => worker.once('exit', resolve));
  worker.once('error', (error) => expect(false, String(error)));
  if (!forever) {
    await exit;
    counts.ended++;
  } else if (below(4) === 0) {
    await sleep(below(100)); // while it starts or loads
    await worker.terminate();
    counts.unstarted++;
  } else {
    await running;
    await sleep(below(20));
    await worker.terminate();
    counts.terminated++;
  }
}

async function main() {
  setNumThreads(2);
  const layer = new nn.Conv2d(3, 4, 3);
  const x = ones([1, 3, 9, 9]);
  const expected = String((await layer.forwardAsync(x)).data);
  let left = options.workers;
  const next = async () => {
    while (left-- > 0) await one();
  };
  const lane = () => Promise.all(Array.from({ length: AT_ONCE }, next));
  const before = [megabytes(), threadCount()];
  await lane();
  await sleep(200);
  const after = [megabytes(), threadCount()];
  console.log(
    `${options.workers} workers      ${JSON.stringify(counts)}; ` +
      `${before[0].toFixed(0)} MB, then ${after[0].toFixed(0)} MB; ${before[1]} threads, then ${after[1]}`,
  );
  expect(String((await layer.forwardAsync(x)).data) === expected, 'another result than before');
  expect(after[1] <= before[1] + 2, 'threads are left behind');
}

void main();
