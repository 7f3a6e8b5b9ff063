'use strict';

/**
 * clang-format over native/: `--check` lists what is not formatted, `--write` formats it. The
 * formatter is a pinned WebAssembly build from npm, so every machine gets the same result.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '..');
const mode = process.argv[2];
if (mode !== '--check' && mode !== '--write') {
  console.error('usage: node scripts/format-native.js --check | --write');
  process.exit(2);
}

const files = fs
  .readdirSync(path.join(root, 'native'), { recursive: true })
  .filter((file) => /\.(h|inl|cc)$/.test(file))
  .map((file) => path.join('native', file))
  .sort();
const tool = path.join(
  path.dirname(require.resolve('@wasm-fmt/clang-format/package.json')),
  'clang-format-cli.cjs',
);
const flags = mode === '--write' ? ['-i'] : ['--dry-run', '-Werror', '--ferror-limit=1'];
const result = spawnSync(process.execPath, [tool, '--style=file', ...flags, ...files], {
  cwd: root,
  stdio: 'inherit',
});
if (result.status !== 0 && mode === '--check') {
  console.error('native/ is not formatted; run `npm run format`');
}
process.exit(result.status ?? 1);
