'use strict';

/**
 * What `nnconv serve --config FILE` does, from dist/: for the scripts here, which want a process of their own
 * whose first line of output is the server's URL.
 *
 *   node scripts/serve/launch.js FILE [--port 0]
 */

const { parseArgs } = require('node:util');

const { handleSignals, readConfig, startServer } = require('../../dist/serve');

async function main() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { port: { type: 'string' } },
  });
  const [file] = positionals;
  const config = await readConfig(file);
  const port = Number(values.port ?? 0);
  const server = await startServer(
    { logLevel: 'warn', ...config, port },
    { logStream: process.stderr },
  );
  handleSignals(server, async () => (await readConfig(file)).models);
  console.log(server.url);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
