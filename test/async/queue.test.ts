/** The queue is bounded, and what it refuses harms nobody. */
import { nn, tensor } from '../../lib';
import { queueInfo, startedSlowRun, stopped, until } from '../support/async';
import { normal } from '../support/hashfill';

const layer = new nn.Conv2d(2, 3, 3);
const inputs = Array.from({ length: 300 }, (_, i) => tensor(normal(i + 1, 50), [2, 5, 5]));

test('300 runs while one runs: 256 wait, the rest are refused', async () => {
  const expected = inputs.map((x) => [...layer.forward(x).data]);
  const blocker = await startedSlowRun();
  const runs = inputs.map((x) => layer.forwardAsync(x));
  expect(queueInfo()).toEqual({ waiting: 256, running: true, capacity: 256 });
  const outcomes = await Promise.allSettled(runs);
  await blocker.promise;
  outcomes.forEach((outcome, i) => {
    if (i < 256) {
      expect(outcome).toMatchObject({ status: 'fulfilled' });
      if (outcome.status === 'fulfilled') expect([...outcome.value.data]).toEqual(expected[i]);
    } else {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: {
          name: 'RangeError',
          code: 'ERR_NNCONV_QUEUE_FULL',
          message: expect.stringMatching(/256 .*await/) as string,
        },
      });
    }
  });
  await until(() => !queueInfo().running);
  expect(queueInfo()).toEqual({ waiting: 0, running: false, capacity: 256 });
});

test('a place that is given up is free', async () => {
  const blocker = await startedSlowRun();
  const controller = new AbortController();
  const { signal } = controller;
  const runs = inputs.slice(0, 256).map((x) => layer.forwardAsync(x, { signal }));
  await expect(layer.forwardAsync(inputs[0])).rejects.toMatchObject({
    code: 'ERR_NNCONV_QUEUE_FULL',
  });
  controller.abort();
  expect(queueInfo().waiting).toBe(0);
  const next = layer.forwardAsync(inputs[0]);
  await Promise.allSettled(runs);
  await stopped(blocker);
  expect((await next).data).toEqual(layer.forward(inputs[0]).data);
});
