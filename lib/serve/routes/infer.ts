/** POST .../infer */
import type { FastifyReply, FastifyRequest } from 'fastify';

import { checkMediaType, headerLength, readBody } from '../body';
import type { Exchange } from '../exchange';
import { parseInferRequest } from '../protocol/request';
import { encodeInferResponse } from '../protocol/response';
import type { Service } from '../service';

/** Triton's clients send binary data as the second, or with no type at all. */
const TYPES = ['application/json', 'application/octet-stream'];

export async function infer(
  exchange: Exchange,
  request: FastifyRequest,
  reply: FastifyReply,
  { limits, bodies }: Service,
): Promise<FastifyReply> {
  checkMediaType(request, TYPES, false);
  const jsonLength = headerLength(request);
  const read = readBody(request, limits.bodyLimit);
  const body = read instanceof Buffer ? read : await read;
  const { model } = exchange;
  const { header, inputs } = parseInferRequest(body, jsonLength, model.spec);
  const outputs = await exchange.run(model, inputs, header.timeoutMs);
  // Runs copy their inputs.
  bodies.recycle(request);
  const response = encodeInferResponse(model.spec, header, outputs);
  if (response.headerLength === undefined) {
    reply.header('content-type', 'application/json');
  } else {
    reply.header('content-type', 'application/octet-stream');
    reply.header('inference-header-content-length', String(response.headerLength));
  }
  return reply.send(response.body);
}
