import { existsSync } from 'node:fs';
import path from 'node:path';

const builds = ['Release', 'Debug'].map((kind) =>
  path.join(__dirname, '..', '..', 'build', kind, 'nnconv.node'),
);

/** The addon's file, for tests that go around lib/binding.ts. */
export const addonPath: string = builds.find((file) => existsSync(file)) ?? builds[0];
