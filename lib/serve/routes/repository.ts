/** The index of models, and loading them anew. */
import type { FastifyInstance, FastifyRequest } from 'fastify';

import { readBody } from '../body';
import type { ModelParams } from '../exchange';
import { badRequest, HttpError } from '../http-error';
import { isObject, member, parseJson } from '../protocol/json';
import type { Service } from '../service';
import { route } from './route';

export function repositoryRoutes(app: FastifyInstance, service: Service): void {
  const { repository, limits } = service;
  route(app, {
    method: 'POST',
    url: '/v2/repository/index',
    handler: async (request) => {
      const ready = member(await bodyOf(request, limits.bodyLimit), 'ready');
      if (ready !== undefined && typeof ready !== 'boolean') {
        throw badRequest('ready must be true or false');
      }
      const entries = repository.index();
      return ready === true ? entries.filter(({ state }) => state === 'READY') : entries;
    },
  });
  for (const action of ['load', 'unload'] as const) {
    route(app, {
      method: 'POST',
      url: `/v2/repository/models/:model/${action}`,
      handler: async (request, reply) => {
        if (!service.guarded) {
          throw new HttpError(403, `to ${action} models the server must have a token`);
        }
        const { model } = request.params as ModelParams;
        const parameters = member(await bodyOf(request, limits.bodyLimit), 'parameters');
        checkParameters(parameters);
        await repository[action](model);
        request.log.info({ model }, `model ${action}ed`);
        return reply.header('content-type', 'application/json').send('{}');
      },
    });
  }
}

/** Models are loaded as the config says; `unload_dependents` is what Triton's clients say always. */
function checkParameters(parameters: unknown): void {
  if (parameters === undefined) return;
  if (!isObject(parameters)) throw badRequest('parameters must be an object');
  for (const [key, value] of Object.entries(parameters)) {
    if (key !== 'unload_dependents') {
      throw badRequest('models are loaded as the config says: give no parameters');
    }
    if (typeof value !== 'boolean') throw badRequest(`${key} must be true or false`);
  }
}

/** An object of JSON; an empty one where there is no body. */
async function bodyOf(request: FastifyRequest, limit: number) {
  const body = await readBody(request, limit);
  if (body.length === 0) return {};
  const value = parseJson(body);
  if (!isObject(value)) throw badRequest('the body must be a JSON object');
  return value;
}
