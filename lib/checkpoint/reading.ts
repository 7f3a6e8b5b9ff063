/**
 * Reading from a file or from bytes. A reader is written once, as a generator that yields what it
 * wants read, and runs synchronously or not: {@link run}, {@link runAsync}.
 */
import fs from 'node:fs';
import { types } from 'node:util';

import { checkpointError } from '../errors';
import type { Source } from './source';

/** `into` is to be filled with the bytes from `position` on. */
export interface Request {
  readonly into: Uint8Array;
  readonly position: number;
}

/** A reader: yields requests, goes on when they are met, and returns what it has read. */
export type Reading<T> = Generator<Request, T, void>;

/** A reader of a source of `size` bytes. */
export type Reader<T> = (size: number) => Reading<T>;

/** A system call moves no more than this; some limit it to 2 GiB. */
export const LARGEST_TRANSFER = 2 ** 30;

/** Reads bytes that are looked at rather than kept. */
export function* readBytes(position: number, length: number): Reading<Buffer> {
  const into = Buffer.alloc(length);
  yield { into, position };
  return into;
}

export function run<T>(source: Source, reader: Reader<T>): T {
  if (types.isUint8Array(source)) return runOnBytes(source, reader);
  const file = fs.openSync(source as fs.PathLike, 'r');
  try {
    const { size } = fs.fstatSync(file);
    const reading = reader(size);
    let step = reading.next();
    for (; step.done !== true; step = reading.next()) {
      const { into, position } = checked(step.value, size);
      for (let at = 0; at < into.length;) {
        at += progress(fs.readSync(file, into, at, transfer(into, at), position + at));
      }
    }
    return step.value;
  } finally {
    fs.closeSync(file);
  }
}

export async function runAsync<T>(source: Source, reader: Reader<T>): Promise<T> {
  if (types.isUint8Array(source)) return runOnBytes(source, reader);
  const file = await fs.promises.open(source as fs.PathLike, 'r');
  try {
    const { size } = await file.stat();
    const reading = reader(size);
    let step = reading.next();
    for (; step.done !== true; step = reading.next()) {
      const { into, position } = checked(step.value, size);
      for (let at = 0; at < into.length;) {
        const { bytesRead } = await file.read(into, at, transfer(into, at), position + at);
        at += progress(bytesRead);
      }
    }
    return step.value;
  } finally {
    await file.close();
  }
}

function runOnBytes<T>(bytes: Uint8Array, reader: Reader<T>): T {
  const reading = reader(bytes.length);
  let step = reading.next();
  for (; step.done !== true; step = reading.next()) {
    const { into, position } = checked(step.value, bytes.length);
    into.set(bytes.subarray(position, position + into.length));
  }
  return step.value;
}

/** No reader gets to read outside its source, whatever it was made to believe. */
function checked(request: Request, size: number): Request {
  const { into, position } = request;
  if (!(position >= 0 && position + into.length <= size)) {
    throw checkpointError(
      `${into.length} bytes are wanted from byte ${position} on, but there are ${size}; ` +
        'it is cut short or damaged',
    );
  }
  return request;
}

function transfer(into: Uint8Array, at: number): number {
  return Math.min(into.length - at, LARGEST_TRANSFER);
}

function progress(bytesRead: number): number {
  if (bytesRead === 0) throw checkpointError('it became shorter while it was read');
  return bytesRead;
}
