'use strict';

/**
 * Calls the public API and the addon beneath it with all that JavaScript has, at random: numbers of
 * all sorts, buffers detached, resized and shared, proxies, getters that throw or call back, objects of
 * others. Each call must return, or throw an error with a code; nothing may crash or hang.
 *
 *   node scripts/fuzz-api.js [--seconds 300] [--seed 1] [--first 0] [--max-bytes 4294967296]
 *
 * Calls happen in processes of their own, `BATCH` in each; a batch is a seed and its number, so that one
 * that failed is repeated by `--first N --seconds 0`. LD_PRELOAD and the like reach them; the address
 * sanitizer, which maps terabytes, needs `--max-bytes 0`.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');

const BATCH_SECONDS = 20;
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    // Where `prlimit` is there: what a size out of nowhere may ask for.
    'max-bytes': { type: 'string', default: String(4 * 2 ** 30) },
  },
});

const maxBytes = Number(values['max-bytes']);
const limited = maxBytes > 0 && spawnSync('prlimit', ['--version']).status === 0;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-fuzz-'));
const note = path.join(folder, 'call');

/** Returns whether batch `number`, of at most so many seconds, went well, and how many calls it made. */
function batch(number, seconds) {
  const script = path.join(__dirname, 'fuzz-api', 'child.js');
  const flags = ['--expose-gc', '--no-deprecation', '--no-warnings'];
  const command = [process.execPath, ...flags, script, values.seed, number, seconds, note].map(
    String,
  );
  if (limited) command.unshift('prlimit', `--data=${maxBytes}`);
  const { status, signal, stdout, stderr } = spawnSync(command[0], command.slice(1), {
    encoding: 'utf8',
    cwd: path.resolve(__dirname, '..'),
    timeout: Math.round(seconds + 90) * 1000,
    killSignal: 'SIGKILL',
  });
  if (status === 0) return { good: true, calls: Number(stdout) };
  const call = fs.existsSync(note) ? fs.readFileSync(note, 'utf8').trim() : 'none';
  console.error(
    `seed ${values.seed}, batch ${number}: ${signal ?? `status ${status}`}\nlast call: ${call}\n${stderr.slice(-4000)}`,
  );
  return { good: false, calls: 0 };
}

const begin = performance.now();
let calls = 0;
let failed = 0;
let number = Number(values.first);
do {
  const left = Number(values.seconds) - (performance.now() - begin) / 1000;
  const result = batch(number++, Math.max(1, Math.min(BATCH_SECONDS, left)));
  calls += result.calls;
  if (!result.good) failed++;
} while ((performance.now() - begin) / 1000 < Number(values.seconds) && failed < 5);
fs.rmSync(folder, { recursive: true, force: true });
console.log(`${calls} calls in ${number - Number(values.first)} batches, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
