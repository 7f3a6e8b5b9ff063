/**
 * Callbacks around requests and runs, for tracing (OpenTelemetry, say) and accounting. They are
 * called in place: what they throw is logged and changes nothing, and what they return is handed back.
 */

/** A request that has arrived. */
export interface RequestStart {
  /** The model's name. */
  readonly model: string;
  /** The model's version. */
  readonly version: string;
  /** What is asked for. */
  readonly route: 'infer' | 'classify';
  /** As they came: `traceparent`, ... */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The same request when it is answered. */
export interface RequestEnd extends RequestStart {
  /** 499 where the client went before it had its answer. */
  readonly status: number;
  /** Milliseconds from the start event. */
  readonly durationMs: number;
}

/** A run of a model that begins, for the requests that share it. */
export interface BatchStart {
  /** The model's name. */
  readonly model: string;
  /** The model's version. */
  readonly version: string;
  /** Size of the batch. */
  readonly rows: number;
  /** What `onRequestStart` returned for each request of the batch. */
  readonly requests: readonly unknown[];
}

/** The same run when it is over. */
export interface BatchEnd extends BatchStart {
  /** Milliseconds from the start event. */
  readonly durationMs: number;
  /** What the run failed with. */
  readonly error?: unknown;
}

/** Functions that are called at requests and batches, to trace or count them; none is needed. */
export interface Hooks {
  /** What it returns is handed to `onRequestEnd`, and to the batch that the request is run in. */
  onRequestStart?: (event: RequestStart) => unknown;
  /** Called with the answer's status, and with what `onRequestStart` returned. */
  onRequestEnd?: (event: RequestEnd, context: unknown) => void;
  /** What it returns is handed to `onBatchEnd`. */
  onBatchStart?: (event: BatchStart) => unknown;
  /** Called with the error, if any, and with what `onBatchStart` returned. */
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
