/** The addon alone, called with garbage: a coded error each time, never a crash. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { names } from './support/abuse/main';

const script = path.join(__dirname, 'support', 'abuse', 'main.ts');

test.each(names)('%s', (name) => {
  const flags = ['--no-deprecation', '-r', 'ts-node/register/transpile-only'];
  const { status, signal, stderr } = spawnSync(process.execPath, [...flags, script, name], {
    encoding: 'utf8',
    timeout: 50_000,
  });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
});
