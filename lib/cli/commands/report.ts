/** `nnconv report`. */
import { promises as fs } from 'node:fs';
import type { Command } from 'commander';

import { report as pageOf } from '../../report';
import { asModelInput, PIPE, readInput } from '../input';
import { addWeights, MODEL_ARGUMENT, openFor } from '../model';
import { UsageError } from '../failure';
import { note, print, printJson, progress } from '../terminal';

interface Options {
  weights?: string;
  input: string;
  output: string;
  title?: string;
  tensor?: string;
  json?: boolean;
}

const DEFAULT_OUTPUT = 'report.html';

const HELP = `
The page needs no network and no other file: the graph, the summary, kernels, feature maps of each stage,
the time of each step.

Examples:
  nnconv report digits --input seven.png
  nnconv report resnet18 -w resnet18.pth --input dog.jpg -o report.html
  nnconv report ./model.js -w model.safetensors --input x.npy --title "My model"`;

async function report(model: string, options: Options): Promise<void> {
  const { output, title, json = false } = options;
  if (output === PIPE && json) {
    throw new UsageError('--output - and --json both want standard output; leave one out');
  }
  const bar = await progress('report', 3);
  let page: string;
  let name: string;
  try {
    const opened = await openFor(model, options.weights, { warn: true });
    bar.step();
    const input = await readInput(options.input, options.tensor);
    bar.step();
    name = opened.name;
    page = pageOf(opened.module, {
      input: asModelInput(input, opened),
      title: title ?? name,
      labels: opened.labels,
      ...(input.kind === 'picture' ? { picture: input.value } : {}),
    });
    bar.step();
  } finally {
    bar.stop();
  }
  if (output === PIPE) {
    print(page);
    return;
  }
  await fs.writeFile(output, page);
  if (json)
    printJson({ model: name, input: options.input, output, bytes: Buffer.byteLength(page) });
  else note(`wrote ${output}`);
}

export function configure(command: Command): void {
  addWeights(
    command
      .description('Writes a page that shows a model and what it does with a picture.')
      .argument('<model>', MODEL_ARGUMENT)
      .requiredOption('-i, --input <file>', "a picture or a tensor; '-' is standard input"),
  )
    .option('-o, --output <file>', "where to write it; '-' is standard output", DEFAULT_OUTPUT)
    .option('--title <text>', "the page's title (default: the name of the model)")
    .option('--tensor <name>', 'which tensor of an input that has several')
    .option('--json', 'print one JSON value')
    .addHelpText('after', HELP)
    .action(report);
}
