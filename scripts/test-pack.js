'use strict';

/**
 * Packs the package as npm would publish it, installs the tarball into an empty project (and in
 * other ways, see test-pack/install.js) and uses it there: the README's one-liners in CommonJS and
 * ESM, and TypeScript consumers of both kinds.
 */

const assert = require('node:assert');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { checkInstalls, platform } = require('./test-pack/install.js');

const root = path.resolve(__dirname, '..');
const MAX_BYTES = 5e6;
const EXPECTED_FILES = [
  /^package\.json$/,
  /^README\.md$/,
  /^LICENSE$/,
  /^CHANGELOG\.md$/,
  /^CMakeLists\.txt$/,
  /^binding\.d\.ts$/,
  /^scripts\/install\.js$/,
  /^native\/(binding|problem|algorithm|kernel|op|graph|runtime)\/[a-z0-9_]+\.(h|inl|cc)$/,
  /^dist\/.*\.(js|mjs|d\.ts|d\.mts)$/,
  /^dist\/hub\/labels\/\w+\.json$/,
  /^examples\/digits\/model\.safetensors$/,
  /^examples\/digits\/pictures\/00-0\.png$/,
  /^prebuilds\/(linux|darwin|win32)-(x64|arm64)\/nnconv\.node$/,
];

const CONSUMER = `
const conv: nn.Conv2d = new nn.Conv2d(3, 16, 3, { padding: 1 });
const y: Tensor = conv.forward(randn([4, 3, 32, 32]));
const shape: readonly number[] = y.shape;
const same: typeof nn.Conv2d = Conv2d;
// @ts-expect-error a misspelled option is a type error
export const misspelled = () => new nn.Conv2d(3, 16, 3, { paddding: 1 });
const picture: Image = kernels(conv, { channel: 'rgb' });
const png: Uint8Array = picture.toPng();
const grid: Tensor = makeGrid([y.select(0, 0).select(0, 0)], { nrow: 4 });
console.log(shape.join('x'), same === nn.Conv2d, png[1] === 0x50, grid.shape.join('x'));
`;
const IMPORTS = `
import { nn, randn, type Tensor } from 'nnconv';
import { Conv2d } from 'nnconv/nn';
import { type Image, kernels, makeGrid } from 'nnconv/viz';
`;
const TYPESCRIPT = [
  { file: 'consumer.cts', options: { module: 'node16', moduleResolution: 'node16' } },
  { file: 'consumer.mts', options: { module: 'node16', moduleResolution: 'node16' } },
  { file: 'bundled.ts', options: { module: 'esnext', moduleResolution: 'bundler', noEmit: true } },
  { file: 'classic.ts', options: { module: 'commonjs', moduleResolution: 'node10' } },
];

const project = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-pack-'));
process.on('exit', () => fs.rmSync(project, { recursive: true, force: true }));

const npm = (args, cwd) => execFileSync('npm', args, { cwd, encoding: 'utf8' });

function check(name, body) {
  body();
  console.log(`ok: ${name}`);
}

/** A command that must succeed, and its output. */
function run(command, args) {
  const result = spawnSync(command, args, { cwd: project, encoding: 'utf8' });
  assert.strictEqual(
    result.status,
    0,
    `${command} ${args.join(' ')}\n${result.stdout}${result.stderr}`,
  );
  return result.stdout.trim();
}

/** The `node` lines in the README's shell blocks, each with the output it shows below (`# ...`). */
function oneLiners() {
  const readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8');
  const found = [];
  for (const [, block] of readme.matchAll(/^```sh\n([\s\S]*?)^```/gm)) {
    let current;
    for (const line of block.split('\n')) {
      if (line.startsWith('node ')) found.push((current = { command: line, output: [] }));
      else if (line.startsWith('# ') && current) current.output.push(line.slice(2));
      else current = undefined;
    }
  }
  return found;
}

const [packed] = JSON.parse(npm(['pack', '--json', '--pack-destination', project], root));
const names = packed.files.map((file) => file.path);
check(`tarball holds what it needs and no more: ${packed.files.length} files`, () => {
  const extra = names.filter((name) => !EXPECTED_FILES.some((pattern) => pattern.test(name)));
  assert.deepStrictEqual(extra, [], 'files that have no place in the package');
  const lacking = EXPECTED_FILES.filter((pattern) => !names.some((name) => pattern.test(name)));
  assert.deepStrictEqual(lacking, [], 'files missing from the package');
});

const prebuilt = names.filter((name) => name.endsWith('.node'));
check(
  `has the addon of ${prebuilt.map((name) => path.basename(path.dirname(name))).join(', ')}`,
  () => {
    assert(prebuilt.includes(`prebuilds/${platform}/nnconv.node`));
  },
);
check(`is small: ${(packed.size / 1e6).toFixed(2)} MB`, () => assert(packed.size < MAX_BYTES));

fs.writeFileSync(path.join(project, 'package.json'), '{ "private": true }\n');
checkInstalls({ tarball: path.join(project, packed.filename), project, check });

const examples = oneLiners();
check('the README has one-liners for CommonJS and ESM', () => {
  assert(examples.some(({ command }) => command.includes('require(')));
  assert(examples.some(({ command }) => command.includes('import ')));
});
for (const { command, output } of examples) {
  check(command, () => assert.strictEqual(run('sh', ['-c', command]), output.join('\n')));
}

check('the program runs: its sample, and a model that is an ES module', () => {
  const program = path.join(project, 'node_modules', '.bin', 'nnconv');
  assert.strictEqual(run(program, ['--version']), require('../package.json').version);
  const picture = path.join(root, 'examples', 'digits', 'pictures', '07-7.png');
  const classified = run(program, ['run', 'digits', '--input', picture, '--top-k', '1']);
  assert.match(classified, /^9\d\.\d % {2}7$/);
  const model = "import { nn } from 'nnconv';\nexport default new nn.Conv2d(1, 2, 3);\n";
  fs.writeFileSync(path.join(project, 'model.mjs'), model);
  const summary = run(program, ['summary', './model.mjs', '--input-shape', '1,1,8,8', '--json']);
  assert.deepStrictEqual(JSON.parse(summary).layers[0].outputShape, [1, 2, 6, 6]);
});

check('ESM and CommonJS share one instance and export the same names', () => {
  run('node', [
    '--input-type=module',
    '-e',
    `import assert from 'node:assert';
     import { createRequire } from 'node:module';
     const require = createRequire(process.cwd() + '/x.js');
     for (const entry of ['nnconv', 'nnconv/nn', 'nnconv/viz']) {
       const cjs = require(entry);
       const esm = await import(entry);
       const names = Object.keys(cjs).sort();
       assert.deepStrictEqual(Object.keys(esm).sort(), names);
       for (const name of names) assert.strictEqual(esm[name], cjs[name], name);
     }`,
  ]);
});

check('an import loads few modules, and no other package', () => {
  const loaded = run('node', [
    '--input-type=module',
    '-e',
    `import { createRequire } from 'node:module';
     await import('nnconv');
     const files = Object.keys(createRequire(process.cwd() + '/x.js').cache);
     console.log(files.map((file) => file.split(/[\\\\/]/).join('/')).join('\\n'));`,
  ]).split('\n');
  for (const file of loaded) assert.match(file, /\/node_modules\/nnconv\/dist\/[\w/-]+\.js$/);
  assert(loaded.length < 20, loaded.join('\n'));
});

for (const { file, options } of TYPESCRIPT) {
  check(`TypeScript ${options.moduleResolution}, ${path.extname(file)}`, () => {
    fs.writeFileSync(path.join(project, file), IMPORTS + CONSUMER);
    const config = {
      compilerOptions: { strict: true, target: 'es2022', lib: ['es2022'], types: [], ...options },
      files: [file, 'globals.d.ts'],
    };
    fs.writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify(config));
    fs.writeFileSync(
      path.join(project, 'globals.d.ts'),
      'declare const console: { log(...values: unknown[]): void };\n',
    );
    run(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', project]);
    if (options.noEmit) return;
    const emitted = file.replace(/ts$/, 'js');
    assert.strictEqual(run('node', [emitted]), '4x16x32x32 true true 3x32x32');
  });
}
