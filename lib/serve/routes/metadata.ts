/** What a server and its models say of themselves. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { version } from '../../runtime';
import type { ModelParams } from '../exchange';
import { DATATYPE, type TensorSpec } from '../spec';
import type { Service } from '../service';
import { route } from './route';

const EXTENSIONS = ['binary_tensor_data', 'model_repository'];

const tensors = (specs: readonly TensorSpec[]) =>
  specs.map(({ name, shape }) => ({ name, datatype: DATATYPE, shape }));

export function metadataRoutes(app: FastifyInstance, service: Service): void {
  const { repository } = service;
  const modelOf = (request: FastifyRequest) => {
    const { model, version: wanted } = request.params as ModelParams;
    return repository.get(model, wanted);
  };

  for (const url of ['/v2', '/v2/']) {
    route(app, {
      method: 'GET',
      url,
      handler: () => ({ name: 'nnconv', version, extensions: EXTENSIONS }),
    });
  }
  // Probes have no token.
  route(app, {
    method: 'GET',
    url: '/v2/health/live',
    open: true,
    handler: () => ({ live: true }),
  });
  route(app, {
    method: 'GET',
    url: '/v2/health/ready',
    open: true,
    handler: (_request, reply) => {
      if (!service.ready) reply.code(503);
      return { ready: service.ready };
    },
  });
  for (const base of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    route(app, {
      method: 'GET',
      url: base,
      handler: (request) => {
        const { spec } = modelOf(request);
        return {
          name: spec.name,
          versions: repository.versions(spec.name),
          platform: 'nnconv',
          inputs: tensors(spec.inputs),
          outputs: tensors(spec.outputs),
        };
      },
    });
    route(app, {
      method: 'GET',
      url: `${base}/ready`,
      open: true,
      handler: (request: FastifyRequest, reply: FastifyReply) => {
        const { spec } = modelOf(request);
        if (!service.ready) reply.code(503);
        return { name: spec.name, ready: service.ready };
      },
    });
  }
}
