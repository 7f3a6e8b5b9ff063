'use strict';

/**
 * GCC's OpenMP library beside a prebuilt addon: a slim container has none, and libgomp.a can't go
 * into a shared object.
 *
 * It gets a name of its own, in its file and in the addon's list of what it needs. A process has but
 * one library of a name: as libgomp.so.1 ours would be taken for the one that another addon, made by
 * a newer compiler, asks for.
 */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const THEIRS = 'libgomp.so.1';
const OURS = 'libgomp-n.so'; // just as long: it is written over the other

const output = (command, args) => execFileSync(command, args, { encoding: 'utf8' }).trim();

/** Replaces the one string THEIRS in an ELF file by OURS. */
function rename(file) {
  const bytes = fs.readFileSync(file);
  const at = bytes.indexOf(`\0${THEIRS}\0`);
  if (at < 0 || bytes.indexOf(`\0${THEIRS}\0`, at + 1) >= 0) {
    throw new Error(`${file} doesn't name ${THEIRS} exactly once: it takes GCC to make prebuilds`);
  }
  bytes.write(OURS, at + 1, 'latin1');
  fs.writeFileSync(file, bytes);
}

/** Copies what the library's licence asks for to `folder`. */
function addNotice(folder, library) {
  const owner = output('dpkg-query', ['--search', library]).split('\n')[0];
  const name = owner.split(/[:,]/)[0];
  const source = output('dpkg-query', [
    '--show',
    '--showformat=${source:Package} ${source:Version} (${Package} ${Version})\n',
    name,
  ]).split('\n')[0];
  const notice = fs.readFileSync(path.join(__dirname, 'THIRD-PARTY.libgomp.md'), 'utf8');
  fs.writeFileSync(
    path.join(folder, 'THIRD-PARTY.md'),
    notice.replace('{SOURCE}', source).replace(/\{OURS\}/g, OURS),
  );
  fs.copyFileSync(`/usr/share/doc/${name}/copyright`, path.join(folder, 'gcc-copyright.txt'));
  fs.copyFileSync('/usr/share/common-licenses/GPL-3', path.join(folder, 'GPL-3.txt'));
}

/** Puts the libgomp of `compiler`, which made `addon`, beside it. */
function addLibgomp(addon, compiler) {
  const folder = path.dirname(addon);
  const library = fs.realpathSync(output(compiler, [`-print-file-name=${THEIRS}`]));
  const copy = path.join(folder, OURS);
  fs.copyFileSync(library, copy);
  fs.chmodSync(copy, 0o644);
  rename(copy);
  rename(addon);
  addNotice(folder, library);
}

module.exports = { addLibgomp, OURS };
