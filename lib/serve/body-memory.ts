/** Bodies of requests come in chunks; here they become whole. */
import type { IncomingMessage } from 'node:http';

import type { FastifyRequest } from 'fastify';

import { badRequest, bodyTooLarge } from './http-error';

/** Bytes that wait for the next bodies. */
const MOST_KEPT = 32 << 20;
/** Bytes of a body that is worth it. */
const LEAST = 16 << 10;

/**
 * Puts bodies together in the memory of earlier ones. Each body in memory of its own would have V8 mark
 * its heap, with threads on all CPUs, every few MB.
 */
export class BodyMemory {
  readonly #free: Buffer[] = [];
  #kept = 0;
  /** Bodies that lie in memory of ours. */
  readonly #lent = new WeakSet<Buffer>();

  /**
   * Reads a body to its end, as a parser of Fastify does.
   *
   * @param done called with HttpError 413 where it is larger than the route allows, 400 where it breaks off
   */
  read(
    request: FastifyRequest,
    payload: IncomingMessage,
    done: (error: Error | null, body?: Buffer) => void,
  ): void {
    const limit = request.routeOptions.bodyLimit;
    if (Number(request.headers['content-length']) > limit) return done(bodyTooLarge(limit));
    const chunks: Buffer[] = [];
    let length = 0;
    const end = (error: Error | null): void => {
      payload.off('data', add).off('end', finish).off('error', fail);
      if (error) done(error);
      else if (chunks.length === 1) done(null, chunks[0]);
      else if (length < LEAST) done(null, Buffer.concat(chunks, length));
      else done(null, this.#join(chunks, length));
    };
    const add = (chunk: Buffer | string): void => {
      // A stream that an app has put in between may give text.
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      length += bytes.length;
      if (length > limit) end(bodyTooLarge(limit));
      else chunks.push(bytes);
    };
    const finish = (): void => end(null);
    const fail = ({ message }: Error): void =>
      end(badRequest(`the body can't be read: ${message}`));
    payload.on('data', add).on('end', finish).on('error', fail).resume();
  }

  /** Takes back the memory of a body that nobody reads any more. */
  recycle(request: FastifyRequest): void {
    const body = request.body as Buffer | undefined;
    request.body = undefined;
    if (body === undefined || !this.#lent.delete(body)) return;
    const whole = Buffer.from(body.buffer);
    if (this.#kept + whole.length > MOST_KEPT) return;
    this.#kept += whole.length;
    this.#free.push(whole);
  }

  #join(chunks: readonly Buffer[], length: number): Buffer {
    const memory = this.#take(length);
    let at = 0;
    for (const chunk of chunks) {
      memory.set(chunk, at);
      at += chunk.length;
    }
    const body = memory.subarray(0, length);
    this.#lent.add(body);
    return body;
  }

  #take(length: number): Buffer {
    const index = this.#free.findIndex(
      (each) => each.length >= length && each.length <= 2 * length,
    );
    if (index < 0) return Buffer.allocUnsafeSlow(length);
    const [memory] = this.#free.splice(index, 1);
    this.#kept -= memory.length;
    return memory;
  }
}
