'use strict';

/**
 * Makes prebuilds/, the addons that the package ships: one folder for each platform that this
 * machine has a compiler for, named as `process.platform` and `process.arch` are. `npm pack` runs it
 * first.
 *
 * The addon of this machine is linked in build/, from the objects of the ordinary build; linux-arm64
 * is cross-compiled on linux-x64. All output goes to stderr: stdout is that of `npm pack --json`.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { checkNeeds } = require('./prebuild/needs.js');

const root = path.resolve(__dirname, '..');
const prebuilds = path.join(root, 'prebuilds');
const host = `${process.platform}-${process.arch}`;
const CROSS_COMPILER = 'aarch64-linux-gnu-g++';

const say = (message) => process.stderr.write(`prebuild: ${message}\n`);

/** Options of cmake-js by platform. */
const OPTIONS = {
  win32: ['--toolset', 'ClangCL'], // the kernels use vectors that MSVC doesn't know
};
const HOST = {
  platform: host,
  build: 'build',
  options: OPTIONS[process.platform] ?? [],
};
const CROSS = {
  platform: 'linux-arm64',
  build: 'build-linux-arm64',
  options: [
    '--CDCMAKE_SYSTEM_NAME=Linux',
    '--CDCMAKE_SYSTEM_PROCESSOR=aarch64',
    `--CDCMAKE_CXX_COMPILER=${CROSS_COMPILER}`,
  ],
};

function has(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

function compile({ build, options }) {
  const cmakeJs = require.resolve('cmake-js/bin/cmake-js', { paths: [root] });
  const jobs = String(os.availableParallelism());
  const args = ['compile', '--target', 'nnconv_prebuilt', '--out', build, '--parallel', jobs];
  const result = spawnSync(process.execPath, [cmakeJs, ...args, ...options], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout}${result.stderr}${result.error ?? ''}\n`);
  throw new Error(`building in ${build}/ failed; the log is above`);
}

function size(folder) {
  const bytes = fs
    .readdirSync(folder)
    .reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0);
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

function prebuild(target) {
  const started = Date.now();
  compile(target);
  const folder = path.join(prebuilds, target.platform);
  fs.mkdirSync(folder, { recursive: true });
  const addon = path.join(folder, 'nnconv.node');
  const built = ['prebuilt', 'prebuilt/Release'] // the latter where a build tree holds many configurations
    .map((dir) => path.join(root, target.build, dir, 'nnconv.node'))
    .find((file) => fs.existsSync(file));
  fs.copyFileSync(built, addon);
  const needs = target.platform.startsWith('linux-') ? `, needs ${checkNeeds(addon)}` : '';
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  say(`prebuilds/${target.platform}: ${size(folder)}${needs} (${seconds} s)`);
}

// What lies there may come from other sources under the same version.
fs.rmSync(prebuilds, { recursive: true, force: true });
prebuild(HOST);
if (host === 'linux-x64') {
  if (has(CROSS_COMPILER)) prebuild(CROSS);
  else {
    say(
      `no prebuilds/linux-arm64, there is no ${CROSS_COMPILER} ` +
        '(apt-get install g++-aarch64-linux-gnu)',
    );
  }
}
