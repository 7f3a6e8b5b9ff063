/** A server to talk to, and bodies to send. */
import { nn, type Tensor } from '../../lib';
import {
  createService,
  type ModelConfig,
  nnconvServe,
  type ServeOptions,
  type Service,
} from '../../lib/serve';
import Fastify, { type FastifyInstance } from 'fastify';

/** (N, 2, 4, 4) -> (N, 3), with weights that are always the same. */
export class SmallNet extends nn.Module {
  conv = new nn.Conv2d(2, 8, 3, { padding: 1 });
  fc = new nn.Linear(8, 3);

  constructor() {
    super();
    let next = 1;
    for (const parameter of this.parameters()) {
      const { data } = parameter;
      for (let i = 0; i < data.length; i++) data[i] = (next = (next * 48271) % 65537) / 65537 - 0.5;
    }
  }

  forward(x: Tensor): Tensor {
    const features = nn.functional.relu(this.conv.forward(x));
    return this.fc.forward(nn.functional.adaptiveAvgPool2d(features, 1).reshape([-1, 8]));
  }
}

export const SMALL: ModelConfig = {
  name: 'small',
  model: () => new SmallNet(),
  inputs: [{ name: 'x', shape: [-1, 2, 4, 4] }],
  outputs: [{ name: 'y' }],
};

/** How many elements a row of `SMALL` has. */
export const ROW = 32;

/** A request waits until there are `maxBatchSize` of them, or for a minute: nothing runs by itself. */
export const HOLDING: ModelConfig = {
  ...SMALL,
  name: 'holding',
  batching: { maxBatchSize: 2, maxDelayMs: 60_000 },
};

export interface Running {
  app: FastifyInstance;
  service: Service;
  url: string;
}

const running: FastifyInstance[] = [];

/** Ends all that {@link start} has started; to be called after each test. */
export async function stopAll(): Promise<void> {
  await Promise.all(running.splice(0).map((app) => app.close()));
}

/** Mounts the plugin into an app that listens on a free port. */
export async function start(
  options: Partial<ServeOptions> = {},
  { prefix }: { prefix?: string } = {},
): Promise<Running> {
  const service = await createService({ models: [SMALL], ...options });
  const app = Fastify();
  running.push(app);
  await app.register(nnconvServe, { service, prefix });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return { app, service, url };
}

export interface Answer {
  status: number;
  headers: Headers;
  bytes: Buffer;
  text: string;
  /** The body as JSON. */
  json: () => any;
}

/** A request over a socket. A body that is a string is sent as JSON, bytes with no type. */
export async function call(
  { url }: Pick<Running, 'url'>,
  path: string,
  {
    body,
    method = body === undefined ? 'GET' : 'POST',
    headers = {},
    signal,
  }: {
    body?: string | Buffer;
    method?: string;
    headers?: Record<string, string>;
    signal?: AbortSignal;
  } = {},
): Promise<Answer> {
  const json: Record<string, string> = { 'content-type': 'application/json' };
  const response = await fetch(url + path, {
    method,
    body: body as string,
    headers: { ...(typeof body === 'string' ? json : {}), ...headers },
    signal,
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const text = bytes.toString();
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    text,
    json: () => JSON.parse(text),
  };
}

/** Numbers that depend on `seed` alone. */
export function values(count: number, seed = 1): Float32Array<ArrayBuffer> {
  let next = seed;
  return Float32Array.from({ length: count }, () => (next = (next * 48271) % 65537) / 65537 - 0.5);
}

/** A body for `SMALL` with `rows` rows. */
export function jsonBody(data: ArrayLike<number>, rest: object = {}): string {
  const rows = data.length / ROW;
  return JSON.stringify({
    inputs: [{ name: 'x', shape: [rows, 2, 4, 4], datatype: 'FP32', data: Array.from(data) }],
    ...rest,
  });
}

/** A body with binary data, and the headers that go with it. */
export function binaryBody(
  head: object,
  ...parts: readonly NodeJS.TypedArray[]
): { payload: Buffer; headers: Record<string, string> } {
  const json = Buffer.from(JSON.stringify(head));
  const bytes = parts.map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength),
  );
  return {
    payload: Buffer.concat([json, ...bytes]),
    headers: { 'inference-header-content-length': String(json.length) },
  };
}

/** Resolves when `condition` holds; what never does is told by the test's time limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
