'use strict';

/**
 * Checks that load() doesn't hold a large file twice: makes a safetensors file in the temporary
 * folder, loads it in a process of its own, and compares that process's peak resident size with the
 * bytes of the tensors.
 *
 *   node scripts/check-load-memory.js [--megabytes 400]
 *   node scripts/check-load-memory.js --file model.pt
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');

const { peakMemory } = require('./peak-memory');

const MOST = 1.2;
const TENSORS = 20;

/** A child's work: loads a file, and says how much memory that took. */
function measure(lib, file) {
  const { load } = require(path.join(lib, 'checkpoint'));
  const tensors = Object.values(load(file));
  const bytes = tensors.reduce((total, { data }) => total + data.byteLength, 0);
  console.log(JSON.stringify({ bytes, peak: peakMemory() }));
}

function writeSafetensors(file, bytesEach) {
  const header = {};
  for (let i = 0; i < TENSORS; i++) {
    const begin = i * bytesEach;
    header[`layer${i}.weight`] = {
      dtype: 'F32',
      shape: [bytesEach / 4],
      data_offsets: [begin, begin + bytesEach],
    };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const descriptor = fs.openSync(file, 'w');
  const content = Buffer.alloc(bytesEach, 1);
  for (const piece of [length, text]) fs.writeSync(descriptor, piece);
  for (let i = 0; i < TENSORS; i++) fs.writeSync(descriptor, content);
  fs.closeSync(descriptor);
}

function check(folder, file) {
  // Not at the top: it brings a compiler along, into the child as well.
  const { writePlainLib } = require('./plain-lib');
  const lib = path.join(folder, 'lib');
  const env = writePlainLib(lib);
  const args = [__filename, '--child', lib, '--file', file];
  const child = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  if (child.status !== 0) throw new Error(child.stderr);
  const { bytes, peak } = JSON.parse(child.stdout);
  const ratio = peak / bytes;
  const megabytes = (count) => `${Math.round(count / 1e6)} MB`;
  console.log(
    `${path.basename(file)}: ${megabytes(bytes)} of tensors, peak resident size ${megabytes(peak)}, ` +
      `ratio ${ratio.toFixed(3)} (at most ${MOST})`,
  );
  return ratio < MOST;
}

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '400' },
    file: { type: 'string' },
    child: { type: 'string' },
  },
});
if (values.child) {
  measure(values.child, values.file);
} else {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-memory-'));
  try {
    const file = values.file ?? path.join(folder, 'large.safetensors');
    if (!values.file) {
      writeSafetensors(file, Math.floor((Number(values.megabytes) * 1e6) / TENSORS / 4) * 4);
    }
    process.exitCode = check(folder, file) ? 0 : 1;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
