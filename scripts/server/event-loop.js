'use strict';

/**
 * What others on the event loop notice of resnet50 that runs all the time on two threads: how late
 * timers are, and how long a small file takes to read where libuv has one thread, each compared with
 * an idle loop's.
 *
 *   node scripts/server/event-loop.js [--seconds 20]
 *
 * Meant to stay under 12 ms beyond the idle loop's at the 99th percentile. Fails only where the loop
 * or libuv's thread is blocked by runs, whatever the machine.
 */

process.env.UV_THREADPOOL_SIZE = '1';

const { readFile } = require('node:fs/promises');
const { monitorEventLoopDelay } = require('node:perf_hooks');

const { expect, numbers, plainLib, quantile, seconds, sleep } = require('./common');

const options = numbers({ seconds: 20 });
const { compile, models, rand, setNumThreads } = require(plainLib());

/** The delays of the loop and of reading a file while `work` runs, in milliseconds. */
async function observe(work) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const reads = [];
  let over = false;
  const reader = (async () => {
    while (!over) {
      const begin = performance.now();
      await readFile(__filename);
      reads.push(performance.now() - begin);
      await sleep(5);
    }
  })();
  delay.enable();
  await work();
  delay.disable();
  over = true;
  await reader;
  const of = (part) => delay.percentile(part) / 1e6;
  return {
    loop: { p50: of(50), p99: of(99), most: delay.max / 1e6 },
    read: { p50: quantile(reads, 0.5), p99: quantile(reads, 0.99), most: Math.max(...reads) },
  };
}

async function main() {
  setNumThreads(2);
  const session = compile(models.resnet50().eval(), { inputShapes: [[1, 3, 224, 224]] });
  const x = rand([1, 3, 224, 224]);
  const expected = session.run(x).data;
  const idle = await observe(() => sleep(options.seconds * 1000));
  const times = [];
  const busy = await observe(async () => {
    for (const end = seconds() + options.seconds; seconds() < end || times.length < 2;) {
      const begin = performance.now();
      const { data } = await session.runAsync(x);
      times.push(performance.now() - begin);
      expect(Buffer.compare(Buffer.from(data.buffer), Buffer.from(expected.buffer)) === 0, 'bits');
    }
  });
  const run = quantile(times, 0.5);
  const text = ({ p50, p99, most }) =>
    `p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)}, most ${most.toFixed(2)} ms`;
  console.log(`runs             ${times.length}, ${run.toFixed(1)} ms each`);
  console.log(`loop, idle       ${text(idle.loop)}`);
  console.log(`loop, busy       ${text(busy.loop)}`);
  console.log(`p99 beyond idle  ${(busy.loop.p99 - idle.loop.p99).toFixed(2)} ms`);
  console.log(`readFile, idle   ${text(idle.read)}`);
  console.log(`readFile, busy   ${text(busy.read)}`);
  expect(busy.loop.p50 < run / 2, 'timers wait for runs: the event loop is blocked');
  expect(busy.read.p50 < run / 2, "files wait for runs: libuv's thread is blocked");
}

void main();
