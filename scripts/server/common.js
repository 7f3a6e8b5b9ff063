'use strict';

/** What the scripts of this folder share: the library as plain JavaScript, options, complaints. */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');

const { linkAddon, writePlain } = require('../plain-lib');

/** Writes lib/ as plain JavaScript to a new folder, with the addon beside it; returns its path. */
function plainLib() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-server-'));
  process.once('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  writePlain('lib', path.join(folder, 'lib'));
  linkAddon(folder);
  fs.symlinkSync(
    path.resolve(__dirname, '..', '..', 'node_modules'),
    path.join(folder, 'node_modules'),
    'junction',
  );
  return path.join(folder, 'lib');
}

/** Numbers from the command line: `--name value` for each name in `defaults`. */
function numbers(defaults) {
  const names = Object.keys(defaults);
  const { values } = parseArgs({
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
  });
  return Object.fromEntries(
    names.map((name) => {
      const value = Number(values[name] ?? defaults[name]);
      if (!Number.isFinite(value) || value < 0) {
        console.error(`--${name} must be a number from 0 on, got '${values[name]}'`);
        process.exit(2);
      }
      return [name, value];
    }),
  );
}

/** Fails the script, but lets it go on. */
function expect(condition, complaint) {
  if (condition) return;
  console.error(`FAILED: ${complaint}`);
  process.exitCode = 1;
}

/** Small, repeatable random numbers. */
function randomizer(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return (below) => Math.floor(next() * below);
}

function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

const seconds = () => performance.now() / 1000;
const megabytes = () => process.memoryUsage.rss() / 2 ** 20;
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
/** -1 where /proc doesn't tell. */
const entries = (folder) => (fs.existsSync(folder) ? fs.readdirSync(folder).length : -1);
const threadCount = () => entries('/proc/self/task');
const handleCount = () => entries('/proc/self/fd');

module.exports = {
  expect,
  handleCount,
  megabytes,
  numbers,
  plainLib,
  quantile,
  randomizer,
  seconds,
  sleep,
  threadCount,
};
