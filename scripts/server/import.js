'use strict';

/**
 * How long `import 'nnconv'` takes in a new process, beside the CPU time of it, and how many modules it
 * loads. Needs dist/ (`npm run build:ts`).
 *
 *   node scripts/server/import.js [--runs 21]
 *
 * Meant to stay under 30 ms.
 */

const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const { expect, numbers, quantile } = require('./common');

const { runs } = numbers({ runs: 21 });
const entry = pathToFileURL(path.resolve(__dirname, '../../dist/index.mjs')).href;

const SOURCE = `
  import { createRequire } from 'node:module';
  const before = process.cpuUsage();
  const begin = performance.now();
  await import('${entry}');
  const time = performance.now() - begin;
  const { user, system } = process.cpuUsage(before);
  const modules = Object.keys(createRequire('${entry}').cache).length;
  console.log(JSON.stringify({ time, cpu: (user + system) / 1000, modules }));
`;

const results = [];
for (let i = 0; i < runs; i++) {
  const command = ['--input-type=module', '-e', SOURCE];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  expect(status === 0, stderr);
  if (status === 0) results.push(JSON.parse(stdout));
}
if (results.length > 0) {
  const of = (name, part) =>
    quantile(
      results.map((result) => result[name]),
      part,
    );
  console.log(
    `import 'nnconv'  p50 ${of('time', 0.5).toFixed(1)}, least ${of('time', 0).toFixed(1)} ms; ` +
      `CPU time p50 ${of('cpu', 0.5).toFixed(1)} ms; ${of('modules', 0)} modules`,
  );
}
