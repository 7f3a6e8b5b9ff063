/** What a client is told when its request can't be answered. */

/** An error with a status of HTTP and a message that is for the client's eyes. */
export class HttpError extends Error {
  readonly statusCode: number;
  /** Seconds for the header Retry-After. */
  readonly retryAfter?: number;

  constructor(statusCode: number, message: string, { retryAfter }: { retryAfter?: number } = {}) {
    super(message);
    this.name = 'HttpError';
    this.statusCode = statusCode;
    this.retryAfter = retryAfter;
  }
}

/** nginx's status for a client that went before it had its answer; only logs and metrics see it. */
export const CLIENT_CLOSED = 499;

export const badRequest = (message: string): HttpError => new HttpError(400, message);
export const notFound = (message: string): HttpError => new HttpError(404, message);
export const timedOut = (message: string): HttpError => new HttpError(408, message);
export const bodyTooLarge = (limit: number): HttpError =>
  new HttpError(413, `the body is larger than ${limit} bytes`);
export const unsupportedMedia = (message: string): HttpError => new HttpError(415, message);
export const unavailable = (message: string, retryAfter = 1): HttpError =>
  new HttpError(503, message, { retryAfter });
