'use strict';

/** A short form of all scripts of this folder and of the fuzzer of the API, for CI. */

const { spawnSync } = require('node:child_process');
const path = require('node:path');

const SCRIPTS = [
  ['event-loop.js', '--seconds', '3'],
  ['queue.js', '--runs', '300'],
  ['idle.js', '--seconds', '2', '--calls', '400'],
  ['soak.js', '--seconds', '15'],
  ['workers.js', '--workers', '32'],
  ['../fuzz-api.js', '--seconds', '8'],
];

for (const [script, ...args] of SCRIPTS) {
  const file = path.join(__dirname, script);
  console.log(`\n== ${path.basename(file)} ${args.join(' ')}`);
  const { status, signal } = spawnSync(process.execPath, ['--expose-gc', file, ...args], {
    stdio: 'inherit',
    timeout: 180_000,
  });
  if (status === 0) continue;
  console.error(`FAILED: ${path.basename(file)}: ${signal ?? `status ${status}`}`);
  process.exitCode = 1;
}
