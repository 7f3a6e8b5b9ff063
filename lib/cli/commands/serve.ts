/** `nnconv serve`. */
import { existsSync } from 'node:fs';
import path from 'node:path';

import type { Command } from 'commander';

import type { ModelConfig, ServeConfig, Server } from '../../serve';
import { UsageError } from '../failure';
import { MODEL_ARGUMENT } from '../model';
import { note, print } from '../terminal';
import { notNegative, wholeNumber } from '../values';

interface Options {
  model?: string[];
  weights?: string;
  config?: string;
  host?: string;
  port?: number;
  threads?: number;
  maxBatch?: number;
  maxDelay?: number;
  token?: string;
  logLevel?: ServeConfig['logLevel'];
}

const HELP = `
Examples:
  nnconv serve --model digits
  nnconv serve --model resnet18 --weights resnet18.pth --port 9000
  nnconv serve --config models.json --host 0.0.0.0

Routes:
  POST /v2/models/<model>/infer      tensors: the Open Inference Protocol of KServe and Triton
  POST /v2/models/<model>/classify   a PNG or JPEG picture
  GET  /v2/models/<model>            names and shapes of inputs and outputs
  GET  /v2/health/live, /v2/health/ready, /metrics

Signals:
  SIGTERM, SIGINT  answer what is under way, then end
  SIGHUP           load all models, and the list of them in --config, anew

Environment:
  NNCONV_TOKEN     the same as --token, which others on this machine can see

The log goes to stderr.`;

/** A picture of the package's, for the line that is printed. */
const SAMPLE = path.join(__dirname, '../../../examples/digits/pictures/00-0.png');

async function serve(options: Options): Promise<void> {
  // As process 1 of a container it has no other end while models load.
  const leave = (): never => process.exit(0);
  process.once('SIGTERM', leave);
  const { handleSignals, startServer } = await import('../../serve');
  const server = await startServer(await configOf(options), { logStream: process.stderr });
  process.removeAllListeners('SIGINT').removeListener('SIGTERM', leave);
  const ended = handleSignals(server, async () => (await configOf(options)).models);
  for (const { spec, randomWeights } of server.service.repository.models()) {
    if (randomWeights) note(`${spec.name} has random weights: --weights names better ones`);
  }
  print(`nnconv serves ${names(server).join(', ')} at ${server.url}`);
  print(`try: ${sampleCall(server)}`);
  await ended;
}

/** What the options, and the file that they name, ask for. */
async function configOf(options: Options): Promise<ServeConfig> {
  const { model, weights, config, maxBatch, maxDelay } = options;
  if ((model === undefined) === (config === undefined)) {
    throw new UsageError('name one of --model and --config');
  }
  if (weights !== undefined && model?.length !== 1) {
    throw new UsageError('--weights are those of one --model');
  }
  const { readConfig } = await import('../../serve');
  const base: ServeConfig =
    config === undefined
      ? { models: model!.map((item) => ({ name: nameOf(item), model: item, weights })) }
      : await readConfig(config);
  return {
    ...base,
    // What a file holds instead of them, the server refuses.
    models: Array.isArray(base.models)
      ? base.models.map((item: ModelConfig) => withBatching(item, maxBatch, maxDelay))
      : base.models,
    host: options.host ?? base.host,
    port: options.port ?? base.port,
    threads: options.threads ?? base.threads,
    token: options.token ?? process.env.NNCONV_TOKEN ?? base.token,
    logLevel: options.logLevel ?? base.logLevel,
  };
}

function withBatching(
  model: ModelConfig,
  maxBatchSize: number | undefined,
  maxDelayMs: number | undefined,
): ModelConfig {
  if (typeof model !== 'object' || (model as unknown) === null) return model;
  const batching = {
    ...model.batching,
    ...(maxBatchSize === undefined ? {} : { maxBatchSize }),
    ...(maxDelayMs === undefined ? {} : { maxDelayMs }),
  };
  return { ...model, batching };
}

/** A model's name; a file's without folder and extension. */
function nameOf(model: string): string {
  return existsSync(model) ? path.basename(model).replace(/\.\w+$/, '') : model;
}

function names({ service }: Server): string[] {
  return [...new Set(service.repository.models().map(({ spec }) => spec.name))];
}

/** A line for the shell that the server has an answer to. */
function sampleCall({ url, service }: Server): string {
  const [model] = service.repository.models();
  const base = `${url}/v2/models/${model.spec.name}`;
  const token = service.guarded ? ` -H "authorization: Bearer $NNCONV_TOKEN"` : '';
  if (!model.classifies) return `curl${token} ${base}`;
  const picture = existsSync(SAMPLE) ? relative(SAMPLE) : 'picture.png';
  return `curl --data-binary @${picture} -H 'content-type: image/png'${token} ${base}/classify`;
}

/** As short as it can be said from here. */
function relative(file: string): string {
  const short = path.relative('', file);
  return short.startsWith('..') ? file : short;
}

export function configure(command: Command): void {
  command
    .description('Serves models over HTTP, by the Open Inference Protocol, version 2.')
    .option(
      '-m, --model <model>',
      `what to serve: ${MODEL_ARGUMENT}; may be repeated`,
      (item: string, before: string[] = []) => [...before, item],
    )
    .option('-w, --weights <file>', 'a .safetensors, .pt or .pth file for the model')
    .option('-c, --config <file>', 'models and settings: a .json, .js or .ts file')
    .option('--host <address>', 'where to listen (default: 127.0.0.1, this machine alone)')
    .option('-p, --port <port>', 'where to listen (default: 8000)', wholeNumber(0, 65535))
    .option('--threads <n>', 'threads of a run', wholeNumber(1, 1024))
    .option(
      '--max-batch <n>',
      'rows that one run takes (default: 32 for small inputs, 8 for larger ones)',
      wholeNumber(1, 4096),
    )
    .option('--max-delay <ms>', 'how long a request may wait for others (default: 0)', notNegative)
    .option('--token <token>', 'what clients must send as Authorization: Bearer <token>')
    .option('--log-level <level>', 'fatal, error, warn, info, debug, trace or silent')
    .addHelpText('after', HELP)
    .action(serve);
}
