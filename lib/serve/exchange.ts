/** One request for a run, from its headers to the end of its answer. */
import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Ticket } from './batcher';
import { callHook, type RequestStart } from './hooks';
import { CLIENT_CLOSED, HttpError, timedOut, unavailable } from './http-error';
import type { Rejection } from './metrics';
import type { ServedModel } from './model';
import type { OutputTensor } from './protocol/response';
import { type Service, stopping } from './service';
import type { ModelSpec } from './spec';
import type { Inputs } from './staging';

export interface ModelParams {
  model: string;
  version?: string;
}

export class Exchange {
  readonly #service: Service;
  readonly #request: FastifyRequest;
  readonly #spec: ModelSpec;
  readonly #start: RequestStart;
  readonly #context: unknown;
  readonly #startedAt = performance.now();
  readonly #release: () => void;
  #ticket: Ticket | undefined;
  #gone = false;
  #ended = false;

  /**
   * Lets a request in before its body is read.
   *
   * @throws HttpError 404 for a model that isn't there; 503 where there is no room
   */
  constructor(
    service: Service,
    route: RequestStart['route'],
    request: FastifyRequest,
    reply: FastifyReply,
  ) {
    this.#service = service;
    this.#request = request;
    const { spec, batcher } = this.model;
    this.#spec = spec;
    const reject = (reason: Rejection, error: Error): Error => {
      service.metrics.rejected(spec, reason);
      return error;
    };
    if (!service.ready) throw reject('draining', stopping());
    if (batcher.full) throw reject('queue_full', batcher.fullError());
    const bytes = expectedBytes(request, service.limits.bodyLimit);
    if (service.buffered + bytes > service.limits.maxBufferedBytes) {
      throw reject('memory', unavailable('too many requests are being read'));
    }
    this.#release = service.begin(bytes);
    this.#start = {
      model: spec.name,
      version: spec.version,
      route,
      headers: request.headers,
    };
    this.#context = callHook(service.hooks.onRequestStart, service.onHookError, this.#start);
    // One of them comes last, and both may. `close` alone doesn't tell: what `app.inject` sent never counts
    // as finished then.
    reply.raw.on('finish', () => this.#end(reply.statusCode));
    reply.raw.on('close', () => {
      if (this.#ended) return;
      this.#gone = true;
      this.#ticket?.cancel(clientClosed());
      this.#end(CLIENT_CLOSED);
    });
  }

  /**
   * The model as it is now: what was loaded while the body was read is the one to ask. Nothing
   * asynchronous may come between this and {@link run}.
   *
   * @throws HttpError 404
   */
  get model(): ServedModel {
    const { model, version } = this.#request.params as ModelParams;
    return this.#service.repository.get(model, version);
  }

  /**
   * Runs the model; gives up where the client goes, or when the time is over that the request or the
   * model allows.
   *
   * @throws rejects with HttpError 408, 499 or 503
   */
  async run(
    { batcher, spec, config }: ServedModel,
    inputs: Inputs,
    timeoutMs = Infinity,
  ): Promise<readonly OutputTensor[]> {
    if (this.#gone) throw clientClosed();
    const allowed = Math.min(config.timeoutMs, timeoutMs);
    const left = allowed - (performance.now() - this.#startedAt);
    const late = (): Error => timedOut(`there was no answer within ${allowed} ms`);
    if (left <= 0) throw late();
    if (batcher.full) this.#service.metrics.rejected(spec, 'queue_full');
    const ticket = batcher.submit(inputs, this.#context);
    this.#ticket = ticket;
    const timer = setTimeout(() => ticket.cancel(late()), left);
    try {
      return await ticket.result;
    } finally {
      clearTimeout(timer);
    }
  }

  #end(status: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release();
    const durationMs = performance.now() - this.#startedAt;
    this.#service.metrics.answered(this.#spec, this.#start.route, status, durationMs / 1000);
    const { hooks, onHookError } = this.#service;
    if (hooks.onRequestEnd === undefined) return;
    callHook(
      hooks.onRequestEnd,
      onHookError,
      { ...this.#start, status, durationMs },
      this.#context,
    );
  }
}

const clientClosed = (): HttpError => new HttpError(CLIENT_CLOSED, 'the client has gone');

function expectedBytes(request: FastifyRequest, limit: number): number {
  const length = Number(request.headers['content-length'] ?? limit);
  // What is larger is refused before it is read.
  return Number.isNaN(length) ? limit : Math.min(length, limit);
}
