/** Bodies in chunks, and the memory that they share one after another. */
import { PassThrough } from 'node:stream';

import type { FastifyRequest } from 'fastify';

import { BodyMemory } from '../../lib/serve/body-memory';
import { binaryBody, call, ROW, SMALL, start, stopAll } from './support';

afterEach(stopAll);

const LIMIT = 1_000_000;
const requestOf = (headers: Record<string, string> = {}) =>
  ({ headers, routeOptions: { bodyLimit: LIMIT }, body: undefined }) as unknown as FastifyRequest;

type Payload = Parameters<BodyMemory['read']>[1];

/** Sends the chunks, and resolves with the body as the request then has it. */
function read(
  bodies: BodyMemory,
  chunks: readonly (Buffer | string)[],
  request = requestOf(),
): Promise<Buffer> {
  const payload = new PassThrough({ objectMode: true });
  const result = new Promise<Buffer>((resolve, reject) =>
    bodies.read(request, payload as unknown as Payload, (error, body) => {
      request.body = body;
      if (error) reject(error);
      else resolve(body!);
    }),
  );
  for (const chunk of chunks) payload.write(chunk);
  payload.end();
  return result;
}

const bytes = (value: number, length: number) => Buffer.alloc(length, value);
const kB = (value: number, count: number) => bytes(value, 1000 * count);

test('chunks become one body', async () => {
  const bodies = new BodyMemory();
  expect(await read(bodies, [bytes(1, 3), bytes(2, 2)])).toEqual(Buffer.from([1, 1, 1, 2, 2]));
  expect(await read(bodies, ['ä', bytes(7, 1)])).toEqual(Buffer.from([0xc3, 0xa4, 7]));
  expect(await read(bodies, [bytes(4, 5)])).toEqual(bytes(4, 5));
  expect(await read(bodies, [])).toHaveLength(0);
});

test('memory of a body that was given back serves the next one, in its own length', async () => {
  const bodies = new BodyMemory();
  const request = requestOf();
  const first = await read(bodies, [kB(1, 50), kB(2, 50)], request);
  const meanwhile = await read(bodies, [kB(3, 50), kB(4, 50)]);
  expect(meanwhile.buffer).not.toBe(first.buffer);
  bodies.recycle(request);
  expect(request.body).toBeUndefined();
  const next = await read(bodies, [kB(5, 50), kB(6, 10)]);
  expect(next.buffer).toBe(first.buffer);
  expect(next).toEqual(Buffer.concat([kB(5, 50), kB(6, 10)]));
  // Once.
  bodies.recycle(request);
  const other = await read(bodies, [kB(7, 50), kB(8, 10)]);
  expect(other.buffer).not.toBe(first.buffer);
});

test('a body takes neither too little memory nor much more than it needs', async () => {
  const bodies = new BodyMemory();
  const request = requestOf();
  const first = await read(bodies, [kB(1, 50), kB(2, 50)], request);
  bodies.recycle(request);
  expect((await read(bodies, [kB(3, 60), kB(4, 60)])).buffer).not.toBe(first.buffer);
  expect((await read(bodies, [kB(3, 20), kB(4, 20)])).buffer).not.toBe(first.buffer);
});

test('memory of small bodies is not kept', async () => {
  const bodies = new BodyMemory();
  const request = requestOf();
  const first = await read(bodies, [kB(1, 4), kB(2, 4)], request);
  expect(first).toEqual(Buffer.concat([kB(1, 4), kB(2, 4)]));
  bodies.recycle(request);
  expect((await read(bodies, [kB(3, 4), kB(4, 4)])).buffer).not.toBe(first.buffer);
});

test('bodies that lie in memory of others are not taken', async () => {
  const bodies = new BodyMemory();
  const request = requestOf();
  const chunk = kB(1, 100);
  await read(bodies, [chunk], request);
  bodies.recycle(request);
  expect((await read(bodies, [kB(2, 50), kB(3, 50)])).buffer).not.toBe(chunk.buffer);
});

test('bodies that are too large, by what they say or by what they are', async () => {
  const bodies = new BodyMemory();
  const large = { statusCode: 413, message: 'the body is larger than 1000000 bytes' };
  const told = requestOf({ 'content-length': '1000001' });
  await expect(read(bodies, [kB(1, 1)], told)).rejects.toMatchObject(large);
  await expect(read(bodies, [kB(1, 600), kB(1, 400), bytes(1, 1)])).rejects.toMatchObject(large);
  await expect(read(bodies, [kB(1, 600), kB(1, 400)])).resolves.toHaveLength(LIMIT);
});

test('a body that breaks off', async () => {
  const payload = new PassThrough();
  const result = new Promise((resolve) =>
    new BodyMemory().read(requestOf(), payload as unknown as Payload, resolve),
  );
  payload.write(bytes(1, 10));
  payload.destroy(new Error('aborted'));
  expect(await result).toMatchObject({
    statusCode: 400,
    message: expect.stringMatching(/aborted/),
  });
});

test('large requests that share memory one after another each get their own answer', async () => {
  const server = await start({ models: [{ ...SMALL, batching: { maxBatchSize: 2048 } }] });
  // Several reads of a socket each.
  const rows = 2048;
  const ask = async (value: number) => {
    const values = Float32Array.from({ length: rows * ROW }, (_, i) => ((i * value) % 101) / 101);
    const shape = [rows, 2, 4, 4];
    const parameters = { binary_data_size: values.byteLength };
    const head = { inputs: [{ name: 'x', shape, datatype: 'FP32', parameters }] };
    const { payload, headers } = binaryBody(head, values);
    const answer = await call(server, '/v2/models/small/infer', { body: payload, headers });
    expect(answer.status).toBe(200);
    return answer.text;
  };
  const once = [];
  for (const value of [3, 5, 7]) once.push(await ask(value));
  expect(new Set(once).size).toBe(3);
  const together = await Promise.all([3, 5, 7, 3, 5, 7].map(ask));
  expect(together).toEqual([...once, ...once]);
});
