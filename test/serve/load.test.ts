/** Many requests at once, and those that end badly. */
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';

import { type ModelConfig } from '../../lib/serve';
import {
  call,
  HOLDING,
  jsonBody,
  ROW,
  type Running,
  SMALL,
  SmallNet,
  start,
  stopAll,
  until,
  values,
} from './support';

afterEach(stopAll);

const infer = (server: Running, body: string, name = 'small', signal?: AbortSignal) =>
  call(server, `/v2/models/${name}/infer`, { body, signal });

const queued = (server: Running, name: string) =>
  server.service.repository.get(name).batcher.queued;

test('whoever shares a run, results are those of a request alone, bit for bit', async () => {
  const sizes: number[] = [];
  const server = await start({
    models: [
      { ...SMALL, batching: { maxBatchSize: 16, maxDelayMs: 5 } },
      { ...SMALL, name: 'alone', batching: { maxBatchSize: 3 } },
    ],
    hooks: { onBatchStart: ({ rows, model }) => void (model === 'small' && sizes.push(rows)) },
  });
  const bodies = Array.from({ length: 100 }, (_, i) =>
    jsonBody(values((1 + (i % 3)) * ROW, i + 1)),
  );
  const together = await Promise.all(bodies.map((body) => infer(server, body)));
  expect(Math.max(...sizes)).toBeGreaterThan(3);
  for (const [i, body] of bodies.entries()) {
    const alone = await infer(server, body, 'alone');
    expect(together[i].status).toBe(200);
    expect(together[i].json().outputs).toEqual(alone.json().outputs);
  }
});

test('a full queue is 503 with Retry-After, told before the body is read', async () => {
  const server = await start({
    models: [{ ...HOLDING, queue: { maxSize: 1 } }],
  });
  const first = infer(server, jsonBody(values(ROW)), 'holding');
  await until(() => queued(server, 'holding') === 1);
  const second = await infer(server, jsonBody(values(ROW)), 'holding');
  expect(second.status).toBe(503);
  expect(Number(second.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(second.json().error).toMatch(/1 requests wait/);

  // Headers alone are enough for the answer.
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write('POST /v2/models/holding/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n');
  const text = await new Promise<string>((resolve) =>
    socket.once('data', (data) => resolve(data.toString())),
  );
  socket.destroy();
  expect(text).toMatch(/^HTTP\/1.1 503 /);

  await server.service.drain(0);
  expect((await first).status).toBe(503);
});

test('a deadline is 408: of the model, or sooner, of the request', async () => {
  const server = await start({ models: [{ ...HOLDING, timeoutMs: 100 }] });
  const late = await infer(server, jsonBody(values(ROW)), 'holding');
  expect(late.status).toBe(408);
  expect(late.json().error).toMatch(/within 100 ms/);
  expect(queued(server, 'holding')).toBe(0);
  const sooner = await infer(
    server,
    jsonBody(values(ROW), { parameters: { timeout: 1500 } }),
    'holding',
  );
  expect(sooner.json().error).toMatch(/within 1.5 ms/);
});

test('a client that goes takes its request out of the queue', async () => {
  const statuses: number[] = [];
  const server = await start({
    models: [{ ...HOLDING, queue: { maxSize: 1 } }],
    hooks: { onRequestEnd: ({ status }) => statuses.push(status) },
  });
  const controller = new AbortController();
  const first = infer(server, jsonBody(values(ROW)), 'holding', controller.signal);
  await until(() => queued(server, 'holding') === 1);
  controller.abort();
  await expect(first).rejects.toThrow(/abort/);
  await until(() => queued(server, 'holding') === 0);
  await until(() => statuses.length === 1);
  expect(statuses).toEqual([499]);
  const rest = [infer(server, jsonBody(values(ROW)), 'holding')];
  await until(() => queued(server, 'holding') === 1);
  await server.service.drain(0);
  expect((await Promise.all(rest)).map(({ status }) => status)).toEqual([503]);
});

test('a client that goes in the midst of its body leaves nothing behind', async () => {
  const server = await start();
  const request = httpRequest(`${server.url}/v2/models/small/infer`, {
    method: 'POST',
    headers: { 'content-length': '1000' },
  });
  request.on('error', () => undefined);
  request.write('{');
  await until(() => server.service.buffered === 1000);
  request.destroy();
  await until(() => server.service.buffered === 0);
  expect((await infer(server, jsonBody(values(ROW)))).status).toBe(200);
});

test('bodies of all requests together have a limit', async () => {
  const body = jsonBody(values(ROW));
  const server = await start({
    models: [HOLDING],
    maxBufferedBytes: Math.floor(1.5 * body.length),
  });
  const first = infer(server, body, 'holding');
  await until(() => queued(server, 'holding') === 1);
  const second = await infer(server, body, 'holding');
  expect(second.status).toBe(503);
  expect(second.json().error).toMatch(/too many requests are being read/);
  await server.service.drain(0);
  await first;
  expect(server.service.buffered).toBe(0);
});

test('a model is loaded anew under load, and no request is lost', async () => {
  let bias = 0;
  const model: ModelConfig = {
    ...SMALL,
    model: () => {
      const net = new SmallNet();
      net.fc.bias!.fill_(bias);
      return net;
    },
  };
  const server = await start({ models: [model] });
  const body = jsonBody(values(ROW));
  const answers: { status: number; y: number }[] = [];
  let stop = false;
  const client = async (): Promise<void> => {
    while (!stop) {
      const { status, json } = await infer(server, body);
      answers.push({ status, y: json().outputs[0].data[0] });
    }
  };
  const clients = Promise.all([client(), client(), client(), client()]);
  for (bias = 1; bias <= 5; bias++) {
    const before = answers.length;
    await until(() => answers.length > before + 20);
    await server.service.reload('small');
  }
  const before = answers.length;
  await until(() => answers.length > before + 20);
  stop = true;
  await clients;
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  const seen = [...new Set(answers.map(({ y }) => y))];
  expect(seen).toHaveLength(6);
  seen.forEach((y, i) => expect(y).toBeCloseTo(seen[0] + i, 4));
});

test('what waits when its model is replaced is answered by the old one', async () => {
  const server = await start({ models: [{ ...HOLDING, timeoutMs: 60_000 }] });
  const first = infer(server, jsonBody(values(ROW)), 'holding');
  await until(() => queued(server, 'holding') === 1);
  const old = server.service.repository.get('holding');
  await server.service.reload();
  expect(server.service.repository.get('holding')).not.toBe(old);
  expect(old.batcher.queued).toBe(1);
  // Its mate, as if it had been let in before.
  const { result } = old.batcher.submit([{ data: values(ROW), shape: [1, 2, 4, 4] }]);
  expect((await first).status).toBe(200);
  await result;
});

test('a model that can not be loaded changes nothing', async () => {
  let broken = false;
  const server = await start({
    models: [
      {
        ...SMALL,
        model: () => {
          if (broken) throw new Error('no such luck');
          return new SmallNet();
        },
      },
    ],
  });
  broken = true;
  await expect(server.service.reload()).rejects.toThrow(
    /the model 'small' can't be loaded: no such luck/,
  );
  await expect(server.service.reload('small')).rejects.toThrow(/no such luck/);
  await expect(server.service.reload('nix')).rejects.toThrow(/there is no model 'nix'/);
  expect((await infer(server, jsonBody(values(ROW)))).status).toBe(200);
});

test('other models by a new list', async () => {
  const server = await start();
  await server.service.reload([
    { ...SMALL, name: 'other' },
    { ...SMALL, name: 'other', version: '10' },
    { ...SMALL, name: 'other', version: '9' },
  ]);
  expect((await call(server, '/v2/models/small')).status).toBe(404);
  expect((await call(server, '/v2/models/other')).json().versions).toEqual(['1', '9', '10']);
  expect((await infer(server, jsonBody(values(ROW)), 'other')).json().model_version).toBe('10');
  const old = await infer(server, jsonBody(values(ROW)), 'other/versions/9');
  expect(old.json().model_version).toBe('9');
  const none = await infer(server, jsonBody(values(ROW)), 'other/versions/2');
  expect(none.status).toBe(404);
  expect(none.json().error).toMatch(/has no version '2'; it has 1, 9, 10/);
});

test('while it ends a server is not ready, answers what it has, and takes no more', async () => {
  const server = await start({ models: [HOLDING] });
  const first = infer(server, jsonBody(values(ROW)), 'holding');
  await until(() => queued(server, 'holding') === 1);
  const drained = server.service.drain(60_000);
  const ready = await call(server, '/v2/health/ready');
  expect([ready.status, ready.json()]).toEqual([503, { ready: false }]);
  expect((await call(server, '/v2/health/live')).status).toBe(200);
  const second = await infer(server, jsonBody(values(ROW)), 'holding');
  expect(second.status).toBe(503);
  expect(second.json().error).toMatch(/shutting down/);
  // What the first one waits for.
  const { batcher } = server.service.repository.get('holding');
  batcher.submit([{ data: values(ROW), shape: [1, 2, 4, 4] }]);
  expect((await first).status).toBe(200);
  await drained;
});
