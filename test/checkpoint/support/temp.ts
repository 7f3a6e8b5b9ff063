/** A folder of a test file's own, gone after its tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export function temporaryFolder(): (name: string) => string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'nnconv-checkpoint-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name) => path.join(folder, name);
}
