'use strict';

/**
 * lib/ as plain JavaScript in another folder, for processes whose memory or time is measured: with
 * ts-node they would hold a compiler. What of lib/ needs the addon doesn't find it there.
 */

const fs = require('node:fs');
const path = require('node:path');
const ts = require('typescript');

const root = path.resolve(__dirname, '..');
const lib = path.join(root, 'lib');

/** Writes it to `folder`; returns the environment in which it finds its packages. */
function writePlainLib(folder) {
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  for (const file of fs.readdirSync(lib, { recursive: true })) {
    if (!file.endsWith('.ts')) continue;
    const source = fs.readFileSync(path.join(lib, file), 'utf8');
    const { outputText } = ts.transpileModule(source, { compilerOptions: options });
    const target = path.join(folder, file.replace(/\.ts$/, '.js'));
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, outputText);
  }
  return { ...process.env, NODE_PATH: path.join(root, 'node_modules') };
}

module.exports = { writePlainLib };
