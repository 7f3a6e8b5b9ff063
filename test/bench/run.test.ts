/** The benchmark's command line, and a short run of it. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { readArguments } from '../../bench/arguments';
import { geometricMean, interleave, relativeError } from '../../bench/measure';
import type { Report } from '../../bench/report';
import { binding } from '../../lib/binding';

const read = (...args: string[]) => readArguments(args, {});

test('defaults', () => {
  expect(read()).toEqual({
    threads: 1,
    seconds: 1,
    shapes: ['layers'],
    filter: '',
    peers: [],
    python: 'python3',
    isa: undefined,
    cold: false,
    json: false,
    save: false,
  });
  expect(read('--help')).toBeUndefined();
});

test('options that may be given more than once, and groups of shapes', () => {
  const settings = read(
    ...['--peer', 'pytorch', '--peer', 'onnxruntime-node', '--peer', 'pytorch'],
    ...['--shapes', 'kinds', '--shapes', 'resnet18', '--shapes', 'kinds/1x1'],
  )!;
  expect(settings.peers).toEqual(['pytorch', 'onnxruntime-node']);
  expect(settings.shapes).toContain('kinds/3d');
  expect(settings.shapes.at(-1)).toBe('resnet18');
  expect(read('--shapes', 'networks')!.shapes).not.toContain('layers');
});

test('the Python', () => {
  expect(readArguments([], { NNCONV_BENCH_PYTHON: '/a/python' })!.python).toBe('/a/python');
  const both = readArguments(['--python', '/b'], { NNCONV_BENCH_PYTHON: '/a/python' })!;
  expect(both.python).toBe('/b');
});

test.each([
  [['--threads', '0'], /--threads must be an integer from 1 to 1024, got '0'/],
  [['--threads', '1.5'], /--threads must be/],
  [['--threads', ''], /--threads must be/],
  [['--seconds', '0'], /--seconds must be positive, got '0'/],
  [['--seconds', 'Infinity'], /--seconds must be positive/],
  [['--peer', 'toString'], /--peer: no 'toString'; there is: onnxruntime-node, pytorch/],
  [['--shapes', 'nothing'], /--shapes: no 'nothing'; there is: all, kinds, networks, /],
  [['--bogus'], /--bogus/],
  [['layer'], /layer/],
])('%j is refused', (args, message) => {
  expect(() => read(...args)).toThrow(message);
});

test('timing takes turns until every side has had its time', async () => {
  const turns: number[] = [];
  const side = (name: number, ms: number) => ({
    output: () => new Float32Array(0),
    block: () => (turns.push(name), Promise.resolve([ms, 3 * ms, 2 * ms])),
  });
  const [first, second] = await interleave([side(0, 2), side(1, 4)], 0.013);
  expect(turns).toEqual([0, 1, 0, 1]); // 12 ms were not enough
  expect(first).toEqual({ median: 4, low: 2, high: 6, calls: 6 });
  expect(second.median).toBe(8);
});

test('errors and means', () => {
  expect(relativeError(Float32Array.of(1, -4), Float32Array.of(1.5, -4))).toBe(0.125);
  expect(relativeError(Float32Array.of(1, NaN), Float32Array.of(1, 2))).toBeNaN();
  expect(relativeError(new Float32Array(1), new Float32Array(2))).toBe(Infinity);
  expect(geometricMean([1, 4])).toBeCloseTo(2);
});

test('the peak is a speed', () => {
  const peak = binding().fmaPeak(0.01);
  expect(peak).toBeGreaterThan(0.1);
  expect(peak).toBeLessThan(10_000);
});

const run = (...args: string[]) => {
  const script = path.join(__dirname, '..', '..', 'bench', 'run.ts');
  const flags = ['-r', 'ts-node/register/transpile-only', script, '--seconds', '0.001'];
  return spawnSync(process.execPath, [...flags, ...args], { encoding: 'utf8', timeout: 50_000 });
};

test('a run', () => {
  const { stdout, stderr, status } = run(
    '--json',
    '--cold',
    '--isa',
    'baseline',
    '--filter',
    'mbv2_dw14',
  );
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  const report = JSON.parse(stdout) as Report;
  expect(report).toMatchObject({ isa: 'baseline', threads: 1, filter: 'mbv2_dw14', peers: [] });
  const [row] = report.rows;
  // Three rows and columns of taps, less those beyond the borders of 14x14.
  expect(row).toMatchObject({ algorithm: 'blocked_depthwise', macs: 384 * (3 * 14 - 2) ** 2 });
  expect(row.nnconv.median).toBeGreaterThan(0);
  expect(report.peak).toBeGreaterThan((2e-6 * row.macs) / row.nnconv.low);
});

test.each([
  [['--isa', 'mmx'], /^bench: --isa: NNCONV_ISA must name .*'mmx'\n$/],
  [['--filter', 'nothing'], /^bench: --filter: no layer of layers has 'nothing' in/],
  [
    ['--filter', 'mbv2_dw14', '--peer', 'pytorch', '--python', '/no/python'],
    /^bench: pytorch: .*ENOENT; '\/no\/python' \(--python, NNCONV_BENCH_PYTHON\) must have bench/,
  ],
])('%j fails with one line', (args, message) => {
  const { stdout, stderr, status } = run(...args);
  expect({ stdout, status }).toEqual({ stdout: '', status: 1 });
  expect(stderr).toMatch(message);
});
