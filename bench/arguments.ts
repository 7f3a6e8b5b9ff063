/** The command line of the benchmark. */
import { parseArgs } from 'node:util';
import { shapeFiles } from './layers';
import { PEERS } from './peers';

export interface Settings {
  threads: number;
  seconds: number;
  shapes: string[];
  filter: string;
  peers: string[];
  python: string;
  isa: string | undefined;
  cold: boolean;
  json: boolean;
  save: boolean;
}

export const USAGE = `usage: npx ts-node bench/run.ts [options]

  --threads n       threads of all sides, 1 to 1024; default 1
  --seconds s       time given to each side of each layer; default 1
  --shapes name     a file of bench/shapes, 'networks', 'kinds' or 'all'; may be given more than
                    once; default 'layers', the sample
  --filter text     only layers whose name, network or kind contains it
  --peer name       onnxruntime-node or pytorch; may be given more than once
  --python path     the Python that has torch; default NNCONV_BENCH_PYTHON, else python3
  --isa name        the instruction set nnconv uses; default the best
  --cold            measure with weights that are in no cache, too
  --json            print the numbers as JSON
  --save            write numbers, table and plots into bench/results
  --help            print this`;

const DEFAULT_SHAPES = 'layers';

/** Those of `given`, where a group stands for its files; each once, in order. */
function chosenShapes(given: readonly string[]): string[] {
  const files = shapeFiles();
  const kinds = files.filter((file) => file.startsWith('kinds/'));
  const networks = files.filter((file) => !kinds.includes(file) && file !== DEFAULT_SHAPES);
  const groups: Record<string, string[]> = { all: files, kinds, networks };
  const chosen = given.flatMap((name) => {
    if (Object.hasOwn(groups, name)) return groups[name];
    if (files.includes(name)) return [name];
    throw new Error(
      `--shapes: no '${name}'; there is: ${[...Object.keys(groups), ...files].join(', ')}`,
    );
  });
  return [...new Set(chosen)];
}

/** Throws an Error to be shown as it is unless the number is `valid`, which is to be `what`. */
export function numberOption(
  option: string,
  text: string,
  valid: (n: number) => boolean,
  what: string,
): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!valid(value)) throw new Error(`--${option} must be ${what}, got '${text}'`);
  return value;
}

/** What a number of threads must be. */
export const THREADS = [
  (n: number): boolean => Number.isInteger(n) && n >= 1 && n <= 1024,
  'an integer from 1 to 1024',
] as const;

/** The settings, or undefined where only help is asked for. Throws an Error to be shown as it is. */
export function readArguments(args: string[], env: NodeJS.ProcessEnv): Settings | undefined {
  const { values } = parseArgs({
    args,
    options: {
      threads: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '1' },
      shapes: { type: 'string', multiple: true, default: [DEFAULT_SHAPES] },
      filter: { type: 'string', default: '' },
      peer: { type: 'string', multiple: true, default: [] },
      python: { type: 'string', default: env.NNCONV_BENCH_PYTHON || 'python3' },
      isa: { type: 'string' },
      cold: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      save: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  for (const name of values.peer) {
    if (!Object.hasOwn(PEERS, name)) {
      throw new Error(`--peer: no '${name}'; there is: ${Object.keys(PEERS).join(', ')}`);
    }
  }
  return {
    threads: numberOption('threads', values.threads, ...THREADS),
    seconds: numberOption('seconds', values.seconds, (n) => n > 0 && n < Infinity, 'positive'),
    shapes: chosenShapes(values.shapes),
    filter: values.filter,
    peers: [...new Set(values.peer)],
    python: values.python,
    isa: values.isa,
    cold: values.cold,
    json: values.json,
    save: values.save,
  };
}
