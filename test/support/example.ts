import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

export const root = path.join(__dirname, '..', '..');

/** Runs a file of examples/ as a user does, from the package's folder. */
export function runExample(
  file: string,
  ...args: string[]
): { status: number | null; stdout: string; stderr: string } {
  const argv = ['-r', 'ts-node/register/transpile-only', path.join('examples', file), ...args];
  return spawnSync(process.execPath, argv, { cwd: root, encoding: 'utf8' });
}

/** The output of one that must succeed. */
export function outputOf(file: string, ...args: string[]): string {
  const { status, stdout, stderr } = runExample(file, ...args);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout;
}

/** A folder for what an example writes, gone after the tests of the file. */
export function temporaryFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-example-'));
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}
