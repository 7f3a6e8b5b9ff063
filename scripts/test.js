'use strict';

/**
 * `npm test`: the whole jest suite under the instruction set the CPU likes best, then the numeric
 * tests again under each other one it can run. Closes with one line, `N passed, N failed`.
 *
 * Arguments go to jest, which then runs once: `npm test -- test/tensor.test.ts`.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

require('ts-node/register/transpile-only');

const root = path.resolve(__dirname, '..');
const NUMERIC_TESTS = [
  'test/parity',
  'test/property',
  'test/pooling',
  'test/norm',
  'test/padding',
  'test/resampling',
  'test/ops',
  'test/models',
  'test/graph',
];

/** Runs jest once; counts a suite that did not even start as one failed test. */
function jest(args, env) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-jest-'));
  const report = path.join(dir, 'report.json');
  try {
    const result = spawnSync(
      process.execPath,
      [require.resolve('jest/bin/jest'), ...args, '--json', `--outputFile=${report}`],
      { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } },
    );
    if (!fs.existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
    const counts = JSON.parse(fs.readFileSync(report, 'utf8'));
    const failed = counts.numFailedTests + counts.numRuntimeErrorTestSuites;
    return {
      passed: counts.numPassedTests,
      failed: failed === 0 && result.status !== 0 ? 1 : failed,
      skipped: counts.numPendingTests + counts.numTodoTests,
    };
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

const total = { passed: 0, failed: 0, skipped: 0 };
function runs(title, args, env = {}) {
  console.log(`\n== ${title}`);
  const counts = jest(args, env);
  for (const key of Object.keys(total)) total[key] += counts[key];
}

const args = process.argv.slice(2);
const { runtimeInfo } = require('../lib');
const info = runtimeInfo();
runs(`${args.join(' ') || 'all tests'}, ${info.isa}`, args);
if (args.length === 0) {
  for (const isa of info.isaAvailable.filter((name) => name !== info.isa)) {
    runs(`${NUMERIC_TESTS.join(' ')}, ${isa}`, NUMERIC_TESTS, { NNCONV_ISA: isa });
  }
}

const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
