'use strict';

/** One batch of calls, for ../fuzz-api.js: child.js SEED BATCH SECONDS FILE. Prints their number. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { inspect } = require('node:util');

require('ts-node/register/transpile-only');

const { makeValues, Mine } = require('./values');
const { makePublic } = require('./public');
const { makeRaw } = require('./raw');
const context = require('../../test/support/abuse/context');

const { addon } = context;

const CHECK_EVERY = 500;
const MOST_THREADS = 3;

const [seed, batch, seconds] = process.argv.slice(2).map(Number);
const note = fs.openSync(process.argv[5], 'w');

function describe(args) {
  try {
    return inspect(args, { depth: 2, maxArrayLength: 6, breakLength: Infinity, getters: false });
  } catch {
    return 'arguments that throw when they are looked at';
  }
}

/** For whoever looks for the reason of a crash. */
function write(name, args) {
  const text = `${name} ${describe(args)}`.slice(0, 1000);
  fs.writeSync(note, `${text.padEnd(1000)}\n`, 0);
}

// Whatever is written by accident goes there.
process.chdir(path.dirname(process.argv[5]));

/** A plan for billions of rows takes minutes, and more memory than there is, to be explained. */
function isEndless(name, args) {
  if (!/explain|prepare|convAlgorithms|compile/i.test(name)) return false;
  const large = (value, level) => {
    if (typeof value === 'number') return value >= 2 ** 31;
    return level < 3 && Array.isArray(value) && value.some((item) => large(item, level + 1));
  };
  try {
    return large(args, 0);
  } catch {
    return true;
  }
}

/** The addon computes what it did before. Not with the old layer: it may have got other weights. */
function stillRight() {
  const { bias, expected, graphExpected, input, runGraph, shape, spec, weight } = context;
  const { data } = addon.convForward(addon.convCreate(spec), input, shape, weight, 1, bias);
  assert.deepEqual(data, expected);
  assert.deepEqual(runGraph(), graphExpected);
}

let failed = 0;

/** What a call threw, or a promise was rejected with. */
function judge(error, name, args) {
  if (error instanceof Mine) return;
  const code = error?.code;
  if (typeof code === 'string' && /^ERR_/.test(code) && code !== 'ERR_NNCONV_INTERNAL') return;
  // V8's own: a list of the caller's that is a proxy which breaks the rules, or has no buffer; a hook of
  // the caller's that throws when it is called, as a class does.
  const message = String(error?.message);
  if (/proxy|on a detached ArrayBuffer/i.test(message)) return;
  if (/^Class constructors? .*cannot be invoked without 'new'$/.test(message)) return;
  if (error?.code !== undefined && error.syscall !== undefined) return; // of a file
  if (++failed > 3) return;
  console.error(`${name} ${describe(args)}\n${error?.stack ?? String(error)}\n`);
  process.exitCode = 1;
}

function attempt(name, call, args) {
  try {
    if (isEndless(name, args)) return undefined;
    write(name, args);
    const result = call(...args);
    if (result instanceof Promise) result.catch((error) => judge(error, name, args));
    if (result?.promise instanceof Promise) {
      result.promise.catch((error) => judge(error, name, args));
    }
    return result;
  } catch (error) {
    judge(error, name, args);
    return undefined;
  }
}

async function main() {
  let nested = () => undefined;
  const values = makeValues(seed * 65537 + batch, () => nested());
  const kinds = [makeRaw(values, attempt), makePublic(values, attempt)];
  nested = kinds[0];
  const end = performance.now() + seconds * 1000;
  let calls = 0;
  for (; performance.now() < end && failed === 0; calls++) {
    values.pick(kinds)();
    if (addon.getNumThreads() > MOST_THREADS) addon.setNumThreads(2);
    if (calls % 20 === 0) await new Promise(setImmediate);
    if (calls % CHECK_EVERY === 0) {
      write('check', []);
      stillRight();
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  global.gc();
  stillRight();
  console.log(calls);
}

process.on('unhandledRejection', (error) => judge(error, 'a rejection', []));
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
