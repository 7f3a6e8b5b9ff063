'use strict';

/**
 * A server of an ONNX model as one writes it first: fastify, onnxruntime-node, one run a request. What
 * load.ts measures beside `nnconv serve`.
 *
 *   node scripts/serve/peer/server.js MODEL.onnx [--port 0] [--threads N]
 *
 * POST /infer takes float32 values of one picture, and answers with those of the output, both as they lie
 * in memory: the least work that there can be. The shape is that of the query `?shape=1,1,28,28`.
 */

const path = require('node:path');
const { parseArgs } = require('node:util');

const bench = path.resolve(__dirname, '..', '..', '..', 'bench');
const ort = require(require.resolve('onnxruntime-node', { paths: [bench] }));
const fastify = require('fastify');

async function main() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { port: { type: 'string' }, threads: { type: 'string' } },
  });
  const session = await ort.InferenceSession.create(positionals[0], {
    // Its own default is the cores of the machine, whatever this process may use of them.
    ...(values.threads ? { intraOpNumThreads: Number(values.threads) } : {}),
  });
  const app = fastify({ bodyLimit: 32 * 2 ** 20 });
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_, body, done) =>
    done(null, body),
  );
  app.get('/v2/health/ready', async () => ({ live: true }));
  app.post('/infer', async (request, reply) => {
    const shape = request.query.shape.split(',').map(Number);
    const bytes = new Uint8Array(request.body); // aligned, as a Buffer need not be
    const input = new ort.Tensor('float32', new Float32Array(bytes.buffer), shape);
    const { output } = await session.run({ input });
    const { buffer, byteOffset, byteLength } = output.data;
    reply.type('application/octet-stream');
    return Buffer.from(buffer, byteOffset, byteLength);
  });
  const address = await app.listen({ port: Number(values.port ?? 0), host: '127.0.0.1' });
  console.log(`listening on ${address}`);
}

void main();
