'use strict';

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // Types are checked once, by `npm run typecheck`; here files are only transpiled.
  transform: { '^.+\\.ts$': ['ts-jest', { diagnostics: false }] },
  testTimeout: 60_000,
  // Tests of thread invariance set the thread count themselves; two workers keep small CI busy.
  maxWorkers: 2,
};
