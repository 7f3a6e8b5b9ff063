/** docs/openapi.yaml against the server. */
import fs from 'node:fs';
import path from 'node:path';

import Ajv from 'ajv';
import Fastify from 'fastify';
import { parse } from 'yaml';

import { createService, nnconvServe } from '../../lib/serve';
import { call, jsonBody, ROW, type Running, SMALL, start, stopAll, values } from './support';

const ROOT = path.join(__dirname, '../..');
const document = parse(fs.readFileSync(path.join(ROOT, 'docs/openapi.yaml'), 'utf8'));
const ajv = new Ajv({ strict: false });
ajv.addSchema(document, 'openapi');

/** What keeps `value` from being what the schema `name` says. */
function problems(name: string, value: unknown): string {
  const validate = ajv.getSchema(`openapi#/components/schemas/${name}`)!;
  return validate(value) ? '' : ajv.errorsText(validate.errors);
}

let server: Running;
beforeAll(async () => {
  server = await start({ models: [SMALL, { name: 'digits' }] });
});
afterAll(stopAll);

test('names every route, and no other', async () => {
  const found = new Set<string>();
  const app = Fastify();
  // Those that refuse the other methods of a URL name many at once.
  app.addHook('onRoute', ({ method, url }) => {
    if (method === 'GET' || method === 'POST') found.add(`${method} ${url}`);
  });
  const service = await createService({ models: [SMALL] });
  await app.register(nnconvServe, { service });
  await app.ready();
  await app.close();
  const told = Object.entries<object>(document.paths).flatMap(([url, item]) =>
    Object.keys(item)
      .filter((key) => key === 'get' || key === 'post')
      .map(
        (key) =>
          `${key.toUpperCase()} ${url.replace('{MODEL_NAME}', ':model').replace('{MODEL_VERSION}', ':version')}`,
      ),
  );
  found.delete('GET /v2/');
  expect([...found].sort()).toEqual(told.sort());
});

test.each([
  ['/v2', 'metadata_server_response'],
  ['/v2/health/live', 'live_response'],
  ['/v2/health/ready', 'ready_response'],
  ['/v2/models/small', 'metadata_model_response'],
  ['/v2/models/small/ready', 'model_ready_response'],
  ['/v2/models/nix', 'inference_error_response'],
])('GET %s is a %s', async (url, schema) => {
  expect(problems(schema, (await call(server, url)).json())).toBe('');
});

test('requests and answers', async () => {
  const body = jsonBody(values(ROW), { id: 'a', parameters: { b: 1 } });
  expect(problems('inference_request', JSON.parse(body))).toBe('');
  const answer = (await call(server, '/v2/models/small/infer', { body })).json();
  expect(problems('inference_response', answer)).toBe('');
  const index = (await call(server, '/v2/repository/index', { method: 'POST' })).json();
  for (const entry of index) expect(problems('repository_index_entry', entry)).toBe('');
  const picture = fs.readFileSync(path.join(ROOT, 'examples/digits/pictures/00-0.png'));
  const classes = await call(server, '/v2/models/digits/classify', {
    body: picture,
    headers: { 'content-type': 'image/png' },
  });
  expect(problems('classify_response', classes.json())).toBe('');
  expect(problems('inference_response', { model_name: 'a' })).not.toBe('');
});
