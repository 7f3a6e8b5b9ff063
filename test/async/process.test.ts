/** Asynchronous runs where the system refuses threads, and what idle ones cost. */
import { spawnSync } from 'node:child_process';

import { addonPath } from '../support/addon';

const COMMON = `
  const addon = require(${JSON.stringify(addonPath)});
  const spec = {
    transposed: false, inChannels: 16, outChannels: 16, groups: 1, kernel: [3, 3], stride: [1, 1],
    dilation: [1, 1], padLow: [1, 1], padHigh: [1, 1], outputPadding: [0, 0], paddingMode: 'zeros',
  };
  const handle = addon.convCreate(spec);
  // Enough work for several threads of any CPU.
  const shape = [1, 16, 160, 160];
  const x = Float32Array.from({ length: 16 * 160 * 160 }, (_, i) => (i % 7) - 3);
  const weight = Float32Array.from({ length: 16 * 16 * 9 }, (_, i) => (i % 5) - 2);
  const run = () => addon.convForwardAsync(handle, x, shape, weight, 1, null);
`;

function node(code: string) {
  const script = `${COMMON} (async () => { ${code} })();`;
  return spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 50_000 });
}

const works = (command: string) => spawnSync(command, ['--version']).status === 0;
// A limit on processes doesn't bind root.
const limited = process.getuid?.() === 0 && works('prlimit') ? test : test.skip;

limited('where no thread can be had, runs are made at once, with one warning of each kind', () => {
  const { status, stdout, stderr } = node(`
    const { execFileSync } = require('node:child_process');
    execFileSync('prlimit', ['--pid', String(process.pid), '--nproc=1:1']);
    process.setgid(65534);
    process.setuid(65534);
    addon.setNumThreads(4);
    const first = run();
    const { running, waiting } = addon.queueInfo();
    const results = await Promise.all([first, run(), run()].map(({ promise }) => promise));
    const expected = addon.convForward(handle, x, shape, weight, 1, null).data;
    const same = results.every(({ data }) => Buffer.compare(
      Buffer.from(data.buffer), Buffer.from(expected.buffer)) === 0);
    console.log(JSON.stringify({ running, waiting, same, late: addon.cancelTask(first.task) }));
  `);
  expect(stderr.match(/NnconvWarning: .* refuses a thread .* block the event loop/g)).toHaveLength(
    1,
  );
  expect(stderr.match(/NnconvWarning: .* refuses threads .* use 1 instead of 4/g)).toHaveLength(1);
  expect(stderr.match(/NnconvWarning/g)).toHaveLength(2);
  expect(JSON.parse(stdout)).toEqual({ running: false, waiting: 0, same: true, late: false });
  expect(status).toBe(0);
});

test('idle threads use no time, and their number stays', () => {
  const { status, stdout, stderr } = node(`
    const fs = require('node:fs');
    const threads = () => process.platform === 'linux' ? fs.readdirSync('/proc/self/task').length : 0;
    for (let i = 0; i < 20; i++) await run().promise;
    const before = threads();
    for (let i = 0; i < 200; i++) await run().promise;
    const after = threads();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const usage = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const { user, system } = process.cpuUsage(usage);
    console.log(JSON.stringify({ before, after, milliseconds: (user + system) / 1000 }));
  `);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const { before, after, milliseconds } = JSON.parse(stdout) as Record<string, number>;
  expect(after).toBe(before);
  expect(milliseconds).toBeLessThan(30);
});

test('libuv threads stay free for others', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      '-e',
      `${COMMON} (async () => {
        const slow = Array.from({ length: 8 }, () =>
          addon.convForwardAsync(handle, x, shape, weight, 1, null, { algorithm: 'reference' }));
        let settled = 0;
        for (const { promise } of slow) promise.then(() => settled++);
        await require('node:fs/promises').readFile(${JSON.stringify(addonPath)});
        require('node:assert').ok(settled < slow.length, 'the file came last');
      })();`,
    ],
    { encoding: 'utf8', env: { ...process.env, UV_THREADPOOL_SIZE: '1' } },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
