/** AbortSignal: before a run, while it waits, and while it runs. */
import { nn, ones, zeros } from '../../lib';
import type { AbortSignalLike, Tensor } from '../../lib';
import { binding } from '../../lib/binding';
import { queueInfo, reasonOf, slowRun, startedSlowRun, stopped, until } from '../support/async';

const layer = new nn.Conv2d(64, 64, 3, { padding: 1 });
/** Takes a tenth of a second. */
const large = ones([64, 384, 384]);
const small = zeros([64, 8, 8]);

/** A signal that counts its listeners. */
class Counting implements AbortSignalLike {
  listeners = new Set<() => void>();
  aborted = false;
  reason: unknown = undefined;
  addEventListener(_: string, listener: () => void) {
    this.listeners.add(listener);
  }
  removeEventListener(_: string, listener: () => void) {
    this.listeners.delete(listener);
  }
  abort(reason?: unknown) {
    this.aborted = true;
    this.reason = reason;
    for (const listener of this.listeners) listener();
  }
}

test('before: nothing is read or queued', async () => {
  const blocker = await startedSlowRun();
  const mine = new Error('mine');
  const signal = AbortSignal.abort(mine);
  expect(await reasonOf(layer.forwardAsync(small, { signal }))).toBe(mine);
  expect(await reasonOf(layer.forwardAsync('no tensor' as any, { signal }))).toBe(mine);
  expect(queueInfo().waiting).toBe(0);
  expect(await reasonOf(layer.forwardAsync(small, { signal: AbortSignal.abort() }))).toMatchObject({
    name: 'AbortError',
  });
  const transposed = new nn.ConvTranspose2d(1, 1, 1);
  expect(await reasonOf(transposed.forwardAsync(zeros([1, 1, 1]), null, { signal }))).toBe(mine);
  binding().cancelTask(blocker.task);
  expect(await reasonOf(blocker.promise)).toMatchObject({ code: 'ERR_NNCONV_CANCELLED' });
});

test('while it waits: it never runs, and the others do', async () => {
  const blocker = await startedSlowRun();
  const order: string[] = [];
  void blocker.promise.then(() => order.push('blocker'));
  const controllers = [0, 1, 2].map(() => new AbortController());
  const runs = controllers.map(({ signal }) => layer.forwardAsync(small, { signal }));
  expect(queueInfo()).toMatchObject({ waiting: 3, running: true });
  controllers[1].abort('because');
  expect(queueInfo().waiting).toBe(2);
  const reason = reasonOf(runs[1]).then((value) => (order.push('abort'), value));
  expect(await reason).toBe('because');
  await blocker.promise;
  expect(order).toEqual(['abort', 'blocker']);
  const expected = layer.forward(small).data;
  expect((await runs[0]).data).toEqual(expected);
  expect((await runs[2]).data).toEqual(expected);
});

test('while it runs: it rejects at once and stops soon', async () => {
  const expected = layer.forward(small).data;
  for (let i = 0; i < 5; i++) {
    const controller = new AbortController();
    const run = layer.forwardAsync(large, { signal: controller.signal });
    await until(() => queueInfo().running);
    const next = layer.forwardAsync(small);
    const mine = { reason: i };
    controller.abort(mine);
    expect(await reasonOf(run)).toBe(mine);
    expect((await next).data).toEqual(expected);
  }
});

test('a task that runs rejects when it has stopped, before its end', async () => {
  const started = performance.now();
  await slowRun().promise;
  const whole = performance.now() - started;
  const run = await startedSlowRun();
  const cancelled = performance.now();
  expect(binding().cancelTask(run.task)).toBe(true);
  expect(await reasonOf(run.promise)).toMatchObject({
    name: 'RangeError',
    code: 'ERR_NNCONV_CANCELLED',
  });
  expect(performance.now() - cancelled).toBeLessThan(whole * 0.8);
});

test('afterwards: nothing', async () => {
  const controller = new AbortController();
  const { shape } = await layer.forwardAsync(small, { signal: controller.signal });
  controller.abort();
  expect(shape).toEqual([64, 8, 8]);
});

test('a signal that times out', async () => {
  const blocker = await startedSlowRun();
  const run = layer.forwardAsync(small, { signal: AbortSignal.timeout(5) });
  expect(await reasonOf(run)).toMatchObject({ name: 'TimeoutError' });
  await stopped(blocker);
});

describe('listeners', () => {
  test('go when the run is done', async () => {
    const signal = new Counting();
    const run = layer.forwardAsync(small, { signal });
    expect(signal.listeners.size).toBe(1);
    await run;
    expect(signal.listeners.size).toBe(0);
  });

  test('go when it is aborted', async () => {
    const blocker = await startedSlowRun();
    const signal = new Counting();
    const run = layer.forwardAsync(small, { signal });
    signal.abort('why');
    expect(await reasonOf(run)).toBe('why');
    expect(signal.listeners.size).toBe(0);
    await stopped(blocker);
  });

  test('are one for all runs with the signal', async () => {
    const blocker = await startedSlowRun();
    const signal = new Counting();
    const runs = Array.from({ length: 20 }, () => layer.forwardAsync(small, { signal }));
    expect(signal.listeners.size).toBe(1);
    signal.abort('all');
    expect(await Promise.all(runs.map(reasonOf))).toEqual(runs.map(() => 'all'));
    expect(signal.listeners.size).toBe(0);
    await stopped(blocker);
  });

  test('go when it fails', async () => {
    const signal = new Counting();
    await reasonOf(layer.forwardAsync(zeros([1, 1, 1]), { signal }));
    expect(signal.listeners.size).toBe(0);
  });

  test('are not needed where there is a reason but none is given', async () => {
    const blocker = await startedSlowRun();
    const signal = new Counting();
    const run = layer.forwardAsync(small, { signal });
    signal.abort();
    expect(await reasonOf(run)).toMatchObject({ name: 'AbortError' });
    await stopped(blocker);
  });
});

describe('signals that are none', () => {
  const SIGNALS: [string, unknown][] = [
    ['null', null],
    ['a number', 5],
    ['an AbortController', new AbortController()],
    ['an object', { aborted: false }],
    ['an event target', new EventTarget()],
  ];
  test.each(SIGNALS)('%s', async (_, signal) => {
    expect(await reasonOf(layer.forwardAsync(small, { signal: signal as any }))).toMatchObject({
      name: 'TypeError',
      code: 'ERR_NNCONV_ARG_TYPE',
      message: expect.stringContaining('signal must be an AbortSignal') as string,
    });
  });

  const mine = new Error('mine');
  const fail = (): never => {
    throw mine;
  };
  const THROWING: [string, () => object][] = [
    ['aborted', () => Object.defineProperty(new Counting(), 'aborted', { get: fail })],
    ['addEventListener', () => Object.assign(new Counting(), { addEventListener: fail })],
    ['removeEventListener', () => Object.assign(new Counting(), { removeEventListener: fail })],
    [
      'reason',
      () => {
        const signal = Object.defineProperty(new Counting(), 'reason', { get: fail, set() {} });
        setImmediate(() => signal.abort());
        return signal;
      },
    ],
  ];
  test.each(THROWING)('%s throws', async (_, make) => {
    const blocker = await startedSlowRun();
    const run: Promise<Tensor> = layer.forwardAsync(small, { signal: make() as any });
    expect(await reasonOf(run)).toBe(mine);
    await stopped(blocker);
  });

  test('aborts while it is listened to', async () => {
    const signal = new Counting();
    signal.addEventListener = () => signal.abort('at once');
    expect(await reasonOf(layer.forwardAsync(small, { signal }))).toBe('at once');
  });
});
