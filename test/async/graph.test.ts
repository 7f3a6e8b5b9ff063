/** Whole networks on the addon's thread, through the addon itself. */
import { binding } from '../../lib/binding';
import type { GraphHandle, Shaped } from '../../lib/binding';
import { queueInfo, reasonOf, startedSlowRun, stopped, until } from '../support/async';
import { normal } from '../support/hashfill';

const addon = binding() as any;

const conv = (channels: number, weight: Float32Array, from: number) => ({
  op: 'conv',
  spec: {
    transposed: false,
    inChannels: channels,
    outChannels: channels,
    groups: 1,
    kernel: [3, 3],
    stride: [1, 1],
    dilation: [1, 1],
    padLow: [1, 1],
    padHigh: [1, 1],
    outputPadding: [0, 0],
    paddingMode: 'zeros',
  },
  weight,
  bias: null,
  norm: null,
  strict: false,
  adds: false,
  cut: null,
  inputs: [from],
});

/** `depth` convolutions one after another, and the sum of the last two. */
function network(channels: number, depth: number): GraphHandle {
  const nodes: object[] = Array.from({ length: depth }, (_, i) =>
    conv(channels, normal(i + 1, channels * channels * 9), i),
  );
  nodes.push({ op: 'binary', kind: 'add', inputs: [depth - 1, depth] });
  return addon.graphCreate(1, nodes, [depth + 1, depth], null) as GraphHandle;
}

const numbers = (outputs: Shaped[]) =>
  outputs.map(({ data, shape }) => [shape, Buffer.from(data.buffer).toString('base64')]);

test.each([1, 2, 0])('equals graphRun bit for bit on %i threads', async (threads) => {
  const graph = network(16, 4);
  for (const size of [5, 20, 33]) {
    const shape = [2, 16, size, size];
    const x = normal(7, 2 * 16 * size * size);
    const expected = numbers(addon.graphRun(graph, [x], [shape], threads));
    const run = addon.graphRunAsync(graph, [x], [shape], threads);
    x.fill(NaN);
    expect(numbers(await run.promise)).toEqual(expected);
  }
});

test('runs of one graph in a row, while it runs here too, and is disposed of', async () => {
  const graph = network(16, 4);
  const shapes = [9, 30, 12, 40].map((size) => [1, 16, size, size]);
  const inputs = shapes.map(([, , size], i) => normal(i + 1, 16 * size * size));
  const expected = shapes.map((shape, i) =>
    numbers(addon.graphRun(graph, [inputs[i]], [shape], 0)),
  );
  const runs = shapes.map(
    (shape, i) => addon.graphRunAsync(graph, [inputs[i]], [shape], 0).promise,
  );
  for (let i = 0; i < shapes.length; i++) {
    expect(numbers(addon.graphRun(graph, [inputs[i]], [shapes[i]], 0))).toEqual(expected[i]);
  }
  const blocker = await startedSlowRun();
  runs.push(addon.graphRunAsync(graph, [inputs[0]], [shapes[0]], 0).promise);
  addon.graphDispose(graph);
  await stopped(blocker);
  expected.push(expected[0]);
  expect((await Promise.all(runs)).map(numbers)).toEqual(expected);
});

test('a run that is cancelled stops between steps, and the graph runs on', async () => {
  const graph = network(64, 60);
  const shape = [1, 64, 128, 128];
  const x = new Float32Array(64 * 128 * 128);
  addon.graphRun(graph, [x], [shape], 0);
  for (let i = 0; i < 3; i++) {
    const { promise, task } = addon.graphRunAsync(graph, [x], [shape], 0);
    await until(() => queueInfo().running && queueInfo().waiting === 0);
    expect(addon.cancelTask(task)).toBe(true);
    expect(await reasonOf(promise)).toMatchObject({ code: 'ERR_NNCONV_CANCELLED' });
    expect(addon.cancelTask(task)).toBe(false);
  }
  const small = normal(1, 64 * 25);
  const expected = numbers(addon.graphRun(graph, [small], [[1, 64, 5, 5]], 0));
  const run = addon.graphRunAsync(graph, [small], [[1, 64, 5, 5]], 0);
  expect(numbers(await run.promise)).toEqual(expected);
});

test('wrong calls throw and queue nothing', () => {
  const graph = network(4, 1);
  const shape = [1, 4, 5, 5];
  const code = (name: string) => expect.objectContaining({ code: name }) as Error;
  expect(() => addon.graphRunAsync({}, [], [], 0)).toThrow(code('ERR_NNCONV_ARG_TYPE'));
  expect(() => addon.graphRunAsync(graph, [], [], 0)).toThrow(code('ERR_NNCONV_ARG_VALUE'));
  expect(() => addon.graphRunAsync(graph, [new Float32Array(3)], [shape], 0)).toThrow(
    code('ERR_NNCONV_SHAPE'),
  );
  expect(() => addon.graphRunAsync(graph, [new Float32Array(100)], [shape], -1)).toThrow(
    code('ERR_NNCONV_ARG_VALUE'),
  );
  addon.graphDispose(graph);
  expect(() => addon.graphRunAsync(graph, [new Float32Array(100)], [shape], 0)).toThrow(
    code('ERR_NNCONV_ARG_VALUE'),
  );
});
