'use strict';

/**
 * What a prebuilt addon for Linux asks of the machine it runs on, read with readelf. Throws where
 * that is more than glibc and libgcc_s.
 */

const { execFileSync } = require('node:child_process');

/** glibc, and what it and Node need themselves. */
const SYSTEM = /^(libc|libm|libdl|librt|libpthread|libgcc_s)\.so\.\d+$|^ld-linux-[\w-]+\.so\.\d+$/;
const ENTRY_POINTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

const readelf = (...args) => execFileSync('readelf', ['-W', ...args], { encoding: 'utf8' });
const all = (text, pattern) => [...text.matchAll(pattern)].map((match) => match[1]);

/** `glibc 2.34`: what an addon needs. */
function checkNeeds(addon) {
  const needed = all(readelf('--dynamic', addon), /NEEDED.*\[(.+)\]/g);
  const foreign = needed.filter((library) => !SYSTEM.test(library));
  if (foreign.length > 0) throw new Error(`${addon} needs ${foreign.join(', ')}`);
  const exported = all(
    readelf('--dyn-syms', addon),
    /(?:GLOBAL|WEAK|UNIQUE)\s+DEFAULT\s+\d+\s+(\S+)$/gm,
  );
  const stray = exported.filter((name) => !ENTRY_POINTS.includes(name.replace(/@.*/, '')));
  if (stray.length > 0) throw new Error(`${addon} exports ${stray.slice(0, 5).join(', ')}`);
  const glibc = all(readelf('--version-info', addon), /Name: GLIBC_2\.(\d+)/g).map(Number);
  return `glibc 2.${Math.max(...glibc)}`;
}

module.exports = { checkNeeds };
