'use strict';

/**
 * The ways in which the tarball is installed: with the addon it brings, without install scripts,
 * where there is nothing but Node, with an addon that is missing or wrong, and from source.
 */

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const smoke = path.resolve(__dirname, '../prebuild/smoke.js');
const platform = `${process.platform}-${process.arch}`;

const addonIn = (project) => path.join(project, 'node_modules', 'nnconv');
const prebuiltIn = (project) => path.join(addonIn(project), 'prebuilds', platform, 'nnconv.node');
const builtIn = (project) => path.join(addonIn(project), 'build', 'Release', 'nnconv.node');

/** Where `name` is on PATH. */
function which(name) {
  return process.env.PATH.split(path.delimiter)
    .map((dir) => path.join(dir, name))
    .find((file) => fs.existsSync(file));
}

/** A folder for PATH that holds Node and what npm needs, and nothing that compiles. */
function pathWithoutTools(parent) {
  const dir = path.join(parent, 'bin');
  fs.mkdirSync(dir);
  for (const name of ['npm', 'sh']) fs.symlinkSync(which(name), path.join(dir, name));
  fs.symlinkSync(process.execPath, path.join(dir, 'node'));
  return dir;
}

/**
 * The compiler, told not to optimise: whether the package has all that a build takes shows in a third of
 * the time. What is fast, and right, is tested elsewhere.
 */
function hasty(parent) {
  const script = path.join(parent, 'hasty-c++');
  const compiler = process.env.CXX ?? ['c++', 'g++', 'clang++'].find(which);
  fs.writeFileSync(script, `#!/bin/sh\nexec ${compiler} "$@" -O0\n`, { mode: 0o755 });
  return script;
}

/** Runs a command to its end, which must be a good one unless `fails`; its output. */
function run(command, args, { fails = false, ...options }) {
  const result = spawnSync(command, args, { encoding: 'utf8', ...options });
  const output = `${result.stdout}${result.stderr}${result.error ?? ''}`;
  assert.strictEqual(result.status !== 0, fails, `${command} ${args.join(' ')}\n${output}`);
  return output;
}

function works(project) {
  run(process.execPath, [smoke, addonIn(project)], { cwd: project });
}

/** The addon that a process loads. */
function loadedBy(project) {
  const source =
    "require('nnconv').runtimeInfo();" +
    "console.log(Object.keys(require.cache).find((file) => file.endsWith('.node')))";
  return run(process.execPath, ['-e', source], { cwd: project }).trim();
}

function checkOwnRoot(project, parent) {
  const dir = path.join(parent, 'root');
  fs.cpSync(project, path.join(dir, 'project'), { recursive: true });
  fs.copyFileSync(smoke, path.join(dir, 'smoke.js'));
  fs.copyFileSync(process.execPath, path.join(dir, 'node'));
  const libraries = run('ldd', [process.execPath], {}).matchAll(/(\/\S+) \(0x/g);
  for (const [, library] of libraries) {
    fs.mkdirSync(path.join(dir, path.dirname(library)), { recursive: true });
    fs.copyFileSync(library, path.join(dir, library));
  }
  run('chroot', [dir, '/node', '/smoke.js', '/project/node_modules/nnconv'], {});
  fs.rmSync(dir, { recursive: true });
}

/** Makes Node look as it does on Alpine. */
const MUSL =
  "const fs = require('node:fs'); const { existsSync } = fs;" +
  "fs.existsSync = (file) => file.startsWith('/lib/ld-musl-') || existsSync(file);" +
  'process.report.getReport = () => ({ header: {} });';

/** What loading the addon says where none works. */
function loadMessage(project, before = '') {
  const source =
    before + "try { require('nnconv').runtimeInfo() } catch (e) { console.log(e.code, e.message) }";
  return run(process.execPath, ['-e', source], { cwd: project });
}

function checkWrongAddon(project, bin) {
  const prebuilt = prebuiltIn(project);
  const said = (expected, before) => {
    const message = loadMessage(project, before);
    for (const part of ['ERR_NNCONV_LOAD', builtIn(project), prebuilt, expected]) {
      assert(message.includes(part), `no '${part}' in\n${message}`);
    }
    assert.match(message, /npm_config_build_from_source=true npm rebuild nnconv/);
  };
  /** The install script wants to build then, and says what it lacks. */
  const wantsBuild = (why) => {
    const script = path.join(addonIn(project), 'scripts', 'install.js');
    const output = run(process.execPath, [script], { fails: true, env: { PATH: bin } });
    assert(output.includes(why), output);
    assert.match(output, /a C\+\+17 compiler/);
  };

  const good = fs.readFileSync(prebuilt);
  fs.rmSync(prebuilt);
  said(`${prebuilt}: no such file`);
  wantsBuild(`has none for ${platform}`);
  fs.writeFileSync(prebuilt, 'no addon');
  said(prebuilt);
  wantsBuild("the package's doesn't work here");
  fs.writeFileSync(prebuilt, good);
  works(project);
  if (process.platform === 'linux') said('needs glibc, this Node.js runs on musl', MUSL);

  const manifest = path.join(addonIn(project), 'package.json');
  const text = fs.readFileSync(manifest, 'utf8');
  const { version } = JSON.parse(text);
  fs.writeFileSync(manifest, text.replace(`"version": "${version}"`, '"version": "99.0.0"'));
  said(`built for nnconv ${version}, this is nnconv 99.0.0`);
  fs.writeFileSync(manifest, text);
}

function importTime(project) {
  const source =
    "const start = performance.now(); await import('nnconv'); console.log(performance.now() - start)";
  const times = Array.from({ length: 5 }, () =>
    Number(run(process.execPath, ['--input-type=module', '-e', source], { cwd: project })),
  );
  return times.sort((a, b) => a - b)[2];
}

/** Installs `tarball` in `project`, an empty one, where it stays, and in others. */
function checkInstalls({ tarball, project, check }) {
  const parent = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-install-'));
  process.on('exit', () => fs.rmSync(parent, { recursive: true, force: true }));
  const bin = pathWithoutTools(parent);
  const bare = { ...process.env, PATH: bin };
  delete bare.CXX;
  const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball];

  check('installs into an empty project, without a compiler', () => {
    run('npm', install, { cwd: project, env: bare });
    assert(!fs.existsSync(path.join(addonIn(project), 'build')));
    assert.strictEqual(loadedBy(project), fs.realpathSync(prebuiltIn(project)));
    works(project);
  });

  const other = path.join(parent, 'other');
  fs.mkdirSync(other);
  fs.writeFileSync(path.join(other, 'package.json'), '{ "private": true }\n');
  check('installs without install scripts', () => {
    run('npm', [...install, '--ignore-scripts'], { cwd: other, env: bare });
    works(other);
  });
  if (process.platform === 'linux' && process.getuid() === 0) {
    check('works in a root that holds Node and its libraries only', () => {
      checkOwnRoot(other, parent);
    });
  }
  check('says what is wrong with a missing, a broken and an old addon', () => {
    checkWrongAddon(other, bin);
  });
  console.log(`import 'nnconv': ${importTime(project).toFixed(1)} ms`);

  check('builds from source when asked to, and takes that build', () => {
    const env = { ...process.env, npm_config_build_from_source: 'true', CXX: hasty(parent) };
    run('npm', ['rebuild', 'nnconv'], { cwd: other, env });
    assert.strictEqual(loadedBy(other), fs.realpathSync(builtIn(other)));
    works(other);
  });
}

module.exports = { checkInstalls, platform };
