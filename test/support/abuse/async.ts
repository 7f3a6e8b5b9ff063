/** Runs on the addon's own thread while JS does its worst: exits, goes away, lets go of everything. */
import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';

import type { AsyncRun, ConvSpec, Shaped } from '../../../lib/binding';
import { addonPath } from '../addon';
import {
  addon,
  bias,
  detachedArray,
  expected,
  handle,
  input,
  queued,
  raw,
  shape,
  spec,
  stillRight,
  throws,
  weight,
} from './context';
import type { Scenarios } from './context';

/** Some tenths of a second by the reference algorithm, a few milliseconds for each of 64 pieces. */
const slowSpec: ConvSpec = { ...spec, inChannels: 32, outChannels: 64, kernel: [3, 3] };
const slowShape = [1, 32, 64, 64];

const slowHandle = addon.convCreate(slowSpec);
const slowInput = new Float32Array(32 * 64 * 64);
const slowWeight = new Float32Array(64 * 32 * 9);
const slow = (): AsyncRun<Shaped> =>
  addon.convForwardAsync(slowHandle, slowInput, slowShape, slowWeight, 1, null, {
    algorithm: 'reference',
  });

const running = async (): Promise<void> => {
  while (!addon.queueInfo().running) await new Promise(setImmediate);
};

const idle = async (): Promise<void> => {
  for (;;) {
    const { waiting, running } = addon.queueInfo();
    if (!running && waiting === 0) return;
    await new Promise(setImmediate);
  }
};

const worker = (code: string): Worker =>
  new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const { addonPath, slowSpec, slowShape, slowInput, slowWeight } = workerData;
     const addon = require(addonPath);
     const handle = addon.convCreate(slowSpec);
     const options = { algorithm: 'reference' };
     const slow = () =>
       addon.convForwardAsync(handle, slowInput, slowShape, slowWeight, 1, null, options);
     ${code}`,
    { eval: true, workerData: { addonPath, slowSpec, slowShape, slowInput, slowWeight } },
  );

const exited = (gone: Worker): Promise<unknown> =>
  new Promise((resolve) => gone.once('exit', resolve));

export const asyncScenarios: Scenarios = {
  async 'getters that detach the arrays of an asynchronous call, or throw'() {
    for (let victim = 0; victim < 3; victim++) {
      const arrays = [input.slice(), weight.slice(), bias.slice()];
      const { buffer } = arrays[victim];
      const options = {
        get strict() {
          structuredClone(buffer, { transfer: [buffer] });
          return undefined;
        },
      };
      throws('ERR_NNCONV_BUFFER', () =>
        raw.convForwardAsync(handle, arrays[0], shape, arrays[1], 1, arrays[2], options),
      );
    }
    const mine = new Error('mine');
    const bomb = {
      get: () => {
        throw mine;
      },
    };
    const options = Object.defineProperty({}, 'strict', bomb);
    const sly = Object.defineProperty([...shape], 2, bomb);
    for (const call of [
      () => raw.convForwardAsync(handle, input, shape, weight, 1, bias, options),
      () => raw.convForwardAsync(handle, input, sly, weight, 1, bias),
    ]) {
      assert.throws(call, (error) => error === mine);
    }
    throws('ERR_NNCONV_BUFFER', () =>
      raw.convForwardAsync(handle, detachedArray(32), shape, weight, 1, bias),
    );
    assert.deepEqual(
      (await addon.convForwardAsync(handle, input, shape, weight, 1, bias).promise).data,
      expected,
    );
  },

  async 'a then on every object'() {
    let calls = 0;
    Object.defineProperty(Object.prototype, 'then', {
      configurable: true,
      get() {
        if (++calls < 50) {
          addon.cancelTask(queued().task);
          stillRight();
        }
        return undefined;
      },
    });
    try {
      await Promise.all(Array.from({ length: 20 }, () => queued().promise.catch(() => undefined)));
    } finally {
      delete (Object.prototype as any).then;
    }
    assert(calls > 0);
  },

  async 'tasks cancelled again and again, and late'() {
    const tasks = Array.from({ length: 50 }, () => queued());
    for (let i = 0; i < 3; i++) for (const { task } of tasks) addon.cancelTask(task);
    await Promise.allSettled(tasks.map(({ promise }) => promise));
    for (const { task } of tasks) assert.equal(addon.cancelTask(task), false);
    await idle();
  },

  async 'a thousand runs taken back leave nothing behind'() {
    const floats = 1 << 18; // a megabyte
    const made = addon.convCreate({ ...spec, inChannels: 1, outChannels: 1, kernel: [1, 1] });
    const x = new Float32Array(floats);
    const one = new Float32Array(1);
    const cycle = async (count: number): Promise<number> => {
      for (let i = 0; i < count; i += 50) {
        const runs = Array.from({ length: 50 }, () =>
          addon.convForwardAsync(made, x, [1, 1, 512, 512], one, 1, null),
        );
        for (const { task } of runs.reverse()) addon.cancelTask(task);
        await Promise.allSettled(runs.map(({ promise }) => promise));
      }
      await new Promise(setImmediate);
      return process.memoryUsage().rss / 2 ** 20;
    };
    const before = await cycle(300);
    const after = await cycle(1000);
    assert(after - before < 200, `${before} MB, then ${after} MB`);
  },

  async 'results that nobody waits for, and handles that go first'() {
    for (let i = 0; i < 300; i++) {
      const made = addon.convCreate(spec);
      if (addon.queueInfo().waiting < 200) {
        void addon.convForwardAsync(made, input.slice(), shape, weight.slice(), 1, bias.slice());
      }
      if (i % 20 === 0) {
        (globalThis as any).gc?.();
        await new Promise(setImmediate);
      }
    }
  },

  'a process ends by itself when its runs have'() {
    process.exitCode = 1;
    // Nothing else keeps the event loop busy.
    void slow().promise.then(() => (process.exitCode = 0));
  },

  async 'exit in mid-run'() {
    for (let i = 0; i < 5; i++) slow();
    await running();
    process.exit(0);
  },

  async 'exit in mid-run of a worker'() {
    const busy = worker(`for (let i = 0; i < 5; i++) slow(); parentPort.postMessage(1);`);
    await new Promise((resolve) => busy.once('message', resolve));
    await running();
    process.exit(0);
  },

  async 'an error that nobody catches in mid-run'() {
    process.on('uncaughtException', () => process.exit(0));
    for (let i = 0; i < 5; i++) slow();
    await running();
    setImmediate(() => {
      throw new Error('uncaught');
    });
    await slow().promise;
  },

  async 'workers that exit in mid-run'() {
    for (let round = 0; round < 4; round++) {
      const workers = [0, 1, 2].map(() =>
        worker(`for (let i = 0; i < 5; i++) slow(); setTimeout(() => process.exit(), 5);`),
      );
      await Promise.all(workers.map(exited));
      stillRight();
    }
    await idle();
  },

  async 'workers that are terminated in mid-run'() {
    const mine = queued();
    for (let round = 0; round < 12; round++) {
      const workers = [0, 1, 2].map(() =>
        worker(`
          for (let i = 0; i < 5; i++) slow();
          parentPort.postMessage(1);
        `),
      );
      const own = slow();
      await Promise.all(
        workers.map(async (busy, i) => {
          await new Promise((resolve) => busy.once('message', resolve));
          if (i > 0) await new Promise((resolve) => setTimeout(resolve, 5 * i));
          await busy.terminate();
        }),
      );
      // What is left is this thread's own.
      assert(addon.queueInfo().waiting <= 1);
      if (addon.cancelTask(own.task)) {
        await assert.rejects(own.promise, { code: 'ERR_NNCONV_CANCELLED' });
      }
    }
    await mine.promise;
    assert.deepEqual(
      (await addon.convForwardAsync(handle, input, shape, weight, 1, bias).promise).data,
      expected,
    );
  },

  async 'threads changed and synchronous calls made in mid-run'() {
    const first = addon.convForward(handle, input, shape, weight, 1, bias).data;
    const runs = [slow(), slow()];
    let done = false;
    const all = Promise.all(runs.map(({ promise }) => promise)).then((results) => {
      done = true;
      return results;
    });
    for (let i = 0; !done; i++) {
      addon.setNumThreads(1 + (i % 4));
      assert.deepEqual(addon.convForward(handle, input, shape, weight, i, bias).data, first);
      await new Promise(setImmediate);
    }
    const [a, b] = await all;
    assert.deepEqual(a.data, b.data);
    addon.setNumThreads(2);
  },
};
