'use strict';

/**
 * What a prebuilt addon for Linux asks of the machine it runs on, read with readelf. Throws where
 * that is more than glibc and libgcc_s.
 */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { OURS } = require('./libgomp.js');

/** glibc, and what it and Node need themselves. */
const SYSTEM = /^(libc|libm|libdl|librt|libpthread|libgcc_s)\.so\.\d+$|^ld-linux-[\w-]+\.so\.\d+$/;
const ENTRY_POINTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

const readelf = (...args) => execFileSync('readelf', ['-W', ...args], { encoding: 'utf8' });
const all = (text, pattern) => [...text.matchAll(pattern)].map((match) => match[1]);

/** The newest 2.x of glibc that one of the files asks a symbol from, as x. */
function glibcOf(files) {
  const minors = files.flatMap((file) =>
    all(readelf('--version-info', file), /Name: GLIBC_2\.(\d+)/g).map(Number),
  );
  return Math.max(...minors);
}

/** `glibc 2.34`: what the files of a folder under prebuilds/ need. */
function checkNeeds(folder) {
  const addon = path.join(folder, 'nnconv.node');
  const elves = fs.readdirSync(folder).filter((name) => /\.(node|so)$/.test(name));
  for (const name of elves) {
    const needed = all(readelf('--dynamic', path.join(folder, name)), /NEEDED.*\[(.+)\]/g);
    const foreign = needed.filter((library) => !SYSTEM.test(library) && !elves.includes(library));
    if (foreign.length > 0) throw new Error(`${name} needs ${foreign.join(', ')}`);
    if (name === 'nnconv.node' && !needed.includes(OURS))
      throw new Error(`${name} leaves ${OURS} out`);
  }
  if (!/RUNPATH.*\[\$ORIGIN\]/.test(readelf('--dynamic', addon))) {
    throw new Error("nnconv.node doesn't look for libraries beside it");
  }
  const exported = all(
    readelf('--dyn-syms', addon),
    /(?:GLOBAL|WEAK|UNIQUE)\s+DEFAULT\s+\d+\s+(\S+)$/gm,
  );
  const stray = exported.filter((name) => !ENTRY_POINTS.includes(name.replace(/@.*/, '')));
  if (stray.length > 0) throw new Error(`nnconv.node exports ${stray.slice(0, 5).join(', ')}`);
  return `glibc 2.${glibcOf(elves.map((name) => path.join(folder, name)))}`;
}

module.exports = { checkNeeds };
