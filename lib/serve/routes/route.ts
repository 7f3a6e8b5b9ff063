/** How a route is added: the other methods of its URL are answered with 405. */
import type { FastifyInstance, RouteOptions } from 'fastify';

import { HttpError } from '../http-error';

export interface Route extends Pick<RouteOptions, 'url' | 'handler' | 'bodyLimit' | 'onRequest'> {
  method: 'GET' | 'POST';
  /** Whether it can be used without the token. */
  open?: boolean;
}

/** What the hooks of the plugin read of a route. */
export interface RouteFlags {
  open?: boolean;
}

export function route(app: FastifyInstance, { open, ...options }: Route): void {
  app.route({ ...options, config: { open } satisfies RouteFlags });
  // A GET has its HEAD.
  const taken = options.method === 'GET' ? ['GET', 'HEAD'] : ['POST'];
  const others = app.supportedMethods.filter((method) => !taken.includes(method));
  app.route({
    method: others,
    url: options.url,
    exposeHeadRoute: false,
    config: { open } satisfies RouteFlags,
    // Before a body is read.
    onRequest: (_request, reply, done) => {
      reply.header('allow', taken.join(', '));
      done(new HttpError(405, `this URL takes ${taken.join(' and ')} only`));
    },
    handler: () => undefined,
  });
}
