/** A run on the addon's own thread as a promise that an AbortSignal can reject. */
import { types } from 'node:util';

import { type AsyncRun, binding } from './binding';
import { argTypeError, show } from './errors';

/** What is used of an `AbortSignal`, whoever declares it: the browser's types or Node's. */
export interface AbortSignalLike {
  /** Whether the abort has happened. */
  readonly aborted: boolean;
  /** What promises reject with then. */
  readonly reason?: unknown;
  /** Registers a listener for the abort. */
  addEventListener(type: 'abort', listener: () => void): void;
  /** Takes it away again. */
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Options of what can be aborted. */
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
  let unlisten: (() => void) | undefined;
  try {
    unlisten = listen(signal, onAbort);
    if (signal.aborted) onAbort();
    const first = await Promise.race([outcome, aborted]);
    if (first === undefined) throw reasonOf(signal);
    return first.value;
  } finally {
    // Where it has been settled this does nothing.
    cancel();
    unlisten?.();
  }
}

/** Those who want to hear of an abort, and the one listener for all: Node warns of more than ten. */
interface Audience {
  readonly members: Set<() => void>;
  readonly listener: () => void;
}

const audiences = new WeakMap<AbortSignalLike, Audience>();

/** Returns what ends it. */
function listen(signal: AbortSignalLike, onAbort: () => void): () => void {
  let audience = audiences.get(signal);
  if (audience === undefined) {
    const members = new Set<() => void>();
    audience = { members, listener: () => [...members].forEach((member) => member()) };
    signal.addEventListener('abort', audience.listener);
    audiences.set(signal, audience);
  }
  const { members, listener } = audience;
  members.add(onAbort);
  return () => {
    members.delete(onAbort);
    if (members.size > 0 || audiences.get(signal)?.members !== members) return;
    audiences.delete(signal);
    signal.removeEventListener('abort', listener);
  };
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
