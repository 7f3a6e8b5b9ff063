import * as path from 'node:path';

/** What the user can mend; the message says how. */
export class UserError extends Error {}

/** A path given on the command line: npm runs scripts in the package's folder, not the user's. */
export function fromUser(file: string): string {
  const byNpm = process.env.npm_lifecycle_event?.startsWith('demo');
  return path.resolve((byNpm && process.env.INIT_CWD) || process.cwd(), file);
}

/** Runs an example. What the user can mend, an error of nnconv's included, is one line, no stack. */
export function main(name: string, body: (args: string[]) => void): void {
  try {
    body(process.argv.slice(2));
  } catch (error) {
    const known = error instanceof UserError || (error instanceof Error && 'code' in error);
    if (!known) throw error;
    console.error(`${name}: ${error.message}`);
    process.exitCode = 1;
  }
}
