/** `nnconv bench`. */
import type { Command } from 'commander';

import { randn } from '../../create';
import { compile, type Explanation, type Profile } from '../../graph';
import type * as nn from '../../nn';
import { getNumThreads, runtimeInfo, setNumThreads } from '../../runtime';
import type { Tensor } from '../../tensor';
import { blaming, oneLine, UsageError } from '../failure';
import { layerFrom } from '../layer-spec';
import { measure, measurePeak, type Timing } from '../measure';
import { addWeights, concreteShape, MODEL_ARGUMENT, openFor } from '../model';
import { table } from '../table';
import { colors, print, printJson, progress } from '../terminal';
import { positive, shape, shapeText, wholeNumber } from '../values';

interface Options {
  layer?: string;
  inputShape?: number[];
  weights?: string;
  threads?: number;
  isa?: string;
  batch?: number;
  seconds: number;
  eager?: boolean;
  profile?: boolean;
  json?: boolean;
}

/** What is timed. */
interface Subject {
  name: string;
  module: nn.Module;
  inputShape: number[];
}

interface Row extends Timing {
  how: 'compiled' | 'eager';
  gflops?: number;
  percentOfPeak?: number;
}

const DEFAULT_SECONDS = 1;
const NANOSECONDS = 1e6;

const HELP = `
A model is compiled, unless --eager is given. GFLOP/s counts two operations for each multiply-accumulate of
the plain definition, so algorithms that need fewer of them, such as Winograd's, can exceed 100 % of the
peak, which is that of fused multiply-adds, measured on one thread and multiplied by the threads.
Sizes that a model leaves free are 1 for the batch and 256 for others.

Examples:
  nnconv bench resnet18
  nnconv bench resnet18 --batch 8 --threads 1 --profile
  nnconv bench --layer "Conv2d(64, 64, 3, padding=1)" --input-shape 1,64,56,56
  nnconv bench mobilenet_v2 --isa avx2 --json`;

/** Chooses the instruction set, which the addon does once, when it is loaded. */
function useInstructionSet(isa: string): void {
  process.env.NNCONV_ISA = isa;
  try {
    runtimeInfo();
  } catch (error) {
    const { cause } = error as Error;
    throw new UsageError(`--isa: ${oneLine(cause instanceof Error ? cause : error)}`, {
      cause: error,
    });
  }
}

async function subjectOf(model: string | undefined, options: Options): Promise<Subject> {
  const { layer, inputShape, batch } = options;
  if ((model === undefined) === (layer === undefined)) {
    throw new UsageError('name one thing to time: a model, or a layer with --layer');
  }
  if (layer !== undefined) {
    if (inputShape === undefined) throw new UsageError('--layer needs --input-shape');
    const module = layerFrom(layer);
    const sizes = batch === undefined ? inputShape : [batch, ...inputShape.slice(1)];
    return { name: String(module), module, inputShape: sizes };
  }
  const opened = await openFor(model!, options.weights, { warn: false });
  return {
    name: opened.name,
    module: opened.module,
    inputShape: concreteShape(opened, inputShape, batch),
  };
}

/** How often each algorithm is used. */
function algorithmsOf(steps: Explanation): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { algorithm } of steps.steps) {
    if (algorithm !== '') counts[algorithm] = (counts[algorithm] ?? 0) + 1;
  }
  return counts;
}

async function bench(model: string | undefined, options: Options): Promise<void> {
  if (options.isa !== undefined) useInstructionSet(options.isa);
  if (options.threads !== undefined) setNumThreads(options.threads);
  const subject = await subjectOf(model, options);
  const { module, inputShape } = subject;
  const x = randn(inputShape);
  const bar = await progress('timing', options.eager ? 3 : 2);
  const rows: Row[] = [];
  let steps: Explanation;
  let profile: Profile | undefined;
  let peak: number;
  try {
    peak = (await measurePeak()) * getNumThreads();
    bar.step();
    const session = compile(module);
    steps = blaming(options.inputShape && '--input-shape', () => session.explain(inputShape));
    const macs = steps.steps.reduce((sum, step) => sum + step.macs, 0);
    const row = async (how: Row['how'], call: () => unknown): Promise<void> => {
      const timing = await measure(call, options.seconds);
      const gflops = (2 * macs) / timing.median / NANOSECONDS;
      const speed = macs > 0 ? { gflops, percentOfPeak: (100 * gflops) / peak } : {};
      rows.push({ how, ...timing, ...speed });
      bar.step();
    };
    // One layer is timed as it is called; compiled, it would be a network of one step.
    const isLayer = options.layer !== undefined;
    if (!isLayer) await row('compiled', () => session.run<unknown>(x));
    if (isLayer || options.eager) await row('eager', () => module.forward(x) as Tensor);
    if (options.profile) profile = session.profile(x);
  } finally {
    bar.stop();
  }
  report(subject, options, { rows, steps, profile, peak });
}

interface Measured {
  rows: Row[];
  steps: Explanation;
  profile: Profile | undefined;
  peak: number;
}

function report(
  subject: Subject,
  options: Options,
  { rows, steps, profile, peak }: Measured,
): void {
  const { name, module, inputShape } = subject;
  const { isa, cpu } = runtimeInfo();
  const threads = getNumThreads();
  const algorithm = 'explain' in module ? (module as nn.Conv2d).explain(inputShape) : undefined;
  if (options.json) {
    printJson({
      name,
      inputShape,
      isa,
      cpu,
      threads,
      peakGflops: peak,
      timings: rows,
      algorithms: algorithm ? { [algorithm.algorithm]: 1 } : algorithmsOf(steps),
      ...(algorithm ? { reason: algorithm.reason } : {}),
      ...(profile
        ? { steps: profile.steps.map((step, i) => ({ ...step, seconds: profile.seconds[i] })) }
        : {}),
    });
    return;
  }
  print(`${colors.bold(name)}, input ${shapeText(inputShape)}`);
  print(`${cpu}, ${isa}, ${threads} thread(s), peak ${peak.toFixed(0)} GFLOP/s\n`);
  print(
    table(
      rows.map(({ how, median, low, high, calls, gflops, percentOfPeak }) => [
        how,
        median.toFixed(3),
        `${low.toFixed(3)} to ${high.toFixed(3)}`,
        String(calls),
        gflops?.toFixed(1) ?? '',
        percentOfPeak?.toFixed(0) ?? '',
      ]),
      {
        head: ['', 'ms, median', '10 % to 90 %', 'calls', 'GFLOP/s', '% of peak'],
        right: [1, 2, 3, 4, 5],
      },
    ),
  );
  if (algorithm) print(`\nalgorithm: ${algorithm.algorithm} (${algorithm.reason})`);
  else {
    const used = Object.entries(algorithmsOf(steps)).map(([kind, count]) => `${kind} ${count}`);
    if (used.length > 0) print(`\nalgorithms: ${used.join(', ')}`);
  }
  if (profile) print(`\n${String(profile)}`);
}

export function configure(command: Command): void {
  addWeights(
    command
      .description('Times a model, or one layer.')
      .argument('[model]', MODEL_ARGUMENT)
      .option('--layer <layer>', 'a layer, as PyTorch writes it: "Conv2d(64, 64, 3, padding=1)"')
      .option('--input-shape <shape>', 'what it gets; models know what they take', shape),
  )
    .option('--batch <n>', 'the first size of the input', wholeNumber(1))
    .option('--threads <n>', 'threads to use', wholeNumber(1, 1024))
    .option('--isa <name>', 'the instruction set to use; see nnconv info')
    .option('--seconds <s>', `how long to time`, positive, DEFAULT_SECONDS)
    .option('--eager', 'time the model layer by layer, too')
    .option('--profile', 'print the time of each step')
    .option('--json', 'print one JSON value')
    .addHelpText('after', HELP)
    .action(bench);
}
