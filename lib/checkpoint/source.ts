/** Where a checkpoint comes from. */
import type { FileUrl } from '../file-path';

/** A path, or the bytes themselves. */
export type Source = string | FileUrl | Uint8Array;
