/** Logs of requests that are made when something is written. */
import Fastify, { type FastifyInstance, LogController } from 'fastify';

import { LazyLog } from '../../lib/serve/request-log';

const apps: FastifyInstance[] = [];
afterAll(() => Promise.all(apps.map((app) => app.close())));

/** An app with such logs, the children that were made, and the lines that were written. */
async function make() {
  const lines: Record<string, unknown>[] = [];
  let children = 0;
  const app = Fastify({
    logger: {
      level: 'debug',
      stream: { write: (line: string) => lines.push(JSON.parse(line)) },
    },
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: (logger, bindings, options) => {
      const child = logger.child.bind(logger);
      const counting = Object.assign(Object.create(logger) as typeof logger, {
        child: (...args: Parameters<typeof child>) => {
          children++;
          return child(...args);
        },
      });
      return new LazyLog(counting, bindings, options);
    },
  });
  app.get('/quiet', () => 'nothing');
  app.get('/loud', (request) => {
    request.log.warn({ what: 1 }, 'first');
    request.log.info('second %d', 2);
    request.log.child({ inner: true }).error('third');
    return request.log.level;
  });
  apps.push(app);
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const get = async (path: string) => (await fetch(url + path)).text();
  return {
    get,
    lines: () => lines.filter(({ reqId }) => reqId !== undefined),
    children: () => children,
  };
}

test('a request that writes nothing has none', async () => {
  const { get, lines, children } = await make();
  expect(await get('/quiet')).toBe('nothing');
  expect(children()).toBe(0);
  expect(lines()).toEqual([]);
});

test('lines have the level, the values and the request of a log of its own', async () => {
  const { get, lines, children } = await make();
  await get('/quiet');
  expect(await get('/loud')).toBe('debug');
  expect(children()).toBe(1);
  expect(lines()).toMatchObject([
    { level: 40, reqId: 'req-2', what: 1, msg: 'first' },
    { level: 30, reqId: 'req-2', msg: 'second 2' },
    { level: 50, reqId: 'req-2', inner: true, msg: 'third' },
  ]);
});

test('every level writes', () => {
  const lines: unknown[] = [];
  const parent = {
    child: () =>
      new Proxy(
        { level: 'trace' },
        {
          get: (target, key: string) =>
            key === 'level' ? target.level : (...args: unknown[]) => lines.push([key, ...args]),
        },
      ),
  };
  const log = new LazyLog(parent as never, {}, {});
  for (const level of ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const) {
    log[level]({ a: 1 }, level);
  }
  expect(lines).toEqual(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map((level) => [
      level,
      { a: 1 },
      level,
    ]),
  );
  log.level = 'warn';
  expect(log.level).toBe('warn');
});
