/** deploy/ agrees with itself and with the server's defaults and routes. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseAllDocuments } from 'yaml';

import { checkConfig } from '../../lib/serve/config';
import { startServer } from '../../lib/serve';
import { nn } from '../../lib';

const FOLDER = path.join(__dirname, '..', '..', 'deploy');

interface Probe {
  httpGet: { path: string; port: number | string };
}
interface Container {
  args: string[];
  ports: { name?: string; containerPort: number }[];
  resources: Record<'requests' | 'limits', { cpu: string; memory: string }>;
  startupProbe: Probe;
  livenessProbe: Probe;
  readinessProbe: Probe;
  lifecycle?: { preStop: { sleep: { seconds: number } } };
  securityContext: Record<string, unknown>;
}
interface Manifest {
  kind: string;
  metadata: { name: string; annotations?: Record<string, string> };
  data: Record<string, string>;
  spec: Record<string, any>;
}

const read = (name: string): string => fs.readFileSync(path.join(FOLDER, name), 'utf8');
const documents = (name: string): Manifest[] =>
  parseAllDocuments(read(name), { strict: true }).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Manifest;
  });
const deployment = documents('deployment.yaml');
const [runtime] = documents('kserve-runtime.yaml');
const one = (kind: string): Manifest => deployment.find((item) => item.kind === kind)!;
const pod = one('Deployment').spec.template.spec;
const containers: [string, Container][] = [
  ['deployment.yaml', pod.containers[0]],
  ['kserve-runtime.yaml', runtime.spec.containers[0]],
];

/** All defaults of the server. */
const defaults = checkConfig({ models: [{ name: 'digits' }] });

describe.each(containers)('the container of %s', (_name, container) => {
  const { args, ports, resources } = container;

  test('listens where it says it does, on the default port', () => {
    expect(ports[0].containerPort).toBe(defaults.port);
    expect(args[args.indexOf('--port') + 1]).toBe(String(defaults.port));
    expect(args[args.indexOf('--host') + 1]).toBe('0.0.0.0');
  });

  test('is asked at routes that there are', async () => {
    const server = await startServer({
      models: [{ name: 'one', model: () => new nn.Identity(), inputs: [{ shape: [-1, 1] }] }],
      port: 0,
      logLevel: 'silent',
    });
    try {
      for (const key of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const) {
        const { path: url, port } = container[key].httpGet;
        expect([defaults.port, ports[0].name]).toContain(port);
        expect((await fetch(`${server.url}${url}`)).status).toBe(200);
      }
      expect(container.readinessProbe.httpGet.path).toBe('/v2/health/ready');
      expect(container.livenessProbe.httpGet.path).toBe('/v2/health/live');
      expect((await fetch(`${server.url}/metrics`)).status).toBe(200);
    } finally {
      await server.stop();
    }
  });

  test('has whole CPUs, of which threads are made, and asks for what it is limited to', () => {
    expect(resources.limits.cpu).toMatch(/^[1-9]\d*$/);
    expect(resources.requests).toEqual(resources.limits);
  });

  test('has room for what the server may hold', () => {
    const gib = Number(/^(\d+)Gi$/.exec(resources.limits.memory)![1]);
    expect(gib * 2 ** 30).toBeGreaterThan(2 * defaults.maxBufferedBytes);
  });

  test('has no rights that it does not need', () => {
    expect(container.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });
});

describe('deployment.yaml', () => {
  const config = checkConfig(JSON.parse(one('ConfigMap').data['serve.json']));
  const { labels } = one('Deployment').spec.template.metadata;

  test('has a config that the server takes, of files that are mounted', () => {
    const mounts: string[] = pod.containers[0].volumeMounts.map(
      ({ mountPath }: { mountPath: string }) => mountPath,
    );
    const { args } = pod.containers[0] as Container;
    const files = [args[args.indexOf('--config') + 1], ...config.models.map((m) => m.weights!)];
    for (const file of files) expect(mounts).toContain(path.posix.dirname(file));
  });

  test('leaves the time that draining takes', () => {
    const { lifecycle } = pod.containers[0] as Container;
    const drain = lifecycle!.preStop.sleep.seconds + config.drainTimeoutMs / 1000;
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(drain);
  });

  test('selects its own pods', () => {
    for (const kind of ['Deployment', 'PodDisruptionBudget']) {
      expect(labels).toMatchObject(one(kind).spec.selector.matchLabels);
    }
    expect(labels).toMatchObject(one('Service').spec.selector);
    expect(one('Service').spec.ports[0].targetPort).toBe(pod.containers[0].ports[0].name);
    expect(one('HorizontalPodAutoscaler').spec.scaleTargetRef.name).toBe(
      one('Deployment').metadata.name,
    );
    // Else each rollout would undo what the autoscaler did.
    expect(one('Deployment').spec).not.toHaveProperty('replicas');
  });

  test('does not run as root', () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
  });
});

describe.each(['kserve-inference-service.yaml', 'kserve-inference-service-knative.yaml'])(
  '%s',
  (name) => {
    const all = documents(name);
    const [service] = all;
    test('is one document', () => expect(all).toHaveLength(1));

    const { model, ...predictor } = service.spec.predictor;

    test('names the runtime and a format and a protocol of its', () => {
      expect(model.runtime).toBe(runtime.metadata.name);
      expect(runtime.spec.protocolVersions).toContain(model.protocolVersion);
      expect(runtime.spec.supportedModelFormats).toContainEqual(
        expect.objectContaining(model.modelFormat),
      );
    });

    test('lets in no more than the server has room for', () => {
      // Without a size of its own the model takes at least this.
      const batches = 2 * (defaults.models[0].maxBatchSize ?? 8);
      const room = defaults.models[0].maxQueue + batches;
      expect(predictor.containerConcurrency ?? 0).toBeLessThan(room);
      const target = service.metadata.annotations?.['autoscaling.knative.dev/target'];
      expect(Number(target ?? batches)).toBe(batches);
    });

    test('waits longer than the server drains', () => {
      const grace = predictor.terminationGracePeriodSeconds ?? predictor.timeout;
      expect(grace).toBeGreaterThan(defaults.drainTimeoutMs / 1000);
    });
  },
);

describe('the image', () => {
  const lines = read('Dockerfile').replace(/\\\n/g, '').split('\n');
  const last = (word: string): string =>
    lines
      .filter((line) => line.startsWith(`${word} `))
      .at(-1)!
      .slice(word.length + 1);
  const pkg = JSON.parse(fs.readFileSync(path.join(FOLDER, '..', 'package.json'), 'utf8'));

  test('runs the command of the package, not as root', () => {
    const [node, file, command] = JSON.parse(last('ENTRYPOINT')) as string[];
    expect([node, command]).toEqual(['node', 'serve']);
    expect(path.posix.normalize(pkg.bin.nnconv)).toBe(path.posix.relative('/app', file));
    expect(last('USER')).toMatch(/^[1-9]\d*$/);
  });

  test('has one port', () => {
    expect(last('EXPOSE')).toBe(String(defaults.port));
    const args = JSON.parse(last('CMD')) as string[];
    expect(args[args.indexOf('--port') + 1]).toBe(String(defaults.port));
    const health = lines.find((line) => line.includes('/v2/health/ready'))!;
    expect(health).toContain(`127.0.0.1:${defaults.port}/`);
  });

  test('is built of all that the package is', () => {
    const seen = fs
      .readFileSync(path.join(FOLDER, '..', '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    // What is built there, and what is a part of what is seen.
    const made = ['dist', 'prebuilds'];
    for (const entry of pkg.files as string[]) {
      if (entry.startsWith('!') || made.includes(entry)) continue;
      expect(seen).toContain(entry.split('/')[0]);
    }
    expect(seen).toEqual(
      expect.arrayContaining(['package-lock.json', 'lib', 'tsconfig.build.json']),
    );
  });
});
