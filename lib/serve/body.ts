/** Bodies of requests: read whole, up to the limit, whatever they are. */
import { promisify } from 'node:util';
import zlib from 'node:zlib';

import type { FastifyRequest } from 'fastify';

import { badRequest, bodyTooLarge, unsupportedMedia } from './http-error';

const decoders = new Map([
  ['gzip', promisify(zlib.gunzip)],
  ['deflate', promisify(zlib.inflate)],
]);

/** The media type without its parameters; undefined where there is none. */
function mediaType(header: string | undefined): string | undefined {
  return header?.split(';', 1)[0].trim().toLowerCase();
}

/**
 * @param required whether a request without a type is refused, too
 * @throws HttpError 415 where the type is none of `types`
 */
export function checkMediaType(
  request: FastifyRequest,
  types: readonly string[],
  required: boolean,
): void {
  const given = request.headers['content-type'];
  if (given !== undefined && types.includes(given)) return;
  const type = mediaType(given);
  if (type === undefined ? required : !types.includes(type)) {
    throw unsupportedMedia(`Content-Type must be ${types.join(' or ')}`);
  }
}

/**
 * The body, unpacked where it was sent with `Content-Encoding: gzip` or `deflate`.
 *
 * @throws HttpError 413 where it is more than `limit` bytes; 415 for another encoding
 */
export function readBody(request: FastifyRequest, limit: number): Buffer | Promise<Buffer> {
  const body: Buffer = request.body instanceof Buffer ? (request.body as Buffer) : Buffer.alloc(0);
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  return encoding === 'identity' ? body : unpack(body, encoding, limit);
}

async function unpack(body: Buffer, encoding: string, limit: number): Promise<Buffer> {
  const decode = decoders.get(encoding);
  if (decode === undefined) {
    throw unsupportedMedia('Content-Encoding must be gzip, deflate or identity');
  }
  try {
    return await decode(body, { maxOutputLength: limit });
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') {
      throw bodyTooLarge(limit);
    }
    throw badRequest(`the body is no ${encoding}`);
  }
}

/**
 * The header that says how much of a body is JSON.
 *
 * @throws HttpError 400
 */
export function headerLength(request: FastifyRequest): number | undefined {
  const value = request.headers['inference-header-content-length'];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !/^\d{1,15}$/.test(value)) {
    throw badRequest('Inference-Header-Content-Length must be a number of bytes');
  }
  return Number(value);
}
