'use strict';

/** LLVM's OpenMP library, which Homebrew provides on macOS: linked into the addon, with its licence. */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const prefix = () =>
  process.env.OpenMP_ROOT ??
  execFileSync('brew', ['--prefix', 'libomp'], { encoding: 'utf8' }).trim();

/** Options of cmake-js that take the static library. */
function libompOptions() {
  return [
    `--CDOpenMP_ROOT=${prefix()}`,
    `--CDOpenMP_omp_LIBRARY=${path.join(prefix(), 'lib', 'libomp.a')}`,
  ];
}

function addLibomp(folder) {
  const licence = fs.readdirSync(prefix()).find((name) => /^LICENSE/.test(name));
  if (!licence) throw new Error(`no licence of libomp in ${prefix()}`);
  fs.copyFileSync(path.join(prefix(), licence), path.join(folder, 'libomp-LICENSE.txt'));
  fs.writeFileSync(
    path.join(folder, 'THIRD-PARTY.md'),
    '# Third-party software in this folder\n\n' +
      "`nnconv.node` contains libomp, LLVM's OpenMP library, under the Apache License 2.0 with LLVM\n" +
      'exceptions (`libomp-LICENSE.txt`). Its source: https://github.com/llvm/llvm-project\n',
  );
}

module.exports = { addLibomp, libompOptions };
