/** Errors -> what a client is told. */
import { HttpError } from './http-error';

export interface Told {
  status: number;
  message: string;
  retryAfter?: number;
}

/** Errors of the library that a request can cause. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  /** Sizes that the layers can't take, where a dimension is the client's choice. */
  ERR_NNCONV_SHAPE: 400,
  ERR_NNCONV_ALLOC: 503,
  ERR_NNCONV_QUEUE_FULL: 503,
};

/** Whatever else has gone wrong is the server's own business. */
const UNKNOWN: Told = { status: 500, message: 'the server failed to answer; its log says why' };

export function statusOf(error: unknown): Told {
  if (!(error instanceof Error)) return UNKNOWN;
  const { message } = error;
  if (error instanceof HttpError) {
    return { status: error.statusCode, message, retryAfter: error.retryAfter };
  }
  const { code = '', statusCode } = error as { code?: string; statusCode?: number };
  if (Object.hasOwn(STATUS_OF_CODE, code)) {
    const status = STATUS_OF_CODE[code];
    return { status, message, ...(status === 503 ? { retryAfter: 1 } : {}) };
  }
  // Of Fastify: a body that is too large, a URL that can't be decoded.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return { status: statusCode, message };
  }
  return UNKNOWN;
}
