/** Where files are. */
import { argTypeError, show } from './errors';

/**
 * A `file:` URL: what the global URL class makes. Spelled out, so that these types need neither Node's
 * nor the browser's.
 */
export interface FileUrl {
  readonly href: string;
  readonly protocol: string;
}

export function checkPath(name: string, value: unknown): asserts value is string | URL {
  if (typeof value !== 'string' && !(value instanceof URL)) {
    throw argTypeError(`${name} must be a string or a file: URL, got ${show(value)}`);
  }
}
