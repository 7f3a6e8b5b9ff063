'use strict';

/**
 * What `nnconv serve --config FILE` does, from dist/: for the scripts here, which want a process of their own
 * whose first line of output is the server's URL.
 *
 *   node scripts/serve/launch.js FILE [--port 0] [--count]
 *
 * With --count it prints at its end, as JSON, how many requests it took on and with what they ended.
 */

const { parseArgs } = require('node:util');

const { handleSignals, readConfig, startServer } = require('../../dist/serve');

async function main() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { port: { type: 'string' }, count: { type: 'boolean' } },
  });
  const [file] = positionals;
  const config = await readConfig(file);
  const port = Number(values.port ?? 0);
  const counts = { started: 0, ended: {} };
  const hooks = {
    onRequestStart: () => void counts.started++,
    onRequestEnd: ({ status }) => void (counts.ended[status] = (counts.ended[status] ?? 0) + 1),
  };
  const server = await startServer(
    {
      logLevel: 'warn',
      ...config,
      port,
      token: process.env.NNCONV_TOKEN ?? config.token,
      ...(values.count ? { hooks } : {}),
    },
    { logStream: process.stderr },
  );
  if (values.count) process.once('exit', () => console.log(JSON.stringify(counts)));
  handleSignals(server, async () => (await readConfig(file)).models);
  console.log(server.url);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
