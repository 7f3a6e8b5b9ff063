/** Which requests share a run, and what becomes of those that nobody waits for. */
import { Batcher, type BatcherOptions, plannedSizes } from '../../lib/serve/batcher';
import type { InferInput } from '../../lib/serve/protocol/request';
import type { OutputTensor } from '../../lib/serve/protocol/response';
import { Staging } from '../../lib/serve/staging';
import { until } from './support';

interface PendingRun {
  inputs: readonly OutputTensor[];
  cancelled: boolean;
  finish: () => void;
  fail: (error: Error) => void;
}

/** A batcher whose runs end when the test says so; each doubles its input. */
function make(options: Partial<BatcherOptions> = {}) {
  const runs: PendingRun[] = [];
  const batcher = new Batcher({
    batched: true,
    maxBatchSize: 4,
    maxDelayMs: 0,
    maxQueue: 100,
    run: (requests) => {
      const inputs = new Staging().merge(requests).map(({ data, shape }) => ({ data, shape }));
      let cancel!: () => void;
      const outputs = new Promise<readonly OutputTensor[]>((resolve, reject) => {
        const run: PendingRun = {
          inputs,
          cancelled: false,
          finish: () =>
            resolve(inputs.map(({ data, shape }) => ({ data: data.map((x) => 2 * x), shape }))),
          fail: reject,
        };
        cancel = () => {
          run.cancelled = true;
          reject(new Error('cancelled'));
        };
        runs.push(run);
      });
      return { outputs, cancel };
    },
    ...options,
  });
  return { batcher, runs };
}

/** Rows of two numbers, the first of which is `first`. */
const rows = (first: number, count = 1): InferInput[] => [
  {
    data: Float32Array.from({ length: 2 * count }, (_, i) => first + i),
    shape: [count, 2],
  },
];

const turn = () => new Promise((resolve) => setImmediate(resolve));
const firsts = (run: PendingRun) => Array.from(run.inputs[0].data).filter((_, i) => i % 2 === 0);

test('a run is told how many rows its requests have in all', async () => {
  const told: number[][] = [];
  const run: BatcherOptions['run'] = (requests, count) => {
    told.push([requests.length, count]);
    return {
      outputs: Promise.resolve([{ data: new Float32Array(2 * count), shape: [count, 2] }]),
      cancel: () => undefined,
    };
  };
  const { batcher } = make({ run });
  await Promise.all([rows(10), rows(20, 2)].map((inputs) => batcher.submit(inputs).result));
  const { batcher: single } = make({ run, batched: false });
  await single.submit(rows(30, 3)).result;
  expect(told.at(-1)).toEqual([1, 1]);
  expect(told.slice(0, -1).reduce((total, [, count]) => total + count, 0)).toBe(3);
});

test('requests that come together share a run, and each gets its own rows', async () => {
  const { batcher, runs } = make();
  const tickets = [rows(10), rows(20, 2), rows(30)].map((inputs) => batcher.submit(inputs));
  await until(() => runs.length === 1);
  expect(runs[0].inputs[0].shape).toEqual([4, 2]);
  expect(Array.from(runs[0].inputs[0].data)).toEqual([10, 11, 20, 21, 22, 23, 30, 31]);
  runs[0].finish();
  const results = await Promise.all(tickets.map(({ result }) => result));
  expect(results.map(([{ shape }]) => shape)).toEqual([
    [1, 2],
    [2, 2],
    [1, 2],
  ]);
  expect(results.map(([{ data }]) => Array.from(data))).toEqual([
    [20, 22],
    [40, 42, 44, 46],
    [60, 62],
  ]);
});

test('while a run is under way the others gather; a full batch is made ready', async () => {
  const { batcher, runs } = make();
  batcher.submit(rows(1));
  await until(() => runs.length === 1);
  for (const first of [2, 3, 4]) batcher.submit(rows(first));
  await turn();
  await turn();
  expect(runs).toHaveLength(1);
  for (const first of [5, 6]) batcher.submit(rows(first));
  await until(() => runs.length === 2);
  expect(firsts(runs[1])).toEqual([2, 3, 4, 5]);
  expect(batcher.queued).toBe(1);
  runs[0].finish();
  await turn();
  expect(runs).toHaveLength(2);
  runs[1].finish();
  await until(() => runs.length === 3);
  expect(firsts(runs[2])).toEqual([6]);
});

test('enough rows are a run at once, up to two full batches under way', async () => {
  const { batcher, runs } = make({ maxBatchSize: 32 });
  const submit = (count: number) => {
    for (let i = 0; i < count; i++) batcher.submit(rows(i));
  };
  const sizes = () => runs.map(({ inputs }) => inputs[0].shape[0]);
  submit(15);
  expect(sizes()).toEqual([]);
  submit(50);
  expect(sizes()).toEqual([16, 16, 16, 16]);
  submit(40);
  await turn();
  await turn();
  expect(sizes()).toHaveLength(4);
  expect(batcher.queued).toBe(41);
  runs[0].finish();
  await turn();
  // There is a full one now, which has no room beside three others.
  expect(sizes()).toHaveLength(4);
  runs[1].finish();
  await until(() => runs.length === 5);
  expect(sizes()[4]).toBe(32);
});

test('enough rows wait for more where requests may be delayed', async () => {
  const { batcher, runs } = make({ maxBatchSize: 32, maxDelayMs: 60_000 });
  for (let i = 0; i < 31; i++) batcher.submit(rows(i));
  await turn();
  expect(runs).toHaveLength(0);
  batcher.submit(rows(31));
  await until(() => runs.length === 1);
  for (let i = 0; i < 20; i++) batcher.submit(rows(i));
  await turn();
  expect(runs).toHaveLength(1);
});

test('a request waits for others as long as it may', async () => {
  const { batcher, runs } = make({ maxDelayMs: 60_000 });
  for (const first of [1, 2, 3]) batcher.submit(rows(first));
  await turn();
  await turn();
  expect(runs).toHaveLength(0);
  batcher.submit(rows(4));
  await until(() => runs.length === 1);
  expect(firsts(runs[0])).toEqual([1, 2, 3, 4]);
  const short = make({ maxDelayMs: 10 });
  short.batcher.submit(rows(1));
  await until(() => short.runs.length === 1);
});

test('other shapes run apart, the oldest first', async () => {
  const { batcher, runs } = make();
  const wide: InferInput[] = [{ data: new Float32Array(3), shape: [1, 3] }];
  batcher.submit(rows(1));
  batcher.submit(wide);
  batcher.submit(rows(2));
  await until(() => runs.length === 1);
  expect(firsts(runs[0])).toEqual([1, 2]);
  runs[0].finish();
  await until(() => runs.length === 2);
  expect(runs[1].inputs[0].shape).toEqual([1, 3]);
});

test('without a batch dimension each request has a run of its own', async () => {
  const { batcher, runs } = make({ batched: false });
  const inputs: InferInput[] = [{ data: Float32Array.of(1, 2), shape: [2] }];
  const tickets = [batcher.submit(inputs), batcher.submit(inputs)];
  await until(() => runs.length === 2);
  expect(runs[0].inputs[0].shape).toEqual([2]);
  runs.forEach((run) => run.finish());
  for (const { result } of tickets) expect(Array.from((await result)[0].data)).toEqual([2, 4]);
});

test('large batches have a few sizes', async () => {
  expect(plannedSizes(4)).toEqual([1, 2, 3, 4]);
  expect(plannedSizes(24)).toEqual([1, 2, 4, 8, 16, 24]);
  const { batcher, runs } = make({ maxBatchSize: 24 });
  for (let first = 1; first <= 7; first++) batcher.submit(rows(first));
  await until(() => runs.length === 1);
  expect(firsts(runs[0])).toEqual([1, 2, 3, 4]);
});

test('a full queue refuses, and says when to come back', async () => {
  const { batcher, runs } = make({ maxQueue: 2, maxBatchSize: 1 });
  batcher.submit(rows(1));
  batcher.submit(rows(2));
  expect(batcher.full).toBe(true);
  expect(() => batcher.submit(rows(3))).toThrow(
    expect.objectContaining({ statusCode: 503, retryAfter: expect.any(Number) }),
  );
  await until(() => runs.length === 2);
  expect(batcher.full).toBe(false);
});

test('one that waits and is cancelled never runs', async () => {
  const { batcher, runs } = make({ maxDelayMs: 60_000, maxBatchSize: 2 });
  const first = batcher.submit(rows(1));
  first.cancel(new Error('left'));
  await expect(first.result).rejects.toThrow('left');
  expect(batcher.queued).toBe(0);
  batcher.submit(rows(2));
  batcher.submit(rows(3));
  await until(() => runs.length === 1);
  expect(firsts(runs[0])).toEqual([2, 3]);
});

test('a run is aborted when nobody waits for it any more, and not before', async () => {
  const { batcher, runs } = make();
  const [first, second] = [batcher.submit(rows(1)), batcher.submit(rows(2))];
  await until(() => runs.length === 1);
  first.cancel(new Error('left'));
  await expect(first.result).rejects.toThrow('left');
  expect(runs[0].cancelled).toBe(false);
  second.cancel(new Error('gone'));
  await expect(second.result).rejects.toThrow('gone');
  expect(runs[0].cancelled).toBe(true);
  await batcher.idle();
});

test('to cancel what is done does nothing', async () => {
  const { batcher, runs } = make();
  const ticket = batcher.submit(rows(1));
  await until(() => runs.length === 1);
  runs[0].finish();
  await ticket.result;
  ticket.cancel(new Error('late'));
  expect(Array.from((await ticket.result)[0].data)).toEqual([2, 4]);
});

test('an error is that of all requests of the run, and of no other', async () => {
  const { batcher, runs } = make({ maxBatchSize: 2 });
  const tickets = [1, 2, 3].map((first) => batcher.submit(rows(first)));
  await until(() => runs.length === 1);
  runs[0].fail(new Error('broken'));
  await expect(tickets[0].result).rejects.toThrow('broken');
  await expect(tickets[1].result).rejects.toThrow('broken');
  await until(() => runs.length === 2);
  runs[1].finish();
  expect(Array.from((await tickets[2].result)[0].data)).toEqual([6, 8]);
});

test('a run that can not begin is an error of its requests, and the next one begins', async () => {
  let calls = 0;
  const { batcher } = make({
    maxBatchSize: 1,
    run: () => {
      if (calls++ === 0) throw new Error('no memory');
      const outputs = Promise.resolve([{ data: Float32Array.of(5, 6), shape: [1, 2] }]);
      return { outputs, cancel: () => undefined };
    },
  });
  const [first, second] = [batcher.submit(rows(1)), batcher.submit(rows(2))];
  await expect(first.result).rejects.toThrow('no memory');
  expect(Array.from((await second.result)[0].data)).toEqual([5, 6]);
  await batcher.idle();
});

test('idle when all is answered; all can be given up', async () => {
  const { batcher, runs } = make({ maxBatchSize: 1 });
  await batcher.idle();
  const tickets = [1, 2, 3, 4].map((first) => batcher.submit(rows(first)));
  await until(() => runs.length === 2);
  let idle = false;
  const waiting = batcher.idle().then(() => (idle = true));
  await turn();
  expect(idle).toBe(false);
  const outcomes = Promise.allSettled(tickets.map(({ result }) => result));
  batcher.abortAll(new Error('over'));
  expect((await outcomes).map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
  await waiting;
  expect(runs.map(({ cancelled }) => cancelled)).toEqual([true, true]);
});

test('events tell rows, waits and contexts', async () => {
  const events: unknown[] = [];
  const { batcher, runs } = make({
    events: {
      onStart: ({ rows: count, contexts, waits }) => events.push([count, contexts, waits.length]),
      onEnd: ({ rows: count }, error) => events.push([count, error]),
    },
  });
  batcher.submit(rows(1), 'a');
  const { result } = batcher.submit(rows(2, 2), 'b');
  await until(() => runs.length === 1);
  runs[0].finish();
  await result;
  expect(events).toEqual([
    [3, ['a', 'b'], 2],
    [3, undefined],
  ]);
});
