/** A run on the addon's own thread as a promise that an AbortSignal can reject. */
import { types } from 'node:util';

import { type AsyncRun, binding } from './binding';
import { argTypeError, show } from './errors';

/** What is used of an `AbortSignal`, whoever declares it: the browser's types or Node's. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface AbortOptions {
  /**
   * Takes the run back: while it waits it never starts, and one that has begun stops soon. Either way
   * the promise rejects with `signal.reason` at once.
   */
  signal?: AbortSignalLike;
}

/**
 * The result of what `start` queues; it is called at once, but not where the signal has been aborted
 * already. Errors of the run get the stack of this call.
 */
export async function settled<T>(
  signal: AbortSignalLike | undefined,
  start: () => AsyncRun<T>,
): Promise<T> {
  const trace: { stack?: string } = {};
  Error.captureStackTrace(trace, settled);
  if (signal !== undefined) {
    checkSignal(signal);
    if (signal.aborted) throw reasonOf(signal);
  }
  const { promise, task } = start();
  const run = promise.catch((error: unknown) => {
    throw withTrace(error, trace);
  });
  return signal === undefined ? run : abortable(run, signal, () => binding().cancelTask(task));
}

/** `run`, or the reason of `signal` if that comes first. */
async function abortable<T>(
  run: Promise<T>,
  signal: AbortSignalLike,
  cancel: () => void,
): Promise<T> {
  let onAbort = cancel;
  const aborted = new Promise<undefined>((resolve) => {
    onAbort = () => {
      cancel();
      resolve(undefined);
    };
  });
  const outcome = run.then((value) => ({ value }));
  // Nobody may be left to hear of it.
  outcome.catch(() => undefined);
  try {
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    const first = await Promise.race([outcome, aborted]);
    if (first === undefined) throw reasonOf(signal);
    return first.value;
  } finally {
    // Where it has been settled this does nothing.
    cancel();
    signal.removeEventListener('abort', onAbort);
  }
}

function checkSignal(signal: unknown): void {
  const given = signal as Partial<Record<keyof AbortSignalLike, unknown>> | null;
  const fits =
    typeof given === 'object' &&
    given !== null &&
    typeof given.aborted === 'boolean' &&
    typeof given.addEventListener === 'function' &&
    typeof given.removeEventListener === 'function';
  if (!fits) throw argTypeError(`signal must be an AbortSignal, got ${show(signal)}`);
}

/** What a promise is rejected with, as fetch does: anything. */
function reasonOf(signal: AbortSignalLike): unknown {
  const { reason } = signal;
  return reason === undefined
    ? Object.assign(new Error('This operation was aborted'), { name: 'AbortError' })
    : reason;
}

/** An error made on the event loop knows no caller: it gets the stack of the call. */
function withTrace(error: unknown, trace: { stack?: string }): unknown {
  if (!types.isNativeError(error)) return error;
  const [, ...frames] = (trace.stack ?? '').split('\n');
  const heading = `${error.name}: ${error.message}`;
  Object.defineProperty(error, 'stack', {
    value: [heading, ...frames].join('\n'),
    writable: true,
    configurable: true,
  });
  return error;
}
