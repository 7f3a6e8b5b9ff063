/** A process that ends, or is short of something, while nnconv works in it. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const { linkAddon, writePlain } = require('../../scripts/plain-lib');

const root = path.resolve(__dirname, '..', '..');
const folders: string[] = [];

/** The package in a folder of its own, as JavaScript and with a copy of the addon. */
function copyOfPackage(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-copy-'));
  folders.push(folder);
  writePlain('lib', path.join(folder, 'lib'));
  linkAddon(folder);
  const build = path.join(folder, 'build');
  const real = fs.realpathSync(build);
  fs.unlinkSync(build);
  for (const kind of ['Release', 'Debug']) {
    const addon = path.join(real, kind, 'nnconv.node');
    if (!fs.existsSync(addon)) continue;
    fs.mkdirSync(path.join(build, kind), { recursive: true });
    fs.copyFileSync(addon, path.join(build, kind, 'nnconv.node'));
  }
  fs.symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  // Whoever runs as another user has to read it.
  fs.chmodSync(folder, 0o755);
  return path.join(folder, 'lib');
}

const lib = copyOfPackage();
afterAll(() => folders.forEach((folder) => fs.rmSync(folder, { recursive: true })));

const COMMON = `
  const lib = require(${JSON.stringify(lib)});
  const { compile, nn, rand, setNumThreads } = lib;
  const model = new nn.Sequential(
    new nn.Conv2d(16, 64, 3), new nn.ReLU(), new nn.Conv2d(64, 64, 3), new nn.ReLU());
  const session = compile(model.eval());
  const x = rand([1, 16, 120, 120]);
`;

function run(code: string, command: string[] = []) {
  const [program, ...args] = [
    ...command,
    process.execPath,
    '-e',
    `${COMMON}\n(async () => {${code}})();`,
  ];
  const { status, signal, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: 50_000,
  });
  return { status, signal, stdout, stderr };
}

const clean = { status: 0, signal: null, stderr: '' };
const WAYS = {
  'a layer on the event loop': 'const go = () => { model.forward(x); setImmediate(go); }; go();',
  'a layer on its own thread':
    'const go = () => { model.getSubmodule("0").forwardAsync(x).then(go, () => 0); }; for (let i = 0; i < 9; i++) go();',
  'a session on its own thread':
    'const go = () => { session.runAsync(x).then(go, () => 0); }; for (let i = 0; i < 9; i++) go();',
  'a worker': `
    const { Worker } = require('node:worker_threads');
    new Worker(\`
      const { nn, rand } = require(${JSON.stringify(lib)});
      const layer = new nn.Conv2d(16, 64, 3);
      const x = rand([1, 16, 120, 120]);
      for (let i = 0; ; i++) { layer.forwardAsync(x).catch(() => 0); layer.forward(x); }
    \`, { eval: true });`,
};

describe.each(Object.entries(WAYS))('in the middle of %s', (_, work) => {
  test.each([1, 60, 350])('process.exit() after %i ms', (delay) => {
    const { status, signal, stderr } = run(`setTimeout(() => process.exit(7), ${delay}); ${work}`);
    expect({ status, signal, stderr }).toEqual({ status: 7, signal: null, stderr: '' });
  });

  test.each([60, 350])('SIGTERM after %i ms', (delay) => {
    const { status, signal, stderr } = run(
      `setTimeout(() => process.kill(process.pid, 'SIGTERM'), ${delay}); ${work}`,
    );
    expect({ status, signal, stderr }).toEqual({ status: null, signal: 'SIGTERM', stderr: '' });
  });
});

test('SIGTERM that is handled: what waits is finished first', () => {
  const { stdout, ...rest } = run(`
    const runs = Array.from({ length: 20 }, () => session.runAsync(x));
    process.once('SIGTERM', async () => {
      await Promise.all(runs);
      console.log(runs.length);
    });
    process.kill(process.pid, 'SIGTERM');
    setTimeout(() => 0, 200);
  `);
  expect(rest).toEqual(clean);
  expect(stdout).toBe('20\n');
});

test('an error that nobody catches, with runs under way', () => {
  const { status, signal, stderr } = run(`
    for (let i = 0; i < 20; i++) session.runAsync(x);
    setTimeout(() => { throw new Error('mine'); }, 20);
  `);
  expect({ status, signal }).toEqual({ status: 1, signal: null });
  expect(stderr).toMatch(/Error: mine/);
});

test('two copies of the package in one process', () => {
  const { stdout, ...rest } = run(`
    const other = require(${JSON.stringify(copyOfPackage())});
    if (other.nn.Conv2d === nn.Conv2d) throw new Error('one copy');
    const weights = Float32Array.from({ length: 144 }, (_, i) => (i % 7) - 3);
    const values = Float32Array.from({ length: 2000 }, (_, i) => (i % 5) - 2);
    const call = (copy) => copy.nn.functional.conv2d(
      copy.tensor(values, [1, 4, 20, 25]), copy.tensor(weights, [4, 4, 3, 3]));
    const results = await Promise.all([lib, other, lib, other].map(async (copy, i) => {
      const layer = new copy.nn.Conv2d(4, 4, 3, { bias: false });
      layer.loadStateDict({ weight: copy.tensor(weights, [4, 4, 3, 3]) });
      const input = copy.tensor(values, [1, 4, 20, 25]);
      const { data } = await copy.compile(layer.eval()).runAsync(input);
      return String(data) === String(call(copy).data) && String(data) === String(call(lib).data);
    }));
    // A tensor of the other copy is no tensor, or works: no crash.
    try {
      new nn.Conv2d(4, 4, 3).forward(other.rand([1, 4, 9, 9]));
    } catch (error) {
      if (!/^ERR_NNCONV_/.test(error.code)) throw error;
    }
    console.log(String(results));
  `);
  expect(rest).toEqual(clean);
  expect(stdout).toBe('true,true,true,true\n');
});

describe('out of memory', () => {
  test('sizes that nobody has', () => {
    const { stdout, ...rest } = run(`
      const codes = [];
      const attempt = async (call) => {
        try {
          await call();
          codes.push('none');
        } catch (error) {
          codes.push(error.code ?? String(error));
        }
      };
      const huge = new nn.ConvTranspose2d(1, 1, 1, { stride: 2 ** 30 });
      const small = rand([1, 1, 3, 3]);
      await attempt(() => huge.forward(small));
      await attempt(() => huge.forwardAsync(small));
      await attempt(() => compile(huge.eval()).run(small));
      await attempt(() => compile(huge.eval()).runAsync(small));
      await attempt(() => nn.functional.pad(small, [2 ** 30, 2 ** 30, 2 ** 30, 2 ** 30]));
      await attempt(() => lib.zeros([2 ** 40]));
      await attempt(() => lib.rand([2 ** 33]));
      model.forward(x);
      console.log(JSON.stringify(codes));
    `);
    expect(rest).toEqual(clean);
    expect(JSON.parse(stdout)).toEqual(Array.from({ length: 7 }, () => 'ERR_NNCONV_ALLOC'));
  });

  const shell = process.platform === 'linux' ? test : test.skip;

  // Of data, not of addresses: V8 takes more of these than there is memory.
  shell.each([400, 600, 900])('a limit of %i MB', (megabytes) => {
    const { status, signal, stdout, stderr } = run(
      `
      const kept = [];
      const codes = new Set();
      for (let i = 0; i < 400 && codes.size === 0; i++) {
        try {
          kept.push(rand([1, 1, 1000, 1000]));
          kept.push(await new nn.Conv2d(1, 8, 1).forwardAsync(kept.at(-1)));
          kept.push(new nn.Conv2d(1, 8, 3).forward(kept.at(-2)));
          kept.push(compile(new nn.Conv2d(1, 8, 3).eval()).run(kept.at(-3)));
        } catch (error) {
          codes.add(error.code ?? String(error));
        }
      }
      kept.length = 0;
      const y = rand([1, 16, 8, 8]);
      process.stdout.write(JSON.stringify([...codes]) + String(model.forward(y).shape));
    `,
      ['bash', '-c', `ulimit -d ${megabytes * 1024}; exec "$@"`, 'bash'],
    );
    if (status === 0) {
      expect(stdout).toBe('["ERR_NNCONV_ALLOC"]1,64,4,4');
    } else {
      // V8 itself had too little: it says so, and aborts.
      expect(stderr).toMatch(/JavaScript heap out of memory|out of memory|Cannot create/i);
      expect(signal === 'SIGSEGV').toBe(false);
    }
  });
});

const works = (command: string) => spawnSync(command, ['--version']).status === 0;
// A limit on processes doesn't bind root: the child becomes somebody else.
const limited = process.getuid?.() === 0 && works('prlimit') ? describe : describe.skip;

limited('a limit on threads', () => {
  test.each([0, 1, 2, 3, 6])('%i more than there are', (more) => {
    const { status, signal, stdout, stderr } = run(`
      const { execFileSync } = require('node:child_process');
      const { readdirSync } = require('node:fs');
      const threads = () => readdirSync('/proc/self/task').length;
      setNumThreads(1);
      const expected = [session.run(x), model.forward(x)].map(({ data }) => String(data));
      const limit = threads() + ${more};
      execFileSync('prlimit', ['--pid', String(process.pid), '--nproc=' + limit + ':' + limit]);
      process.setgid(65534);
      process.setuid(64000 + ${more});
      setNumThreads(16);
      const results = [session.run(x), model.forward(x), await session.runAsync(x)];
      const right = results.map(({ data }) => expected.includes(String(data)));
      console.log(JSON.stringify({ right, more: threads() - limit <= 0 }));
    `);
    expect({ status, signal, stdout }).toEqual({
      status: 0,
      signal: null,
      stdout: '{"right":[true,true,true],"more":true}\n',
    });
    expect(
      stderr.match(/NnconvWarning: the system refuses threads .* use \d+ instead of 16/g),
    ).toHaveLength(1);
  });

  test('more of them once there is room', () => {
    const { stdout, ...rest } = run(`
      const { execFileSync, spawn } = require('node:child_process');
      const { once } = require('node:events');
      const { readdirSync } = require('node:fs');
      const threads = () => readdirSync('/proc/self/task').length;
      const uid = 64100;
      setNumThreads(1);
      const expected = String(session.run(x).data);
      process.setgid(65534);
      const others = Array.from({ length: 6 }, () => spawn('sleep', ['1000'], { uid }));
      await Promise.all(others.map((other) => once(other, 'spawn')));
      const before = threads();
      const limit = before + others.length;
      execFileSync('prlimit', ['--pid', String(process.pid), '--nproc=' + limit + ':' + limit]);
      process.setuid(uid);
      setNumThreads(4);
      const same = () => String(session.run(x).data) === expected;
      const counts = [same(), threads() - before];
      await Promise.all(others.map((other) => (other.kill(), once(other, 'exit'))));
      for (let i = 0; i < 100 && threads() - before < 3; i++) {
        if (!same()) throw new Error('another result');
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      console.log(JSON.stringify([...counts, same(), threads() - before]));
    `);
    expect(stdout).toBe('[true,0,true,3]\n');
    expect(rest).toMatchObject({ status: 0, signal: null });
    expect(rest.stderr).toMatch(/NnconvWarning: .* use 1 instead of 4/);
  });
});
