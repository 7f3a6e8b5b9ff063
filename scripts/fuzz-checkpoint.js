'use strict';

/**
 * Feeds load() with the corpus of test/fixtures/checkpoints, damaged at random. Each file must give a
 * value or an error with a code of nnconv's, in bounded time and memory, and leave nothing behind in
 * prototypes. The file that didn't is written to the temporary folder.
 *
 *   node scripts/fuzz-checkpoint.js [--seconds 60] [--seed 1] [--first 0]
 *
 * File number `first` of a seed is the same on every run.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs, types } = require('node:util');
const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads');

require('ts-node/register/transpile-only');

const root = path.resolve(__dirname, '..');
const CORPUS = path.join(root, 'test', 'fixtures', 'checkpoints');
const CODES = ['ERR_NNCONV_CHECKPOINT', 'ERR_NNCONV_ALLOC'];
const MAX_SECONDS = 2;
const MAX_HEAP_MEGABYTES = 256;
/** Tensors are outside the heap. */
const MAX_TENSOR_BYTES = 200e6;

/** A small generator of good random numbers, seeded (splitmix32). */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

function readCorpus() {
  return ['good', 'bad'].flatMap((kind) =>
    fs
      .readdirSync(path.join(CORPUS, kind))
      .sort()
      .map((name) => fs.readFileSync(path.join(CORPUS, kind, name)))
      .filter((bytes) => bytes.length > 0),
  );
}

const NUMBERS = [
  0n,
  1n,
  0xffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const OPCODES = Buffer.from(
  '(.012FIJKMLNPQRSTUVXabcdeghijlopqrstu}])\x80\x81\x82\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f' +
    '\x90\x91\x92\x93\x94\x95\x96\x97\x98BCG',
  'latin1',
);
const TEXTS = [
  '__proto__',
  'constructor',
  'os\nsystem\n',
  '"',
  '{',
  '[',
  '}',
  ',',
  '-1',
  '1e99',
  'F16',
  'null',
];

/** The ways of damaging a file: the first so many change `bytes` in place, the others its length. */
const IN_PLACE = 6;
const DAMAGES = [
  (bytes, pick) => {
    bytes[pick(bytes.length)] ^= 1 << pick(8);
  },
  (bytes, pick) => {
    bytes[pick(bytes.length)] = pick(256);
  },
  (bytes, pick) => {
    bytes[pick(bytes.length)] = OPCODES[pick(OPCODES.length)];
  },
  (bytes, pick) => {
    const number = Buffer.alloc(8);
    number.writeBigUInt64LE(NUMBERS[pick(NUMBERS.length)]);
    number.copy(bytes, pick(bytes.length), 0, [1, 2, 4, 8][pick(4)]);
  },
  (bytes, pick) => {
    // Digits in a header of JSON, and in text opcodes.
    const start = pick(bytes.length);
    const at = bytes.subarray(start).findIndex((byte) => byte >= 0x30 && byte <= 0x39);
    if (at >= 0) bytes[start + at] = 0x30 + pick(10);
  },
  (bytes, pick) => {
    Buffer.from(TEXTS[pick(TEXTS.length)]).copy(bytes, pick(bytes.length));
  },
  (bytes, pick) => bytes.subarray(0, pick(bytes.length)),
  (bytes, pick) => {
    const start = pick(bytes.length);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + pick(64))]);
  },
  (bytes, pick) => {
    const start = pick(bytes.length);
    const piece = bytes.subarray(start, start + pick(256));
    const at = pick(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
  },
  (bytes, pick) => {
    const start = pick(bytes.length);
    bytes.copy(bytes, pick(bytes.length), start, start + pick(256));
  },
  (bytes, pick, corpus) => {
    const other = corpus[pick(corpus.length)];
    return Buffer.concat([
      bytes.subarray(0, pick(bytes.length)),
      other.subarray(pick(other.length)),
    ]);
  },
];

function damagedFile(corpus, seed, number) {
  const random = randomFrom(seed * 1_000_003 + number);
  const pick = (count) => random() % count;
  let bytes = Buffer.from(corpus[pick(corpus.length)]);
  // What changes the length breaks an archive: often enough, only its content should be damaged.
  const ways = pick(2) === 0 ? IN_PLACE : DAMAGES.length;
  for (let changes = 1 + pick(1 + pick(6)); changes > 0 && bytes.length > 0; changes--) {
    bytes = DAMAGES[pick(ways)](bytes, pick, corpus) ?? bytes;
  }
  return bytes;
}

const BUILT_IN = [Object, Array, Map, Set, Function, String, Number, Uint8Array, Error];
const namesOfPrototypes = () =>
  BUILT_IN.map(({ prototype }) => Reflect.ownKeys(prototype).map(String).join()).join(';');

/** Looks at everything in a value once; returns the bytes of its tensors. */
function inspect(rootValue, isTensor) {
  const seen = new Set();
  const buffers = new Set();
  const open = [rootValue];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === 'function' || typeof value === 'symbol' || value === undefined) {
      throw new Error(`it gave ${typeof value}`);
    }
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if (isTensor(value)) {
      const { data, shape } = value;
      const count = shape.reduce((total, size) => total * size, 1);
      if (count !== data.length) throw new Error(`shape [${shape}] of ${data.length} elements`);
      buffers.add(data.buffer);
    } else if (Array.isArray(value) || value instanceof Set) {
      open.push(...value);
    } else if (value instanceof Map) {
      open.push(...value.keys(), ...value.values());
    } else if (!types.isUint8Array(value)) {
      if (Object.getPrototypeOf(value) !== null) throw new Error('it gave an object of a class');
      open.push(...Object.values(value));
    }
  }
  return [...buffers].reduce((total, { byteLength }) => total + byteLength, 0);
}

function work({ seconds, seed, first }) {
  const { load } = require('../lib/checkpoint');
  const { isTensor } = require('../lib/tensor');
  const corpus = readCorpus();
  const clean = namesOfPrototypes();
  const end = performance.now() + 1000 * seconds;
  const counts = { files: 0, loaded: 0, refused: 0, slowest: 0 };
  for (let number = first; performance.now() < end; number++) {
    parentPort.postMessage({ number });
    const bytes = damagedFile(corpus, seed, number);
    const start = performance.now();
    try {
      const total = inspect(load(bytes), isTensor);
      if (total > MAX_TENSOR_BYTES) throw new Error(`it gave ${total} bytes of tensors`);
      counts.loaded++;
    } catch (error) {
      if (!types.isNativeError(error) || !CODES.includes(error.code)) throw error;
      counts.refused++;
    }
    const took = (performance.now() - start) / 1000;
    if (took > MAX_SECONDS) throw new Error(`it took ${took.toFixed(1)} s`);
    if (namesOfPrototypes() !== clean) throw new Error('it left something in a prototype');
    counts.slowest = Math.max(counts.slowest, took);
    counts.files++;
  }
  parentPort.postMessage({ counts });
}

function main() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' },
      first: { type: 'string', default: '0' },
    },
  });
  const settings = Object.fromEntries(
    Object.entries(values).map(([key, text]) => [key, Number(text)]),
  );
  const worker = new Worker(__filename, {
    workerData: settings,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MEGABYTES },
  });
  let number = settings.first;
  let checked = -1;
  const fail = (reason) => {
    const file = path.join(os.tmpdir(), `nnconv-fuzz-${settings.seed}-${number}.bin`);
    fs.writeFileSync(file, damagedFile(readCorpus(), settings.seed, number));
    console.error(`file ${number} of seed ${settings.seed} (${file}): ${reason}`);
    process.exit(1);
  };
  // A file that hangs is one whose number stays.
  const watch = setInterval(() => {
    if (checked === number) fail('it hangs');
    checked = number;
  }, 5000 * MAX_SECONDS);
  worker.on('message', (message) => {
    if (message.number !== undefined) number = message.number;
    if (message.counts !== undefined) {
      const { files, loaded, refused, slowest } = message.counts;
      console.log(
        `${files} files: ${loaded} loaded, ${refused} refused, ` +
          `the slowest in ${Math.round(1000 * slowest)} ms`,
      );
    }
  });
  worker.on('error', (error) => fail(error.stack));
  worker.on('exit', () => clearInterval(watch));
}

if (isMainThread) main();
else work(workerData);
