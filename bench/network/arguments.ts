/** The command line of the benchmark of networks. */
import * as os from 'node:os';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { numberOption, THREADS } from '../arguments';
import { type Network, NETWORKS } from './list';

export interface Settings {
  threads: number;
  seconds: number;
  batches: number[];
  filter: string;
  networks: Network[];
  alone: boolean;
  eager: boolean;
  memory: boolean;
  profile: boolean;
  python: string;
  cache: string;
  isa: string | undefined;
  json: boolean;
  save: boolean;
}

export const USAGE = `usage: npx ts-node bench/networks.ts [options]

  --threads n       threads of all sides, 1 to 1024; default 1
  --seconds s       time given to each side of each network; default 1
  --batch list      batches, as 1,8; default 1
  --filter text     only networks whose name contains it
  --extras          wavenet and c3d, too
  --alone           without onnxruntime-node
  --eager           the models' forward, too
  --memory          instead of times: peak memory of a session in a process of its own,
                    of resnet50 and vgg11 unless --filter is given
  --profile         instead of times: what each step of nnconv's takes
  --python path     the Python that has torch; default NNCONV_BENCH_PYTHON, else python3
  --cache folder    where exported networks are kept, gigabytes; default in the temporary folder
  --isa name        the instruction set nnconv uses; default the best
  --json            print the numbers as JSON
  --save            write numbers and tables into bench/results
  --help            print this`;

const MEMORY_NETWORKS = ['resnet50', 'vgg11'];

/** The settings, or undefined where only help is asked for. Throws an Error to be shown as it is. */
export function readArguments(args: string[], env: NodeJS.ProcessEnv): Settings | undefined {
  const { values } = parseArgs({
    args,
    options: {
      threads: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '1' },
      batch: { type: 'string', default: '1' },
      filter: { type: 'string', default: '' },
      extras: { type: 'boolean', default: false },
      alone: { type: 'boolean', default: false },
      eager: { type: 'boolean', default: false },
      memory: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      python: { type: 'string', default: env.NNCONV_BENCH_PYTHON || 'python3' },
      cache: { type: 'string', default: path.join(os.tmpdir(), 'nnconv-networks') },
      isa: { type: 'string' },
      json: { type: 'boolean', default: false },
      save: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  if (values.profile && (values.json || values.save || values.memory)) {
    throw new Error('--profile only prints, and nothing else: no --json, --save or --memory');
  }
  const { filter, memory } = values;
  const networks = NETWORKS.filter(({ name, extra }) => {
    if (memory && filter === '') return MEMORY_NETWORKS.includes(name);
    return name.includes(filter.toLowerCase()) && (!extra || values.extras);
  });
  if (networks.length === 0) {
    const names = NETWORKS.map(({ name, extra }) => (extra ? `${name} (--extras)` : name));
    throw new Error(`--filter: no network has '${filter}' in its name: ${names.join(', ')}`);
  }
  const batches = values.batch.split(',').map((text) => numberOption('batch', text, ...THREADS));
  return {
    ...{ filter, networks, memory, batches: [...new Set(batches)] },
    threads: numberOption('threads', values.threads, ...THREADS),
    seconds: numberOption('seconds', values.seconds, (n) => n > 0 && n < Infinity, 'positive'),
    alone: values.alone,
    eager: values.eager,
    profile: values.profile,
    python: values.python,
    cache: values.cache,
    isa: values.isa,
    json: values.json,
    save: values.save,
  };
}
