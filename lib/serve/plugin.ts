/** The protocol as a plugin of Fastify. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';

import type { ServeOptions } from './config';
import { Exchange } from './exchange';
import { HttpError } from './http-error';
import { classify } from './routes/classify';
import { infer } from './routes/infer';
import { metadataRoutes } from './routes/metadata';
import { repositoryRoutes } from './routes/repository';
import { route, type RouteFlags } from './routes/route';
import type { Service } from './service';
import { createService } from './service';
import { statusOf } from './status';

/** Options of {@link nnconvServe}: models to load, or a service that has them. */
export type PluginOptions = ServeOptions | { service: Service };

const EXCHANGE = Symbol('exchange');
type Tracked = FastifyRequest & { [EXCHANGE]?: Exchange };

async function register(app: FastifyInstance, options: PluginOptions): Promise<void> {
  const service = 'service' in options ? options.service : await createService(own(options));
  service.setLog(app.log);
  app.addHook('onClose', () => service.close());

  // Bodies are read whole, up to the limit; each route says which types it takes.
  app.removeAllContentTypeParsers();
  const { bodies } = service;
  app.addContentTypeParser('*', (request, payload, done) => bodies.read(request, payload, done));
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  app.addHook('onSend', (_request, reply, payload, done) => {
    // What the client asks next on this connection might meet its end.
    if (!service.ready) reply.header('connection', 'close');
    done(null, payload);
  });
  if (service.guarded)
    app.addHook('onRequest', (request, _reply, done) => {
      const { open } = request.routeOptions.config as RouteFlags;
      if (open) return done();
      const token = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
      if (token !== undefined && service.admits(token)) return done();
      done(new HttpError(401, 'a token is needed: Authorization: Bearer ...'));
    });

  metadataRoutes(app, service);
  repositoryRoutes(app, service);
  const { bodyLimit } = service.limits;
  for (const base of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    for (const name of ['infer', 'classify'] as const) {
      const answer = { infer, classify }[name];
      route(app, {
        method: 'POST',
        url: `${base}/${name}`,
        bodyLimit,
        onRequest: (request, reply, done) => {
          (request as Tracked)[EXCHANGE] = new Exchange(service, name, request, reply);
          done();
        },
        handler: (request, reply) =>
          answer((request as Tracked)[EXCHANGE]!, request, reply, service),
      });
    }
  }
  route(app, {
    method: 'GET',
    url: '/metrics',
    handler: async (_request, reply) =>
      reply
        .header('content-type', service.metrics.registry.contentType)
        .send(await service.metrics.registry.metrics()),
  });
}

/** Without what Fastify itself reads, and hands on. */
function own(options: ServeOptions): ServeOptions {
  const entries = Object.entries(options).filter(([key]) => !FASTIFY_KEYS.includes(key));
  return Object.fromEntries(entries) as unknown as ServeOptions;
}

const FASTIFY_KEYS = ['prefix', 'logLevel', 'logSerializers'];

/** `{"error": ...}`, with what a client may know. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { status, message, retryAfter } = statusOf(error);
  if (status >= 500 && status !== 503) request.log.error({ err: error }, 'request failed');
  else request.log.info({ status, reason: message }, 'request refused');
  reply.code(status).header('content-type', 'application/json');
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  reply.send(JSON.stringify({ error: message }));
}

/**
 * The Open Inference Protocol, version 2, over HTTP, for a Fastify app of yours:
 *
 * ```js
 * app.register(nnconvServe, { prefix: '/ml', models: [{ name: 'digits' }] });
 * ```
 *
 * Its parsers, hooks and errors stay its own. Closing the app aborts what runs; to answer what is under way
 * first, make the service with {@link createService}, hand it in as `{ service }` and await
 * `service.drain(ms)` before.
 */
export const nnconvServe = fastifyPlugin(register, {
  name: 'nnconv-serve',
  fastify: '5.x',
  // With a scope of its own, which a prefix needs as well.
  encapsulate: true,
});
