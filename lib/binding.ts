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

/** Where a build from source puts the addon. */
const builds = ['Release', 'Debug'].map((kind) => path.join(root, 'build', kind, 'nnconv.node'));

/** Where the package has the addon of this platform, if it has one. */
export const prebuilt = path.join(
  root,
  'prebuilds',
  `${process.platform}-${process.arch}`,
  'nnconv.node',
);

let loaded: Binding | undefined;

/** The native addon, loaded at the first use. */
export function binding(): Binding {
  // A build from source was asked for, or there is nothing else.
  return (loaded ??= load([...builds, prebuilt]));
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
    if (file === prebuilt && onMusl()) {
      failures.push(`${file}: needs glibc, this Node.js runs on musl`);
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
      "Build it with 'npm_config_build_from_source=true npm rebuild nnconv', or 'npm run " +
      "build:native' in a checkout of nnconv; that takes cmake and a C++17 compiler. " +
      'node_modules that were copied from another platform want to be installed anew.',
    { cause },
  );
}

/**
 * Whether Node runs on musl instead of glibc. The sure way, a report, takes milliseconds: it is left
 * out where musl isn't even installed.
 */
function onMusl(): boolean {
  if (process.platform !== 'linux') return false;
  const machine = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string];
  if (!existsSync(`/lib/ld-musl-${machine}.so.1`)) return false;
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  const { excludeNetwork } = report;
  report.excludeNetwork = true; // or it asks a name server
  try {
    const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
    return header.glibcVersionRuntime === undefined;
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}

function reason(error: unknown): string {
  return types.isNativeError(error) ? error.message.split('\n', 1)[0] : String(error);
}
