/** What went wrong, in one line, and the exit code that says so. */
import { types } from 'node:util';

/** Exit codes; `nnconv --help` lists them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** The command line itself is wrong: the message says what and how it should be. */
export class UsageError extends Error {}

/** Something failed that the user can mend: the message says how. */
export class RunError extends Error {}

/** Errors of the system, in words; `path` is the file in question. */
const SYSTEM: Readonly<Record<string, (path: string) => string>> = {
  ENOENT: (path) => `there is no file${path}; check the path`,
  EISDIR: (path) => `the path${path} is a folder; name a file in it`,
  ENOTDIR: (path) => `the path${path} goes through a file as if it were a folder; check it`,
  EACCES: (path) => `there is no permission for the file${path}; check its owner and mode`,
  EPERM: (path) => `there is no permission for the file${path}; check its owner and mode`,
  ENOSPC: (path) => `the disk is full, writing the file${path}; make room on it`,
  EROFS: (path) => `the file${path} is on a disk that can't be written to; name another`,
  EMFILE: (path) => `too many files are open to open${path}; raise the limit with ulimit -n`,
};

const LONGEST = 600;

function isSystemError(error: Error): error is NodeJS.ErrnoException {
  return 'errno' in error && 'code' in error && typeof error.code === 'string';
}

/** The message of any thrown value as one line. */
export function oneLine(error: unknown): string {
  if (!types.isNativeError(error)) return String(error);
  if (isSystemError(error)) {
    const path = error.path === undefined ? '' : ` '${error.path}'`;
    const words = Object.hasOwn(SYSTEM, error.code!) ? SYSTEM[error.code!](path) : undefined;
    if (words !== undefined) return words;
  }
  const text = error.message.replace(/\s*\n\s*/g, ' ').trim();
  const isLoadError = 'code' in error && error.code === 'ERR_NNCONV_LOAD';
  // The end of that one says what to do.
  if (text.length <= LONGEST || isLoadError) return text;
  return `${text.slice(0, LONGEST)}... (NNCONV_DEBUG=1 shows all)`;
}

/** Runs `call`; what nnconv says against a value given by `option` is an error of the command line. */
export function blaming<T>(option: string | undefined, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    const code = String((cause as { code?: unknown }).code);
    if (option === undefined || !/^ERR_NNCONV_(ARG_VALUE|SHAPE)$/.test(code)) throw cause;
    throw new UsageError(`${option}: ${oneLine(cause)}`, { cause });
  }
}

export function exitCodeOf(error: unknown): number {
  return error instanceof UsageError ? EXIT.usage : EXIT.failed;
}
