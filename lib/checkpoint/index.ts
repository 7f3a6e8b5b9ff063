/** Checkpoints: files with the weights of a network. */
import fs from 'node:fs';
import { types } from 'node:util';

import { argTypeError, bufferError, checkpointError, quote, show } from '../errors';
import { checkPath, type FileUrl } from '../file-path';
import type { StateDict } from '../nn/module';
import { storageOf } from '../tensor';
import { LARGEST_TRANSFER, readBytes, type Reading, run, runAsync } from './reading';
import type { Source } from './source';
import { encodeSafetensors, readSafetensors } from './safetensors';
import { readTorchLegacy, readTorchZip } from './torch';
import type { CheckpointValue } from './values';

export type { CheckpointValue } from './values';

/**
 * Loads a checkpoint: a `.safetensors` file, or what `torch.save` wrote (`.pt`, `.pth`), before
 * PyTorch 1.6 or since. The content tells which; the file's name doesn't matter.
 *
 * The result is a state dict, `{ 'conv1.weight': Tensor, ... }`, or whatever was saved: dicts as
 * objects without a prototype (a Map where keys are neither strings nor integers), lists and tuples
 * as arrays, sets as Sets, bytes as Uint8Arrays, integers beyond 2^53 - 1 as bigints, dtypes and
 * devices as strings. Tensors are on no device, with elements in a row; float16 and bfloat16 become
 * float32, which holds them exactly.
 *
 * Nothing in a file is ever run. Python objects other than those above are refused.
 *
 * @typeParam T what the file is known to hold; not checked
 * @param source a path, a `file:` URL, or the bytes of a file, which are copied
 * @throws RangeError ERR_NNCONV_CHECKPOINT for a file that is damaged or holds what can't be loaded;
 *   RangeError ERR_NNCONV_ALLOC; TypeError ERR_NNCONV_ARG_TYPE; TypeError ERR_NNCONV_BUFFER for
 *   bytes on a shared buffer; the errors of `node:fs` (ENOENT, ...)
 */
export function load<T = StateDict>(source: string | FileUrl | Uint8Array): T {
  checkSource(source);
  try {
    return run(source, readCheckpoint) as T;
  } catch (error) {
    throw about(source, error, load);
  }
}

/** As {@link load}, without blocking the event loop while the file is read. */
export async function loadAsync<T = StateDict>(source: string | FileUrl | Uint8Array): Promise<T> {
  checkSource(source);
  try {
    return (await runAsync(source, readCheckpoint)) as T;
  } catch (error) {
    throw about(source, error, loadAsync);
  }
}

/**
 * Writes a state dict as a safetensors file, which Python reads with
 * `safetensors.torch.load_file(path)`.
 *
 * @param stateDict tensors by name, such as `model.stateDict()`
 * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE; the errors of `node:fs`
 */
export function save(path: string | FileUrl, stateDict: Readonly<StateDict>): void {
  checkPath('path', path);
  const pieces = encodeSafetensors(stateDict);
  const file = fs.openSync(path as fs.PathLike, 'w');
  try {
    for (const piece of inTransfers(pieces)) fs.writeFileSync(file, piece);
  } finally {
    fs.closeSync(file);
  }
}

/**
 * As {@link save}, without blocking the event loop while the file is written. The tensors must not
 * change before it is done.
 */
export async function saveAsync(
  path: string | FileUrl,
  stateDict: Readonly<StateDict>,
): Promise<void> {
  checkPath('path', path);
  const pieces = encodeSafetensors(stateDict);
  // A model that is compiled meanwhile must not free what is being written.
  const releases = Object.values(stateDict).map((tensor) => storageOf(tensor).elements.hold());
  try {
    const file = await fs.promises.open(path as fs.PathLike, 'w');
    try {
      for (const piece of pieces) await file.writeFile(piece);
    } finally {
      await file.close();
    }
  } finally {
    for (const release of releases) release();
  }
}

/** `pieces` in parts that one system call can write. */
function* inTransfers(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += LARGEST_TRANSFER) {
      yield piece.subarray(at, at + LARGEST_TRANSFER);
    }
  }
}

/** More than any format needs to be told. */
const LONGEST_START = 512;

const LFS_POINTER = 'version https://git-lfs.github.com/';
const TAR = 'ustar';
const TAR_AT = 257;

function* readCheckpoint(size: number): Reading<CheckpointValue> {
  const start = (yield* readBytes(0, Math.min(size, LONGEST_START))).toString('latin1');
  // A pickle or a zip archive never has a brace here.
  if (start[8] === '{') return yield* readSafetensors(size);
  if (start.startsWith('PK\x03\x04')) return yield* readTorchZip(size);
  // Protocol 1 writes the magic number as text.
  if (start.startsWith('\x80') || /^L\d+L\n/.test(start)) return yield* readTorchLegacy(size);
  if (size === 0) throw checkpointError('it is empty');
  if (start.startsWith(LFS_POINTER)) {
    throw checkpointError('it is a pointer of Git LFS, not the file itself: run `git lfs pull`');
  }
  if (start.startsWith(TAR, TAR_AT)) {
    throw checkpointError(
      'it is a tar archive, as PyTorch before 0.1.10 wrote: load and save it with a newer one',
    );
  }
  throw checkpointError('it is neither a safetensors file nor one that torch.save wrote');
}

function checkSource(value: unknown): void {
  if (types.isUint8Array(value)) {
    if (types.isSharedArrayBuffer(value.buffer)) {
      throw bufferError('the bytes of a checkpoint must not be on a SharedArrayBuffer');
    }
    return;
  }
  if (typeof value !== 'string' && !(value instanceof URL)) {
    throw argTypeError(`source must be a path, a file: URL or a Uint8Array, got ${show(value)}`);
  }
}

/** The error of a reader with the name of the file in front, and the caller's stack. */
function about(source: Source, error: unknown, caller: (...args: never[]) => unknown): unknown {
  if ((error as { code?: string }).code !== 'ERR_NNCONV_CHECKPOINT') return error;
  const problem = error as Error;
  let name = 'the checkpoint';
  if (!types.isUint8Array(source)) name = quote(typeof source === 'string' ? source : source.href);
  problem.message = `can't load ${name}: ${problem.message}`;
  Error.captureStackTrace(problem, caller);
  return problem;
}
