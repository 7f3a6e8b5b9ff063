/**
 * The files that torch.save writes: since PyTorch 1.6 a zip archive with a pickle and a file for each
 * storage, before that a few pickles followed by the storages.
 *
 * Follows https://docs.pytorch.org/docs/stable/notes/serialization.html
 */
import { checkpointError, quote } from '../errors';
import { torchHost } from './globals';
import { Unpickler } from './pickle';
import { readBytes, type Reading } from './reading';
import { type FileStorage, Storages } from './storages';
import { type CheckpointValue, toValue } from './values';
import { type Archive, readArchive } from './zip';

/** Of all but the tensors: about 500 bytes for each tensor, and what else was saved. */
const MAX_PICKLE = 2 ** 27;

/** Reads a checkpoint that is a zip archive. */
export function* readTorchZip(size: number): Reading<CheckpointValue> {
  const archive = yield* readArchive(size);
  const prefix = prefixOf(archive);
  const pickle = yield* readEntry(archive, `${prefix}data.pkl`);
  const order = `${prefix}byteorder`;
  const bigEndian =
    archive.sizes.has(order) && (yield* readEntry(archive, order)).toString() === 'big';
  const storages = new Storages(size);
  const result = toValue(new Unpickler(pickle, torchHost(storages)).load());
  const locate = function* ({ key, element, numel }: FileStorage): Reading<number> {
    const place = yield* archive.locate(`${prefix}data/${key}`);
    if (Math.floor(place.size / element.bytes) !== numel) {
      throw checkpointError(
        `storage ${quote(key)} should have ${numel} elements of type ${element.name}, but has ` +
          `${place.size} bytes`,
      );
    }
    return place.position;
  };
  yield* storages.read(locate, bigEndian);
  return result;
}

/** All entries are in one folder, whose name is of no importance. */
function prefixOf({ sizes }: Archive): string {
  const [first = ''] = sizes.keys();
  const prefix = first.slice(0, first.indexOf('/') + 1);
  if (sizes.has(`${prefix}constants.pkl`)) {
    throw checkpointError(
      'it is a TorchScript program, not a checkpoint: save its weights alone, in Python, with ' +
        'torch.save(torch.jit.load(path).state_dict(), path)',
    );
  }
  if (!sizes.has(`${prefix}data.pkl`)) {
    throw checkpointError(
      'it is a zip archive, but not one that torch.save wrote: no data.pkl in it',
    );
  }
  return prefix;
}

function* readEntry(archive: Archive, name: string): Reading<Buffer> {
  const { position, size } = yield* archive.locate(name);
  if (size > MAX_PICKLE) {
    throw checkpointError(`its entry ${quote(name)} has ${size} bytes; the limit is ${MAX_PICKLE}`);
  }
  return yield* readBytes(position, size);
}

/** What a file of the old format begins with, as a pickled integer. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
/** Read at first, in the hope that the pickles are in it; their length is not written anywhere. */
const FIRST_READ = 2 ** 20;

/** Reads a checkpoint of the format before PyTorch 1.6. */
export function* readTorchLegacy(size: number): Reading<CheckpointValue> {
  const limit = Math.min(size, MAX_PICKLE);
  for (let length = Math.min(limit, FIRST_READ); ; length = Math.min(limit, 4 * length)) {
    const storages = new Storages(size);
    const unpickler = new Unpickler(yield* readBytes(0, length), torchHost(storages));
    let pickles: Pickles;
    try {
      pickles = unpickle(unpickler);
    } catch (error) {
      if (unpickler.ended && length < limit) continue;
      throw error;
    }
    const starts = yield* findStorages(pickles.keys, storages, unpickler.position);
    yield* storages.read(locateIn(starts), false);
    return pickles.result;
  }
}

interface Pickles {
  readonly result: CheckpointValue;
  /** Of the storages, in the order in which they follow. */
  readonly keys: readonly unknown[];
}

function unpickle(unpickler: Unpickler): Pickles {
  if (unpickler.load() !== MAGIC) {
    throw checkpointError('it is a pickle, but not one that torch.save wrote');
  }
  const protocol = unpickler.load();
  if (protocol !== PROTOCOL) {
    throw checkpointError(
      `it has version ${String(protocol)} of the format; ${PROTOCOL} can be loaded`,
    );
  }
  // Sizes of C types where it was written; the storages have the same form everywhere.
  unpickler.load();
  const result = toValue(unpickler.load());
  const keys = unpickler.load();
  if (!Array.isArray(keys)) throw checkpointError('its list of storages is damaged');
  return { result, keys };
}

/** Walks over the storages, each of which begins with its number of elements. */
function* findStorages(
  keys: readonly unknown[],
  storages: Storages,
  position: number,
): Reading<Map<FileStorage, number>> {
  const starts = new Map<FileStorage, number>();
  let at = position;
  for (const key of keys) {
    const storage = storages.get(String(key));
    if (storage === undefined || starts.has(storage)) {
      throw checkpointError('its list of storages is damaged');
    }
    const numel = (yield* readBytes(at, 8)).readBigInt64LE();
    if (numel !== BigInt(storage.numel)) {
      throw checkpointError(
        `storage ${quote(storage.key)} should have ${storage.numel} elements, but has ${numel}`,
      );
    }
    starts.set(storage, at + 8);
    at += 8 + storage.numel * storage.element.bytes;
  }
  return starts;
}

function locateIn(starts: ReadonlyMap<FileStorage, number>) {
  // eslint-disable-next-line require-yield -- nothing has to be read for it
  return function* (storage: FileStorage): Reading<number> {
    const start = starts.get(storage);
    if (start === undefined) {
      throw checkpointError(`storage ${quote(storage.key)} is not in its list of storages`);
    }
    return start;
  };
}
