/** Threads, garbage collection, workers and exit. */
import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import { addonPath } from '../addon';
import { addon, spec, shape, input, weight, bias, expected, stillRight } from './context';
import type { Scenarios } from './context';

export const lifetimeScenarios: Scenarios = {
  'many threads'() {
    for (const threads of [1024, 1, 64, 3, 1024, 2]) {
      addon.setNumThreads(threads);
      stillRight();
      const made = addon.convCreate({ ...spec, kernel: [1, 1], outChannels: 64 });
      const x = new Float32Array(2 * 64 * 64).fill(1);
      const w = new Float32Array(128).fill(0.5);
      const { data } = addon.convForward(made, x, [2, 64, 64], w, 1, null);
      assert(data.every((value) => value === 1));
    }
  },

  async 'handles by the thousand are collected'() {
    const w = new Float32Array(256 * 256).fill(1);
    const x = new Float32Array(256 * 4).fill(1);
    const wide = { ...spec, kernel: [1, 1], inChannels: 256, outChannels: 256 };
    for (let i = 0; i < 8000; i++) {
      const made = addon.convCreate(wide);
      addon.convForward(made, x, [1, 256, 2, 2], w, 1, null);
      // Node runs finalizers from its event loop.
      if (i % 50 === 0) await new Promise(setImmediate);
    }
    // 8000 packed copies are 2 GB.
    const megabytes = process.memoryUsage().rss / 2 ** 20;
    assert(megabytes < 1000, `${megabytes} MB`);
  },

  async 'workers that come, compute, and are terminated'() {
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const addon = require(workerData.addonPath);
      const { spec, shape, input, weight, bias, forever } = workerData;
      const handle = addon.convCreate(spec);
      do {
        const { data } = addon.convForward(handle, input, shape, weight, 1, bias);
        addon.setNumThreads(1 + Math.floor(Math.random() * 3));
        parentPort.postMessage(data);
      } while (forever);
    `;
    const start = (forever: boolean) =>
      new Worker(code, {
        eval: true,
        workerData: { addonPath, spec, shape, input, weight, bias, forever },
      });
    for (let round = 0; round < 4; round++) {
      const running = [true, false, true, false].map(start);
      await Promise.all(
        running.map(async (worker, i) => {
          const data = await new Promise((resolve, reject) => {
            worker.once('message', resolve).once('error', reject);
          });
          assert.deepEqual(data, expected);
          stillRight();
          if (i % 2 === 0) await worker.terminate();
          else await new Promise((resolve) => worker.once('exit', resolve));
        }),
      );
    }
    addon.setNumThreads(2);
    stillRight();
  },

  'exit with a worker in mid-run'() {
    const code = `
      const { workerData } = require('node:worker_threads');
      const addon = require(workerData.addonPath);
      const spec = { ...workerData.spec, kernel: [1, 1], inChannels: 64, outChannels: 256 };
      const handle = addon.convCreate(spec);
      const x = new Float32Array(64 * 128 * 128);
      const w = new Float32Array(64 * 256);
      for (;;) {
        addon.convForward(handle, x, [64, 128, 128], w, 1, null);
        require('node:worker_threads').parentPort.postMessage(1);
      }
    `;
    const worker = new Worker(code, { eval: true, workerData: { addonPath, spec } });
    worker.once('message', () => process.exit(0));
  },
};
