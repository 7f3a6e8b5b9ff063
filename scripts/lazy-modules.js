'use strict';

/**
 * Lets the modules that tsc wrote load each other at the first use instead of the beginning, so that an
 * import takes the time of a few modules, not of seventy, and a program that only runs layers never
 * reads the code for checkpoints. tsc names an imported module `name_1` and reads every import of it
 * as a property of that, which is what makes this simple.
 */

const fs = require('node:fs');
const path = require('node:path');

const IMPORT = /^(?:const|var) (\w+_\d+) = require\("(\.[^"]+)"\);$/gm;

const NAMESPACE = /^exports\.(\w+) = (__importStar\(require\("\.[^"]+"\)\));$/gm;

/** `text`, a module that tsc wrote, with its imports from beside it put off. */
function lazily(text, file) {
  const names = [];
  const imports = text
    .replace(IMPORT, (_, name, from) => {
      names.push(name);
      return `let ${name}_; const ${name} = () => (${name}_ ??= require("${from}"));`;
    })
    .replace(
      NAMESPACE,
      'Object.defineProperty(exports, "$1", { enumerable: true, get: () => $2 });',
    );
  return names.reduce((result, name) => {
    const used = result
      .replace(new RegExp(`\\bnew ${name}\\.(\\w+)`, 'g'), `new (${name}().$1)`)
      .replace(new RegExp(`\\b${name}\\.`, 'g'), `${name}().`);
    const bare = used.match(new RegExp(`\\b${name}\\b(?!\\(\\)\\.| = \\(\\) =>)`));
    if (bare) throw new Error(`${file} takes the whole of ${name}, not a property of it`);
    return used;
  }, imports);
}

/** Does so to all modules in `folder`. */
function makeLazy(folder) {
  for (const name of fs.readdirSync(folder, { recursive: true })) {
    if (!name.endsWith('.js')) continue;
    const file = path.join(folder, name);
    fs.writeFileSync(file, lazily(fs.readFileSync(file, 'utf8'), file));
  }
}

module.exports = { lazily, makeLazy };
