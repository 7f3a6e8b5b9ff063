/** The files in test/fixtures/checkpoints, written by scripts/fixtures/checkpoints.py. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const directory = path.join(__dirname, '..', '..', 'fixtures', 'checkpoints');

export const folder = (kind: 'good' | 'bad'): string => path.join(directory, kind);

export function readRows<T>(kind: 'good' | 'bad'): T[] {
  return JSON.parse(readFileSync(path.join(directory, `${kind}.json`), 'utf8')) as T[];
}

export function namesOf(kind: 'good' | 'bad'): string[] {
  return readdirSync(folder(kind)).sort();
}

export function bytesOf(kind: 'good' | 'bad', name: string): Buffer {
  return readFileSync(path.join(folder(kind), name));
}
