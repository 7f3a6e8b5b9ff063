'use strict';

/**
 * lib/ as plain JavaScript in another folder, for processes whose memory or time is measured: with
 * ts-node they would hold a compiler. What of lib/ needs the addon doesn't find it there, unless
 * `linkAddon` has been called.
 */

const fs = require('node:fs');
const path = require('node:path');
const ts = require('typescript');

const root = path.resolve(__dirname, '..');

/** Writes what is in the folder `source` of the project to `folder`. */
function writePlain(source, folder) {
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const from = path.join(root, source);
  for (const file of fs.readdirSync(from, { recursive: true })) {
    if (!file.endsWith('.ts')) continue;
    const text = fs.readFileSync(path.join(from, file), 'utf8');
    const { outputText } = ts.transpileModule(text, { compilerOptions: options });
    const target = path.join(folder, file.replace(/\.ts$/, '.js'));
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, outputText);
  }
}

/** Writes it to `folder`; returns the environment in which it finds its packages. */
function writePlainLib(folder) {
  writePlain('lib', folder);
  return { ...process.env, NODE_PATH: path.join(root, 'node_modules') };
}

/** Lets the lib/ that was written to the folder `lib` in `folder` find the addon. */
function linkAddon(folder) {
  fs.symlinkSync(path.join(root, 'build'), path.join(folder, 'build'), 'junction');
  fs.copyFileSync(path.join(root, 'package.json'), path.join(folder, 'package.json'));
}

module.exports = { linkAddon, writePlain, writePlainLib };
