/** The plugin in an app: prefix, token, limits, metrics, hooks. */
import Fastify from 'fastify';

import { nnconvServe, type RequestEnd } from '../../lib/serve';
import {
  call,
  HOLDING,
  jsonBody,
  ROW,
  SMALL,
  SmallNet,
  start,
  stopAll,
  until,
  values,
} from './support';

afterEach(stopAll);

const INFER = '/v2/models/small/infer';
const body = jsonBody(values(ROW));

test('mounts into an app under a prefix, and leaves the app as it was', async () => {
  const app = Fastify();
  app.post('/echo', (request) => ({ got: request.body }));
  app.get('/fails', () => {
    throw new Error('the own handler');
  });
  await app.register(nnconvServe, { prefix: '/ml', models: [SMALL] });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  try {
    expect((await call({ url }, `/ml${INFER}`, { body })).status).toBe(200);
    expect((await call({ url }, '/ml/v2')).json().name).toBe('nnconv');
    expect((await call({ url }, INFER, { body })).status).toBe(404);
    expect((await call({ url }, '/echo', { body: '{"a":1}' })).json()).toEqual({ got: { a: 1 } });
    expect((await call({ url }, '/fails')).json().message).toBe('the own handler');
  } finally {
    await app.close();
  }
});

test('two of them in one app, each with metrics of its own', async () => {
  const app = Fastify();
  await app.register(nnconvServe, { prefix: '/a', models: [SMALL] });
  await app.register(nnconvServe, { prefix: '/b', models: [{ ...SMALL, name: 'other' }] });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  try {
    await call({ url }, `/a${INFER}`, { body });
    const count = /nnconv_requests_total\{model="(\w+)"/;
    expect(count.exec((await call({ url }, '/a/metrics')).text)?.[1]).toBe('small');
    expect((await call({ url }, '/b/metrics')).text).not.toMatch(count);
  } finally {
    await app.close();
  }
});

describe('a token', () => {
  const token = 'correct horse battery';
  const authorization = 'Bearer correct-horse-battery';
  const open = ['/v2/health/live', '/v2/health/ready', '/v2/models/small/ready'];
  const closed = ['/v2', '/v2/models/small', '/metrics'];

  test('is asked for but by probes', async () => {
    const server = await start({ token: 'correct-horse-battery' });
    for (const path of open) expect((await call(server, path)).status).toBe(200);
    for (const path of closed) {
      const refused = await call(server, path);
      expect(refused.status).toBe(401);
      expect(refused.headers.get('www-authenticate')).toBe('Bearer');
      expect((await call(server, path, { headers: { authorization } })).status).toBe(200);
    }
    expect((await call(server, INFER, { body })).status).toBe(401);
    const headers = { authorization: authorization.replace('Bearer', 'bearer') };
    expect((await call(server, INFER, { body, headers })).status).toBe(200);
  });

  test.each(['Bearer wrong-horse-battery', 'Bearer', 'Basic correct-horse-battery', 'Bearer a b'])(
    '%s is none',
    async (wrong) => {
      const server = await start({ token: 'correct-horse-battery' });
      const answer = await call(server, INFER, { body, headers: { authorization: wrong } });
      expect(answer.status).toBe(401);
    },
  );

  test('with spaces can not be sent, and is refused', async () => {
    await expect(start({ token })).rejects.toThrow(/token/);
  });

  test('is needed to load models', async () => {
    let loads = 0;
    const model = () => {
      loads++;
      return new SmallNet();
    };
    const bare = await start({ models: [{ ...SMALL, model }] });
    const path = '/v2/repository/models/small';
    const refused = await call(bare, `${path}/load`, { method: 'POST' });
    expect([refused.status, loads]).toEqual([403, 1]);

    const server = await start({
      models: [{ ...SMALL, model }],
      token: 'correct-horse-battery',
    });
    const headers = { authorization };
    expect((await call(server, `${path}/load`, { method: 'POST' })).status).toBe(401);
    expect(loads).toBe(2);
    const post = (action: string, content?: string) =>
      call(server, `${path}/${action}`, { method: 'POST', body: content, headers });
    expect((await post('load')).status).toBe(200);
    expect(loads).toBe(3);
    const withConfig = await post('load', '{"parameters":{"config":"{}"}}');
    expect([withConfig.status, loads]).toEqual([400, 3]);
    for (const parameters of ['[]', 'null', '{"unload_dependents":0}']) {
      const refused = await post('unload', `{"parameters":${parameters}}`);
      expect([refused.status, Object.keys(refused.json())]).toEqual([400, ['error']]);
    }

    expect((await post('unload', '{"parameters":{"unload_dependents":false}}')).status).toBe(200);
    expect((await call(server, INFER, { body, headers })).status).toBe(404);
    const index = async (content: string) =>
      (await call(server, '/v2/repository/index', { body: content, headers })).json();
    expect(await index('{}')).toEqual([
      { name: 'small', version: '1', state: 'UNAVAILABLE', reason: 'unloaded' },
    ]);
    expect(await index('{"ready":true}')).toEqual([]);
    expect(await index('{"ready":{}}')).toEqual({ error: 'ready must be true or false' });
    expect((await post('load')).status).toBe(200);
    expect(await index('{"ready":true}')).toEqual([
      { name: 'small', version: '1', state: 'READY', reason: '' },
    ]);
    const other = await call(server, '/v2/repository/models/nix/load', { method: 'POST', headers });
    expect(other.status).toBe(404);
  });
});

describe('refused requests', () => {
  test('methods: 405 with what is allowed', async () => {
    const server = await start();
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      const answer = await call(server, INFER, { method });
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toBe('POST');
      expect(answer.json().error).toMatch(/takes POST only/);
    }
    const post = await call(server, '/v2/health/live', { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  test('types: 415', async () => {
    const server = await start();
    const headers = { 'content-type': 'text/plain' };
    const answer = await call(server, INFER, { body, headers });
    expect([answer.status, Object.keys(answer.json())]).toEqual([415, ['error']]);
    const encoded = { 'content-encoding': 'br' };
    expect((await call(server, INFER, { body, headers: encoded })).status).toBe(415);
  });

  test('bodies that are too large: 413', async () => {
    const server = await start({ bodyLimit: 1000 });
    const answer = await call(server, INFER, { body: ' '.repeat(1001) });
    expect([answer.status, Object.keys(answer.json())]).toEqual([413, ['error']]);
  });

  test('packed bodies count as what is in them', async () => {
    const zlib = require('node:zlib');
    const server = await start({ bodyLimit: 1000 });
    const send = (packed: Buffer, encoding: string) =>
      call(server, INFER, {
        body: packed,
        headers: { 'content-encoding': encoding, 'content-type': 'application/json' },
      });
    expect((await send(zlib.gzipSync(' '.repeat(100_000)), 'gzip')).status).toBe(413);
    expect((await send(zlib.gzipSync(body), 'gzip')).status).toBe(200);
    expect((await send(zlib.deflateSync(body), 'deflate')).status).toBe(200);
    expect((await send(Buffer.from(body), 'gzip')).status).toBe(400);
  });

  test('models that are not there: 404', async () => {
    const server = await start();
    const paths = ['nix', 'constructor', '__proto__', 'small%2f..%2f..', 'x'.repeat(100)];
    for (const name of paths) {
      expect((await call(server, `/v2/models/${name}`)).status).toBe(404);
    }
  });

  test('what fails inside is 500, and says nothing of it', async () => {
    const server = await start();
    const { batcher } = server.service.repository.get('small');
    jest.spyOn(batcher, 'submit').mockImplementation(() => {
      throw new Error('secret');
    });
    const answer = await call(server, INFER, { body });
    expect(answer.status).toBe(500);
    expect(answer.json()).toEqual({ error: 'the server failed to answer; its log says why' });
  });
});

test('metrics', async () => {
  const server = await start({
    models: [SMALL, { ...HOLDING, queue: { maxSize: 1 } }],
  });
  await call(server, INFER, { body });
  await call(server, INFER, { body: '{}' });
  const waiting = call(server, '/v2/models/holding/infer', { body });
  const { batcher } = server.service.repository.get('holding');
  await until(() => batcher.queued === 1);
  await call(server, '/v2/models/holding/infer', { body });
  const answer = await call(server, '/metrics');
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=/);
  const lines = answer.text.split('\n');
  const value = (name: string) => {
    const line = lines.find((item) => item.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length));
  };
  const small = 'model="small",version="1"';
  const holding = 'model="holding",version="1"';
  expect(value(`nnconv_requests_total{${small},route="infer",status="200"}`)).toBe(1);
  expect(value(`nnconv_requests_total{${small},route="infer",status="400"}`)).toBe(1);
  expect(value(`nnconv_request_duration_seconds_count{${small},route="infer"}`)).toBe(2);
  expect(value(`nnconv_request_duration_seconds_bucket{le="+Inf",${small},route="infer"}`)).toBe(2);
  expect(value(`nnconv_batch_size_bucket{le="1",${small}}`)).toBe(1);
  expect(value(`nnconv_batch_size_bucket{le="64",${small}}`)).toBe(1);
  expect(value(`nnconv_batch_size_sum{${small}}`)).toBe(1);
  expect(value(`nnconv_run_duration_seconds_count{${small}}`)).toBe(1);
  expect(value(`nnconv_queue_duration_seconds_count{${small}}`)).toBe(1);
  expect(value(`nnconv_queue_length{${holding}}`)).toBe(1);
  expect(value(`nnconv_rejected_total{${holding},reason="queue_full"}`)).toBe(1);
  expect(value('nnconv_requests_active')).toBe(1);
  expect(value('nnconv_buffered_bytes')).toBe(body.length);
  expect(value('process_resident_memory_bytes')).toBeGreaterThan(1e6);
  // Read once more: counts go on from where they were, also for a model that is loaded anew.
  await server.service.reload('small');
  await call(server, INFER, { body });
  const again = (await call(server, '/metrics')).text;
  expect(again).toContain(`nnconv_requests_total{${small},route="infer",status="200"} 2\n`);
  expect(again).toContain(`nnconv_request_duration_seconds_count{${small},route="infer"} 3\n`);
  expect(value('nodejs_eventloop_delay_seconds{quantile="0.99"}')).toBeGreaterThanOrEqual(0);
  await server.service.drain(0);
  await waiting;
});

test('hooks see requests and runs, and hand their contexts on', async () => {
  const seen: unknown[] = [];
  let next = 0;
  const server = await start({
    hooks: {
      onRequestStart: ({ model, route, headers }) => {
        seen.push(['start', model, route, headers.traceparent]);
        return `request ${++next}`;
      },
      onRequestEnd: (event: RequestEnd, context) => {
        seen.push(['end', event.status, event.durationMs > 0, context]);
      },
      onBatchStart: ({ rows, requests }) => {
        seen.push(['batch', rows, requests]);
        return 'run 1';
      },
      onBatchEnd: ({ durationMs, error }, context) => {
        seen.push(['ran', durationMs > 0, error, context]);
      },
    },
  });
  await call(server, INFER, { body, headers: { traceparent: '00-1-2-01' } });
  await until(() => seen.length === 4);
  expect(seen).toEqual([
    ['start', 'small', 'infer', '00-1-2-01'],
    ['batch', 1, ['request 1']],
    ['ran', true, undefined, 'run 1'],
    ['end', 200, true, 'request 1'],
  ]);
});

test('a hook that throws changes nothing', async () => {
  const fail = () => {
    throw new Error('a hook');
  };
  const server = await start({
    hooks: { onRequestStart: fail, onRequestEnd: fail, onBatchStart: fail, onBatchEnd: fail },
  });
  expect((await call(server, INFER, { body })).status).toBe(200);
});
