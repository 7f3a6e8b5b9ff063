/** The only loader of the native addon. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { types } from 'node:util';

import type { Binding } from '../binding';
import { loadError } from './errors';

export type {
  ActivationKind,
  AsyncRun,
  BinaryKind,
  Binding,
  ConvExplanation,
  ConvHandle,
  ConvRunOptions,
  ConvSpec,
  GraphExplanation,
  GraphHandle,
  GraphNodeSpec,
  PadSpec,
  PoolSpec,
  ResampleSpec,
  RuntimeInfo,
  Shaped,
} from '../binding';

/** The package's root: the parent of `lib/` in a checkout, of `dist/` in an installed package. */
const root = path.join(__dirname, '..');

/** The version of this package. */
export const version: string = (
  JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string }
).version;

const candidates = ['Release', 'Debug'].map((kind) =>
  path.join(root, 'build', kind, 'nnconv.node'),
);

let loaded: Binding | undefined;

/** The native addon, loaded at the first use. */
export function binding(): Binding {
  return (loaded ??= load(candidates));
}

/** Loads the first of `paths` that is a working addon of this very version. */
export function load(paths: readonly string[]): Binding {
  const failures: string[] = [];
  let cause: unknown;
  for (const file of paths) {
    if (!existsSync(file)) {
      failures.push(`${file}: no such file`);
      continue;
    }
    try {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- a .node file has no other way in
      const addon = require(file) as Binding;
      const built = addon.runtimeInfo().version;
      if (built === version) return addon;
      failures.push(`${file}: built for nnconv ${built}, this is nnconv ${version}`);
    } catch (error) {
      cause ??= error;
      failures.push(`${file}: ${reason(error)}`);
    }
  }
  throw loadError(
    `the native addon of nnconv can't be loaded (${process.platform}-${process.arch}, ` +
      `Node ${process.version}); tried\n${failures.map((line) => `  ${line}`).join('\n')}\n` +
      "Build it with 'npm rebuild nnconv', or 'npm run build:native' in a checkout of nnconv; that " +
      'takes cmake, a C++17 compiler and OpenMP.',
    { cause },
  );
}

function reason(error: unknown): string {
  return types.isNativeError(error) ? error.message.split('\n', 1)[0] : String(error);
}
