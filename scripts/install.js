'use strict';

/**
 * The `install` script of the package: there is nothing to do where the package brings an addon that
 * works on this machine. Elsewhere, in a clone, and with `npm_config_build_from_source=true` in the
 * environment, it builds the addon.
 *
 * It first looks for what the build needs and says what is missing and how to get it, then runs
 * cmake-js. Nothing is downloaded: the Node-API headers are an npm dependency. A build that works
 * prints one line; one that fails prints the whole log.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const root = path.resolve(__dirname, '..');
const addon = path.join(root, 'build', 'Release', 'nnconv.node');
const mac = process.platform === 'darwin';

const REMEDY = mac
  ? 'On macOS:  xcode-select --install && brew install cmake'
  : 'On Debian and Ubuntu:  apt-get install cmake g++ make\n' +
    '  On Fedora:  dnf install cmake gcc-c++ make\n' +
    '  On Alpine:  apk add cmake g++ make';

function fail(message, log) {
  if (log) process.stderr.write(log.endsWith('\n') ? log : `${log}\n`);
  process.stderr.write(`\nnnconv: ${message}\n\n`);
  process.exit(1);
}

function run(command, args, options) {
  return spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...options,
  });
}

const works = (command, args = ['--version']) => run(command, args).status === 0;

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 17)) {
    fail(`Node.js 20.17 or newer is needed, this is ${process.versions.node}.`);
  }
}

function hasCmake() {
  const [, major, minor] =
    /version (\d+)\.(\d+)/.exec(run('cmake', ['--version']).stdout ?? '') ?? [];
  return Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 18);
}

/** The compiler CMake will pick: $CXX, or the first of its usual names. */
function findCompiler() {
  if (process.env.CXX) return process.env.CXX;
  return ['c++', 'g++', 'clang++'].find((name) => works(name));
}

/** Compiles and links `source`; undefined when that works, the compiler's words otherwise. */
function tryCompile(compiler, flags, source) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-check-'));
  try {
    const file = path.join(dir, 'check.cpp');
    fs.writeFileSync(file, source);
    const [command, ...own] = compiler.split(/\s+/);
    const result = run(command, [...own, ...flags(file), '-o', path.join(dir, 'check')]);
    return result.status === 0 ? undefined : result.stderr || String(result.error);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

function checkTools() {
  const missing = [];
  if (!hasCmake()) missing.push('cmake (3.18 or newer)');
  if (!works('make') && !works('ninja')) missing.push('make or ninja');

  const compiler = findCompiler();
  const details =
    compiler &&
    tryCompile(
      compiler,
      (file) => ['-std=c++17', file],
      '#include <optional>\nint main() { if constexpr (true) return *std::optional<int>(0); }\n',
    );
  if (!compiler) {
    missing.push('a C++17 compiler (g++ or clang++)');
  } else if (details) {
    missing.push(`a compiler that knows C++17 (${compiler} could not compile a C++17 program)`);
  }
  return { missing, details };
}

function resolveTools() {
  try {
    // Hoisted or nested, in a clone or in node_modules: wherever npm put it.
    const options = { paths: [root] };
    require.resolve('node-addon-api', options);
    return require.resolve('cmake-js/bin/cmake-js', options);
  } catch (error) {
    return fail(
      `a build dependency is not installed (${error.message.split('\n')[0]}).\n` +
        '  Run `npm install` again without leaving dependencies out.',
    );
  }
}

/** Why the addon that the package brings is not used; undefined when it is. */
function whyBuild() {
  if (fs.existsSync(path.join(root, 'lib'))) return 'this is a clone';
  const wanted = process.env.npm_config_build_from_source;
  if (wanted && wanted !== 'false') return 'npm_config_build_from_source is set';
  const loader = path.join(root, 'dist', 'binding.js');
  const { prebuilt } = require(loader);
  if (!fs.existsSync(prebuilt)) {
    return `the package has none for ${process.platform}-${process.arch}`;
  }
  // In a process of its own: one that crashes when loaded should not take npm with it.
  const source = 'const { load, prebuilt } = require(process.argv[1]); load([prebuilt]);';
  const probe = run(process.execPath, ['-e', source, loader]);
  if (probe.status === 0) return undefined;
  const line = probe.stderr.split('\n').find((text) => text.includes(prebuilt));
  return `the package's doesn't work here (${(line ?? `signal ${probe.signal}`).trim()})`;
}

checkNode();
const why = whyBuild();
if (!why) {
  console.log(`nnconv: the addon for ${process.platform}-${process.arch} works, nothing to build`);
  process.exit();
}
const { missing, details } = checkTools();
if (missing.length > 0) {
  fail(
    `the native addon has to be built (${why}), and something that it takes is missing:\n` +
      missing.map((item) => `  - ${item}\n`).join('') +
      `  ${REMEDY}`,
    details,
  );
}

const cmakeJs = resolveTools();
const started = Date.now();
const build = run(
  process.execPath,
  [cmakeJs, 'compile', '--parallel', String(os.availableParallelism())],
  { cwd: root },
);
if (build.status !== 0) {
  fail(
    `building the native addon failed; the log is above.\n  ${REMEDY}`,
    `${build.stdout}${build.stderr}${build.error ? String(build.error) : ''}`,
  );
}

// In a process of its own: an addon that crashes when loaded should not take npm with it.
const probe = run(process.execPath, ['-e', 'require(process.argv[1]).runtimeInfo()', addon]);
if (probe.status !== 0) {
  fail(
    `the native addon was built but can't be loaded on this machine.`,
    `${probe.stdout}${probe.stderr}`,
  );
}
console.log(`nnconv: native addon built in ${((Date.now() - started) / 1000).toFixed(1)} s`);
