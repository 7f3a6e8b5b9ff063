/** In processes of their own: memory, and files damaged at random. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { bytesOf, namesOf } from './support/corpus';
import { damaged } from './support/damaged';
import { temporaryFolder } from './support/temp';

const temporary = temporaryFolder();
const scripts = path.join(__dirname, '..', '..', 'scripts');

const { writePlainLib } = require('../../scripts/plain-lib') as {
  writePlainLib: (folder: string) => NodeJS.ProcessEnv;
};

const MOST_MEGABYTES = 300;

const LOAD_ALL = `
  const fs = require('node:fs');
  const path = require('node:path');
  const [lib, scripts, folder] = process.argv.slice(1);
  const { load } = require(path.join(lib, 'checkpoint'));
  const { peakMemory } = require(path.join(scripts, 'peak-memory'));
  const failures = [];
  for (const name of fs.readdirSync(folder)) {
    try {
      load(path.join(folder, name));
    } catch (error) {
      if (error.code !== 'ERR_NNCONV_CHECKPOINT') failures.push(name + ': ' + error.stack);
    }
    // What is left of one file should not count with the next.
    gc();
  }
  console.log(JSON.stringify({ failures, peak: peakMemory() / 1e6 }));
`;

test('the whole corpus fits in 300 MB', () => {
  const folder = temporary('corpus');
  mkdirSync(folder);
  for (const kind of ['good', 'bad'] as const) {
    for (const name of namesOf(kind)) writeFileSync(path.join(folder, name), bytesOf(kind, name));
  }
  damaged.forEach(({ make }, i) => writeFileSync(path.join(folder, `damaged-${i}`), make()));
  const lib = temporary('lib');
  const env = writePlainLib(lib);
  const child = spawnSync(process.execPath, ['--expose-gc', '-e', LOAD_ALL, lib, scripts, folder], {
    encoding: 'utf8',
    env,
  });
  expect(child.stderr).toBe('');
  const { failures, peak } = JSON.parse(child.stdout) as { failures: string[]; peak: number };
  expect(failures).toEqual([]);
  expect(peak).toBeLessThan(MOST_MEGABYTES);
});

test('a large file is not held twice', () => {
  const args = [path.join(scripts, 'check-load-memory.js'), '--megabytes', '300'];
  const child = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(child.stderr).toBe('');
  expect(child).toMatchObject({ status: 0 });
});

test('files damaged at random', () => {
  const args = [path.join(scripts, 'fuzz-checkpoint.js'), '--seconds', '3', '--seed', '20261124'];
  const child = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(child.stderr).toBe('');
  expect(child.stdout).toMatch(/^\d+ files: [1-9]\d* loaded, [1-9]\d* refused/);
  expect(child).toMatchObject({ status: 0 });
});
