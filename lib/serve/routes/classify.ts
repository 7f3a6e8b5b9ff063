/** POST .../classify: a picture -> the classes it may show. */
import type { FastifyReply, FastifyRequest } from 'fastify';

import { checkMediaType, readBody } from '../body';
import type { Exchange } from '../exchange';
import { badRequest } from '../http-error';
import type { ServedModel } from '../model';
import { readPicture } from '../picture';
import type { OutputTensor } from '../protocol/response';
import type { Service } from '../service';

const TYPES = ['image/png', 'image/jpeg'];
const DEFAULT_COUNT = 5;

export interface ClassScore {
  readonly label: string;
  readonly index: number;
  /** From 0 to 1 where scores are made by softmax; what the model said where not. */
  readonly score: number;
}

export async function classify(
  exchange: Exchange,
  request: FastifyRequest,
  reply: FastifyReply,
  { limits }: Service,
): Promise<FastifyReply> {
  checkMediaType(request, TYPES, true);
  const count = topK(request.query as Record<string, unknown>);
  const body = await readBody(request, limits.bodyLimit);
  const { model } = exchange;
  if (!model.classifies) {
    throw badRequest(`the model '${model.spec.name}' is no classifier of pictures: use infer`);
  }
  const picture = readPicture(body, model.preprocessing, limits.maxPixels);
  checkFits(model, picture.shape);
  const [output] = await exchange.run(model, [picture]);
  const { name, version } = model.spec;
  return reply.header('content-type', 'application/json').send(
    JSON.stringify({
      model_name: name,
      model_version: version,
      classes: classesOf(output, model, count),
    }),
  );
}

function topK(query: Record<string, unknown>): number {
  const { top_k: given } = query;
  if (given === undefined) return DEFAULT_COUNT;
  if (typeof given !== 'string' || !/^[1-9]\d{0,5}$/.test(given)) {
    throw badRequest('top_k must be a positive integer');
  }
  return Number(given);
}

function checkFits({ spec }: ServedModel, shape: readonly number[]): void {
  const [{ shape: wanted }] = spec.inputs;
  if (wanted.some((size, dim) => size !== -1 && size !== shape[dim])) {
    throw badRequest(
      `the picture has become an input of shape [${shape.join(', ')}], but the model takes ` +
        `[${wanted.join(', ')}]: its preprocessing doesn't lead there`,
    );
  }
}

function classesOf(
  { data }: OutputTensor,
  { config, labels }: ServedModel,
  count: number,
): ClassScore[] {
  const scores = config.scores === 'softmax' ? softmax(data) : Array.from(data);
  return scores
    .map((score, index) => ({ label: labels?.[index] ?? String(index), index, score }))
    .sort((a, b) => b.score - a.score)
    .slice(0, count);
}

function softmax(logits: Float32Array): number[] {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}
