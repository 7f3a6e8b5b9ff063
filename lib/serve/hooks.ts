/**
 * Callbacks around requests and runs, for tracing (OpenTelemetry, say) and accounting. They are
 * called in place: what they throw is logged and changes nothing, and what they return is handed back.
 */

export interface RequestStart {
  readonly model: string;
  readonly version: string;
  readonly route: 'infer' | 'classify';
  /** As they came: `traceparent`, ... */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface RequestEnd extends RequestStart {
  /** 499 where the client went before it had its answer. */
  readonly status: number;
  readonly durationMs: number;
}

export interface BatchStart {
  readonly model: string;
  readonly version: string;
  readonly rows: number;
  /** What `onRequestStart` returned for each request of the batch. */
  readonly requests: readonly unknown[];
}

export interface BatchEnd extends BatchStart {
  readonly durationMs: number;
  readonly error?: unknown;
}

export interface Hooks {
  /** What it returns is handed to `onRequestEnd`, and to the batch that the request is run in. */
  onRequestStart?: (event: RequestStart) => unknown;
  onRequestEnd?: (event: RequestEnd, context: unknown) => void;
  /** What it returns is handed to `onBatchEnd`. */
  onBatchStart?: (event: BatchStart) => unknown;
  onBatchEnd?: (event: BatchEnd, context: unknown) => void;
}

/** Calls a hook. */
export function callHook<Args extends unknown[], Result>(
  hook: ((...args: Args) => Result) | undefined,
  onError: (error: unknown) => void,
  ...args: Args
): Result | undefined {
  if (hook === undefined) return undefined;
  try {
    return hook(...args);
  } catch (error) {
    onError(error);
    return undefined;
  }
}
