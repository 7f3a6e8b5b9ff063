/** Where a checkpoint comes from. */

/** A path, or the bytes themselves. */
export type Source = string | FileUrl | Uint8Array;

/**
 * A `file:` URL: what the global URL class makes. Spelled out, so that these types need neither Node's
 * nor the browser's.
 */
export interface FileUrl {
  readonly href: string;
  readonly protocol: string;
}
