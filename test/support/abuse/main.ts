/**
 * Calls the addon with all that can go wrong, for test/binding.test.ts. Runs in a process of its
 * own, `node -r ts-node/register/transpile-only main.ts <name of a scenario>`, so that a crash is a
 * failed test. A scenario throws where the addon does anything but return or throw a coded error.
 */
import { asyncScenarios } from './async';
import { bufferScenarios } from './buffers';
import { garbageScenarios } from './garbage';
import { graphScenarios } from './graph';
import { lifetimeScenarios } from './lifetime';
import { valueScenarios } from './values';
import type { Scenarios } from './context';

const scenarios: Scenarios = {
  ...garbageScenarios,
  ...valueScenarios,
  ...bufferScenarios,
  ...lifetimeScenarios,
  ...asyncScenarios,
  ...graphScenarios,
};

export const names = Object.keys(scenarios);

async function run(name: string): Promise<void> {
  try {
    await scenarios[name]();
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
}

if (require.main === module) void run(process.argv[2]);
