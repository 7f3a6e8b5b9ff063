/** Models, limits and the state of a server, whatever HTTP server it is mounted in. */
import { createHash, timingSafeEqual } from 'node:crypto';

import type { BatchEvents, BatchInfo } from './batcher';
import { BodyMemory } from './body-memory';
import {
  type CheckedOptions,
  checkModels,
  checkOptions,
  type ModelConfig,
  type ServeOptions,
} from './config';
import { type BatchStart, callHook, type Hooks } from './hooks';
import { unavailable } from './http-error';
import { Metrics } from './metrics';
import { Repository } from './repository';
import type { ModelSpec } from './spec';

/** Where what goes wrong beside a request is written to: the log of the HTTP server. */
export interface Log {
  error(details: object, message: string): void;
}

/** Models that are ready to be served; made by {@link createService}. */
export class Service {
  /** @internal */
  readonly repository: Repository;
  /** @internal */
  readonly metrics: Metrics;
  /** Called at requests and batches. */
  readonly hooks: Hooks;
  /** @internal */
  readonly bodies = new BodyMemory();
  /** @internal */
  readonly limits: Pick<CheckedOptions, 'bodyLimit' | 'maxBufferedBytes' | 'maxPixels'>;
  /** Whether a token is asked for. */
  readonly guarded: boolean;
  readonly #token: Buffer | undefined;
  #log: Log | undefined;
  #draining = false;
  #active = 0;
  #buffered = 0;
  #quiet: (() => void)[] = [];

  /** @internal */
  constructor(options: CheckedOptions) {
    this.hooks = options.hooks ?? {};
    this.limits = options;
    this.guarded = options.token !== undefined;
    this.#token = options.token === undefined ? undefined : digest(options.token);
    this.repository = new Repository({
      threads: options.threads,
      eventsOf: (spec) => this.#eventsOf(spec),
    });
    this.metrics = new Metrics({
      models: () => this.repository.all(),
      active: () => this.#active,
      buffered: () => this.#buffered,
    });
  }

  /** Whether requests are taken. */
  get ready(): boolean {
    return !this.#draining;
  }

  /** Bytes of the bodies of all requests that are being read or worked on. */
  get buffered(): number {
    return this.#buffered;
  }

  /** Whether `token` is the one that is asked for; how long that takes doesn't depend on it. */
  admits(token: string): boolean {
    return this.#token === undefined || timingSafeEqual(this.#token, digest(token));
  }

  /**
   * Loads one model anew, or all of them, or those of a new list, while the old ones answer; where one
   * can't be loaded all stay as they are.
   *
   * @throws HttpError 404; RangeError ERR_NNCONV_ARG_VALUE with what is wrong
   */
  async reload(what?: string | readonly ModelConfig[]): Promise<void> {
    if (typeof what === 'string') await this.repository.load(what);
    else await this.repository.reconfigure(what === undefined ? undefined : checkModels(what));
  }

  /**
   * Takes no more requests, and resolves when all are answered: with 503 those that are not done after
   * `timeoutMs`.
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    if (this.#active === 0) return;
    const quiet = new Promise<void>((resolve) => this.#quiet.push(resolve));
    const timer = setTimeout(() => this.repository.abortAll(stopping()), timeoutMs);
    // A client that doesn't send its body, or doesn't take its answer, isn't waited for.
    let giveUp: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      giveUp = setTimeout(resolve, timeoutMs + LAST_WORDS_MS);
    });
    await Promise.race([quiet, over]);
    clearTimeout(timer);
    clearTimeout(giveUp);
  }

  /** Aborts all work and frees the models. */
  async close(): Promise<void> {
    this.#draining = true;
    await this.repository.close(stopping());
    this.metrics.close();
  }

  /** Counts a request in; the function that it returns, to be called once, counts it out. */
  begin(bytes: number): () => void {
    this.#active++;
    this.#buffered += bytes;
    return () => {
      this.#buffered -= bytes;
      if (--this.#active > 0) return;
      const waiters = this.#quiet;
      this.#quiet = [];
      for (const resolve of waiters) resolve();
    };
  }

  /** @internal */
  setLog(log: Log): void {
    this.#log = log;
  }

  /** @internal */
  readonly onHookError = (error: unknown): void => {
    this.#log?.error({ err: error }, 'a hook has thrown');
  };

  #eventsOf(spec: Pick<ModelSpec, 'name' | 'version'>): BatchEvents {
    const { name, version } = spec;
    const started = new WeakMap<BatchInfo, { event: BatchStart; context: unknown }>();
    return {
      onStart: (batch) => {
        if (!this.hooks.onBatchStart && !this.hooks.onBatchEnd) return;
        const event = { model: name, version, rows: batch.rows, requests: batch.contexts };
        const context = callHook(this.hooks.onBatchStart, this.onHookError, event);
        started.set(batch, { event, context });
      },
      onEnd: (batch, error) => {
        const durationMs = performance.now() - batch.startedAt;
        this.metrics.ran(spec, batch, durationMs / 1000);
        const start = started.get(batch);
        if (start === undefined) return;
        const event = { ...start.event, durationMs, error };
        callHook(this.hooks.onBatchEnd, this.onHookError, event, start.context);
      },
    };
  }
}

/** What those get who are turned away because of the end. */
export const stopping = (): Error => unavailable('the server is shutting down');

const LAST_WORDS_MS = 500;

/** Of equal length whatever is hashed. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/**
 * Loads models, to be served by the plugin.
 *
 * @throws as `checkOptions` and `Service.reload` do
 */
export async function createService(options: ServeOptions): Promise<Service> {
  return openService(checkOptions(options));
}

/** @internal */
export async function openService(options: CheckedOptions): Promise<Service> {
  const service = new Service(options);
  try {
    await service.repository.reconfigure(options.models);
    return service;
  } catch (error) {
    await service.close();
    throw error;
  }
}
