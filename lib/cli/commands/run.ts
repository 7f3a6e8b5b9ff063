/** `nnconv run`. */
import type { Command } from 'commander';

import { compile } from '../../graph';
import type { OpenedModel } from '../../hub';
import { setNumThreads } from '../../runtime';
import { isTensor, type Tensor } from '../../tensor';
import { type Candidate, isClassification, topClasses } from '../classes';
import { UsageError } from '../failure';
import { asModelInput, type Input, PIPE, readInput } from '../input';
import { addWeights, MODEL_ARGUMENT, openFor } from '../model';
import { checkOutput, namedTensors, plain, writeOutput } from '../output';
import { table } from '../table';
import { colors, note, print, printJson, progress } from '../terminal';
import { shapeText, wholeNumber } from '../values';

interface Options {
  input: string[];
  weights?: string;
  topK?: number;
  output?: string;
  tensor?: string;
  threads?: number;
  json?: boolean;
}

interface Result {
  input: string;
  /** What `forward` returned. */
  value: unknown;
  /** The likeliest classes for each item of the batch, where classes are what it is about. */
  top?: Candidate[][];
}

const DEFAULT_TOP = 5;

const HELP = `
A picture (PNG, JPEG) gives the likeliest classes, a tensor (.npy, .safetensors, .pt) the model's output;
the content of a file tells which it is. Pictures are resized, cropped and normalised as the model
wants it; tensors are taken as they are, save for a batch dimension where it is missing.

Examples:
  nnconv run digits --input seven.png
  nnconv run resnet18 -w resnet18.pth -i cat.jpg dog.jpg --top-k 3
  nnconv run ./model.js -w model.safetensors -i x.npy -o y.npy
  curl -s https://example.org/cat.jpg | nnconv run resnet18 -w resnet18.pth -i -
  nnconv run ./encoder.js -i x.npy -o - | nnconv run ./decoder.js -i - -o y.npy`;

/** The model as a function: compiled, or layer by layer where it can't be. */
function runner({ name, module }: OpenedModel): (x: Tensor) => Promise<unknown> {
  const session = compile(module);
  let compiled = true;
  return async (x) => {
    if (compiled) {
      try {
        return await session.runAsync<unknown>(x);
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'ERR_NNCONV_TRACE') throw error;
        note(`${name} can't be compiled and runs layer by layer: ${(error as Error).message}`);
        compiled = false;
      }
    }
    return (await module.forward(x)) as unknown;
  };
}

async function run(model: string, options: Options): Promise<void> {
  const { input: files, output, json = false } = options;
  if (output !== undefined) {
    checkOutput(output);
    if (files.length > 1) throw new UsageError('--output takes the result of one --input');
    if (output === PIPE && json) {
      throw new UsageError('--output - and --json both want standard output; leave one out');
    }
  }
  if (files.filter((file) => file === PIPE).length > 1) {
    throw new UsageError("'-' can be read only once");
  }
  if (options.threads !== undefined) setNumThreads(options.threads);
  const opened = await openFor(model, options.weights, { warn: true });
  const forward = runner(opened);
  const bar = await progress('inputs', files.length);
  const results: Result[] = [];
  try {
    for (const file of files) {
      const input = await readInput(file, options.tensor);
      const value = await forward(asModelInput(input, opened));
      results.push({ input: file, value, top: classesOf(value, input, opened, options.topK) });
      bar.step();
    }
  } finally {
    bar.stop();
  }
  if (output !== undefined) {
    await writeOutput(output, results[0].value);
    if (output === PIPE) return;
    note(`wrote ${output}`);
  }
  if (json) {
    printJson({
      model: opened.name,
      weights: opened.randomWeights ? 'random' : (options.weights ?? 'own'),
      results: results.map(({ input, value, top }) => ({
        input,
        ...(top === undefined ? { output: plain(value) } : { top }),
      })),
    });
    return;
  }
  for (const result of results) {
    if (results.length > 1) print(colors.bold(result.input));
    if (result.top !== undefined) printClasses(result.top);
    else if (output === undefined) printTensors(result.value);
  }
}

function classesOf(
  value: unknown,
  { kind }: Input,
  { labels }: OpenedModel,
  topK: number | undefined,
): Candidate[][] | undefined {
  const possible = isTensor(value) && isClassification(value as Tensor);
  if (topK !== undefined && !possible) {
    throw new UsageError('--top-k is for classifiers, whose output has shape (N, classes)');
  }
  if (!possible || (topK === undefined && kind !== 'picture')) return undefined;
  return topClasses(value as Tensor, topK ?? DEFAULT_TOP, labels);
}

function printClasses(top: readonly Candidate[][]): void {
  for (const candidates of top) {
    const rows = candidates.map(({ label, probability }) => [
      `${(100 * probability).toFixed(1)} %`,
      label,
    ]);
    print(table(rows, { right: [0] }));
  }
}

function printTensors(value: unknown): void {
  for (const [name, item] of namedTensors(value)) {
    print(`${colors.bold(name)} ${shapeText(item.shape)}\n${String(item)}`);
  }
}

export function configure(command: Command): void {
  addWeights(
    command
      .description('Runs a picture or a tensor through a model.')
      .argument('<model>', MODEL_ARGUMENT)
      .requiredOption('-i, --input <file...>', "pictures or tensors; '-' is standard input"),
  )
    .option(
      '-k, --top-k <n>',
      `print the n likeliest classes (default for pictures: ${DEFAULT_TOP})`,
      wholeNumber(1),
    )
    .option(
      '-o, --output <file>',
      "write the output: .npy, .safetensors or .json; '-' is .npy to a pipe",
    )
    .option('--tensor <name>', 'which tensor of an input that has several')
    .option('--threads <n>', 'threads to use', wholeNumber(1, 1024))
    .option('--json', 'print one JSON value')
    .addHelpText('after', HELP)
    .action(run);
}
