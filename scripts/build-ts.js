'use strict';

/**
 * Builds dist/ from lib/: CommonJS and declarations by tsc, modules that load when they are needed, and
 * for every entry of package.json's `exports` a thin ES module over the CommonJS one, so that both
 * share one instance of everything.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const ts = require('typescript');

const { makeLazy } = require('./lazy-modules.js');

const root = path.resolve(__dirname, '..');
const pkg = require('../package.json');

/** Names of the values (not types) that a source file exports. */
function valueExports(program, file) {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const symbol = source && checker.getSymbolAtLocation(source);
  if (!symbol) throw new Error(`${path.relative(root, file)} is not a module`);
  return checker
    .getExportsOfModule(symbol)
    .filter((item) => {
      const target = item.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(item) : item;
      return (target.flags & ts.SymbolFlags.Value) !== 0;
    })
    .map((item) => item.name)
    .filter((name) => name !== 'default')
    .sort();
}

function writeWrapper(base, names) {
  const cjs = `./${path.basename(base)}.js`;
  fs.writeFileSync(
    `${base}.mjs`,
    `import cjs from '${cjs}';\n\nexport const {\n${names.map((name) => `  ${name},\n`).join('')}} = cjs;\n`,
  );
  fs.writeFileSync(`${base}.d.mts`, `export * from '${cjs}';\n`);
}

const dist = path.join(root, 'dist');
fs.rmSync(dist, { recursive: true, force: true });
const tsc = spawnSync(
  process.execPath,
  [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
  { cwd: root, stdio: 'inherit' },
);
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
makeLazy(dist);

const entries = Object.values(pkg.exports)
  .filter((target) => target.import)
  .map((target) => path.resolve(root, target.require.default.replace(/\.js$/, '')));
const sourceOf = (base) => path.join(root, 'lib', `${path.relative(dist, base)}.ts`);
const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile);
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
const program = ts.createProgram(entries.map(sourceOf), options);
for (const file of Object.values(pkg.bin)) fs.chmodSync(path.join(root, file), 0o755);
for (const base of entries) writeWrapper(base, valueExports(program, sourceOf(base)));
