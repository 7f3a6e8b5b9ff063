/**
 * Where the entries of a zip archive are. torch.save stores them uncompressed, so that the rest is
 * plain reading; compressed entries are refused, and no archive can blow up.
 */
import type * as Yauzl from 'yauzl';

import { checkpointError, quote } from '../errors';
import { readBytes, type Reading } from './reading';

/** More entries than any checkpoint has; each takes about a kilobyte of memory. */
const MAX_ENTRIES = 100_000;
/** Room for the directory of the largest checkpoints: about 100 bytes for each entry. */
const MAX_DIRECTORY = 2 ** 25;
/** Read at once from the end of the archive; the directory of most checkpoints is in it. */
const FIRST_READ = 2 ** 17;
/** The fixed part of the header in front of an entry. */
const LOCAL_HEADER = 30;

const METHOD_STORED = 0;
const FLAG_ENCRYPTED = 1;

export interface Place {
  readonly position: number;
  readonly size: number;
}

export interface Archive {
  /** Sizes of all entries by name, in the directory's order. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Where the bytes of an entry are. */
  locate(name: string): Reading<Place>;
}

/** Reads the directory of an archive of `size` bytes. */
export function* readArchive(size: number): Reading<Archive> {
  const window = new Window(size);
  let directory: Directory | undefined;
  for (let wanted = Math.max(0, size - FIRST_READ); ; wanted = window.missing!) {
    if (size - wanted > MAX_DIRECTORY) {
      throw checkpointError(`its zip directory has more than ${MAX_DIRECTORY} bytes`);
    }
    window.show(wanted, yield* readBytes(wanted, size - wanted));
    directory = openDirectory(window);
    if (directory !== undefined) break;
  }
  const { zip, entries } = directory;
  return {
    sizes: new Map([...entries].map(([name, entry]) => [name, entry.uncompressedSize])),
    *locate(name) {
      const entry = entries.get(name);
      if (entry === undefined) throw checkpointError(`its zip archive has no entry ${quote(name)}`);
      if (entry.compressionMethod !== METHOD_STORED) {
        throw checkpointError(
          `entry ${quote(name)} of its zip archive is compressed, which torch.save never does`,
        );
      }
      if (entry.generalPurposeBitFlag & FLAG_ENCRYPTED) {
        throw checkpointError(`entry ${quote(name)} of its zip archive is encrypted`);
      }
      const header = entry.relativeOffsetOfLocalHeader;
      window.show(header, yield* readBytes(header, LOCAL_HEADER));
      return { position: dataStart(zip, entry), size: entry.uncompressedSize };
    },
  };
}

/** The part of a file that is in memory. */
class Window {
  /** Where the last read began that wasn't in it. */
  missing: number | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(readonly size: number) {}

  show(start: number, bytes: Buffer): void {
    this.#start = start;
    this.#bytes = bytes;
    this.missing = undefined;
  }

  copy(target: Buffer, position: number): boolean {
    const at = position - this.#start;
    if (at >= 0 && at + target.length <= this.#bytes.length) {
      this.#bytes.copy(target, 0, at, at + target.length);
      return true;
    }
    if (at < 0) this.missing = position;
    return false;
  }
}

interface Directory {
  readonly zip: Yauzl.ZipFile;
  readonly entries: ReadonlyMap<string, Yauzl.Entry>;
}

/** Undefined if more of the file has to be in the window: see `missing`. */
function openDirectory(window: Window): Directory | undefined {
  const options = { lazyEntries: true, autoClose: false, strictFileNames: true };
  const reader = readerOf(window);
  try {
    const zip = now<Yauzl.ZipFile>((callback) =>
      yauzl().fromRandomAccessReader(reader, window.size, options, callback),
    );
    return { zip, entries: entriesOf(zip, window.size) };
  } catch (error) {
    if (window.missing !== undefined) return undefined;
    throw error;
  }
}

function entriesOf(zip: Yauzl.ZipFile, size: number): Map<string, Yauzl.Entry> {
  if (zip.entryCount > MAX_ENTRIES) {
    throw checkpointError(`its zip archive has more than ${MAX_ENTRIES} entries`);
  }
  const entries = new Map<string, Yauzl.Entry>();
  let stored = 0;
  for (let i = 0; i < zip.entryCount; i++) {
    const entry = now<Yauzl.Entry>((callback) => {
      zip.once('error', callback);
      zip.once('entry', (found: Yauzl.Entry) => {
        zip.removeListener('error', callback);
        callback(null, found);
      });
      zip.readEntry();
    });
    const name = entry.fileName;
    if (entries.has(name)) throw checkpointError(`its zip archive has ${quote(name)} twice`);
    entries.set(name, entry);
    stored += entry.compressedSize;
  }
  if (stored > size) throw checkpointError('entries of its zip archive overlap');
  return entries;
}

function dataStart(zip: Yauzl.ZipFile, entry: Yauzl.Entry): number {
  return now<{ fileDataStart: number }>((callback) =>
    zip.readLocalFileHeader(entry, { minimal: true }, callback),
  ).fileDataStart;
}

/** yauzl calls back as soon as the reader does, and this one does at once. */
function readerOf(window: Window): Yauzl.RandomAccessReader {
  const { RandomAccessReader } = yauzl();
  class WindowReader extends RandomAccessReader {
    override read(
      buffer: Buffer,
      offset: number,
      length: number,
      position: number,
      callback: (error: Error | null, bytesRead?: number) => void,
    ): void {
      const found = window.copy(buffer.subarray(offset, offset + length), position);
      callback(null, found ? length : 0);
    }

    override _readStreamForRange(): never {
      throw new Error('nothing is read as a stream');
    }
  }
  return new WindowReader();
}

/** The result of a call that calls back before it returns. */
function now<T>(call: (callback: (error: Error | null, result?: T) => void) => void): T {
  let outcome: { error: Error | null; result?: T } | undefined;
  call((error, result) => {
    outcome ??= { error, result };
  });
  if (outcome?.result !== undefined) return outcome.result;
  // Only for an entry without a name does it wait for the next turn of the event loop.
  const reason = outcome?.error?.message ?? 'an entry has no name';
  throw checkpointError(`its zip archive is damaged: ${reason}`, { cause: outcome?.error });
}

let library: typeof Yauzl | undefined;

/** Loaded with the first file that needs it. */
function yauzl(): typeof Yauzl {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- at the first use, synchronously
  return (library ??= require('yauzl') as typeof Yauzl);
}
