'use strict';

/**
 * A short form of the scripts of this folder that need neither Python nor a network, for CI: a server under load and
 * above capacity, then reloaded, restarted, killed and ended. Builds dist/ where it isn't there.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '..', '..');

const SCRIPTS = [
  ['load.ts', '--models', 'digits', '--rounds', '1', '--seconds', '1.5', '--warm-up', '1'],
  ['chaos.ts', '--seconds', '2'],
];

function run(args) {
  const { status, signal } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    timeout: 180_000,
  });
  if (status === 0) return;
  console.error(`FAILED: ${args.join(' ')}: ${signal ?? `status ${status}`}`);
  process.exitCode = 1;
}

if (!fs.existsSync(path.join(root, 'dist', 'serve')))
  run([path.join(root, 'scripts', 'build-ts.js')]);
for (const [script, ...args] of SCRIPTS) {
  console.log(`\n== ${script} ${args.join(' ')}`);
  run([require.resolve('ts-node/dist/bin.js'), path.join(__dirname, script), ...args]);
}
