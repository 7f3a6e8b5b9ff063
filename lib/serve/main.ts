/** A server of its own: the plugin, a port, signals. */
import { setTimeout } from 'node:timers/promises';

import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyServerOptions,
  LogController,
} from 'fastify';

import { type CheckedConfig, checkConfig, type ModelConfig, type ServeConfig } from './config';
import { nnconvServe } from './plugin';
import { LazyLog } from './request-log';
import { openService, type Service } from './service';

/** A server that listens; made by {@link startServer}. */
export interface Server {
  /** The Fastify app. */
  readonly app: FastifyInstance;
  /** Its models and state. */
  readonly service: Service;
  /** Of the form `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Answers what is under way, for `drainTimeoutMs` at most, and ends. A second call joins the first. */
  stop(): Promise<void>;
}

/**
 * How long the end waits at least: a request that is on its way on a connection that was kept open is
 * answered, by 503 and that the connection closes, and not cut off.
 */
const LINGER_MS = 100;

/** Longest URL parts: names of models and versions have up to 64. */
const MAX_PARAM_LENGTH = 128;

/**
 * Loads the models of a config and listens.
 *
 * @param logStream where the log goes. Default: standard output
 * @throws as `createService` does; the errors of `node:net` (EADDRINUSE, ...)
 */
export async function startServer(
  config: ServeConfig,
  { logStream }: { logStream?: { write(line: string): void } } = {},
): Promise<Server> {
  const checked = checkConfig(config);
  const service = await openService(checked);
  try {
    const app = createApp(checked, logStream);
    await app.register(nnconvServe, { service });
    const url = await app.listen({ host: checked.host, port: checked.port });
    let stopped: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      const { drainTimeoutMs } = checked;
      await Promise.all([
        service.drain(drainTimeoutMs),
        setTimeout(Math.min(LINGER_MS, drainTimeoutMs)),
      ]);
      await app.close();
    };
    return { app, service, url, stop: () => (stopped ??= stop()) };
  } catch (error) {
    await service.close();
    throw error;
  }
}

function createApp(
  { logLevel, requestTimeoutMs }: CheckedConfig,
  stream: { write(line: string): void } | undefined,
): FastifyInstance {
  const app = Fastify({
    logger: { level: logLevel, ...(stream === undefined ? {} : { stream }) },
    // A line for each request that went well is for debugging.
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: (logger, bindings, childOptions) =>
      new LazyLog(logger, bindings, childOptions),
    requestTimeout: requestTimeoutMs,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error, _request, reply) =>
      tell(reply as unknown as FastifyReply, error.statusCode ?? 400, error.message),
  } satisfies FastifyServerOptions);
  app.setNotFoundHandler((_request, reply) => tell(reply, 404, 'there is nothing at this URL'));
  if (logLevel !== 'debug' && logLevel !== 'trace') return app;
  app.addHook('onResponse', (request, reply, done) => {
    request.log.debug(
      { method: request.method, url: request.url, status: reply.statusCode, ms: reply.elapsedTime },
      'request answered',
    );
    done();
  });
  return app;
}

function tell(reply: FastifyReply, status: number, error: string): void {
  reply.code(status).header('content-type', 'application/json').send(JSON.stringify({ error }));
}

/**
 * Lets signals steer a server: SIGTERM and SIGINT end it as {@link Server.stop} does, and the process with
 * status 0; SIGHUP loads all models anew, those of `reread` where it is given.
 *
 * @returns a promise that is pending as long as the process lives
 */
export function handleSignals(
  server: Server,
  reread?: () => Promise<readonly ModelConfig[]>,
): Promise<never> {
  const { log } = server.app;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info({ signal }, 'stopping');
      server.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, 'failed to stop');
          process.exit(1);
        },
      );
    });
  }
  process.on('SIGHUP', () => {
    const reload = async (): Promise<void> => server.service.reload(await reread?.());
    reload().then(
      () => log.info('all models were loaded anew'),
      (error: unknown) => log.error({ err: error }, "models can't be loaded; the old ones stay"),
    );
  });
  return new Promise(() => undefined);
}
