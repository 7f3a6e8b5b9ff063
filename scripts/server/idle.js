'use strict';

/**
 * What nnconv costs while nothing runs, and how many threads it has: the CPU time of an idle process
 * after heavy work, and the entries of /proc/self/task while eight workers make 1,000 calls.
 *
 *   node scripts/server/idle.js [--seconds 10] [--calls 1000]
 *
 * Meant: under 50 ms over 10 seconds.
 */

const { Worker } = require('node:worker_threads');

const { expect, numbers, plainLib, seconds, sleep, threadCount } = require('./common');

const WORKERS = 8;

const options = numbers({ seconds: 10, calls: 1000 });
const lib = plainLib();
const { compile, models, nn, rand, setNumThreads } = require(lib);

const CALLER = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { nn, rand } = require(workerData);
  const layer = new nn.Conv2d(8, 16, 3);
  const x = rand([1, 8, 40, 40]);
  parentPort.on('message', async (calls) => {
    if (calls === 0) return parentPort.close();
    for (let i = 0; i < calls; i++) {
      if (i % 2 === 0) layer.forward(x);
      else await layer.forwardAsync(x);
    }
    parentPort.postMessage('done');
  });
`;

async function idle() {
  const session = compile(models.resnet18().eval());
  const x = rand([1, 3, 224, 224]);
  for (const end = seconds() + 1; seconds() < end;) {
    session.run(x);
    await session.runAsync(x);
  }
  // Threads go to sleep, and the compiler of V8 has still something to do.
  await sleep(1000);
  const before = process.cpuUsage();
  await sleep(options.seconds * 1000);
  const { user, system } = process.cpuUsage(before);
  const used = (user + system) / 1000;
  console.log(`idle ${options.seconds} s          ${used.toFixed(1)} ms of CPU time`);
  // Spinning would take all of it.
  expect(used < 100 + options.seconds * 100, 'an idle process uses the CPU');
}

async function count() {
  const layer = new nn.Conv2d(8, 16, 3);
  layer.forward(rand([1, 8, 40, 40]));
  const workers = Array.from({ length: WORKERS }, () => {
    const worker = new Worker(CALLER, { eval: true, workerData: lib });
    worker.on('error', (error) => expect(false, String(error)));
    return worker;
  });
  const call = (calls) =>
    Promise.all(
      workers.map((worker) => {
        const done = new Promise((resolve) => worker.once('message', resolve));
        worker.postMessage(calls);
        return done;
      }),
    );
  await call(4);
  const before = threadCount();
  const seen = new Set();
  const timer = setInterval(() => seen.add(threadCount()), 5);
  await call(Math.ceil(options.calls / WORKERS));
  clearInterval(timer);
  seen.add(threadCount());
  for (const worker of workers) worker.postMessage(0);
  console.log(`${options.calls} calls        ${before} threads before, ${[...seen]} meanwhile`);
  expect(Math.max(...seen) <= before, 'calls start threads');
}

async function main() {
  setNumThreads(2);
  await idle();
  await count();
}

void main();
