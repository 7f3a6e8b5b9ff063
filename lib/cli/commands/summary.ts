/** `nnconv summary`. */
import { promises as fs } from 'node:fs';
import type { Command } from 'commander';

import { escapeHtml } from '../../html';
import { summary } from '../../nn/summary';
import { blaming, UsageError } from '../failure';
import { addWeights, concreteShape, MODEL_ARGUMENT, openFor } from '../model';
import { note, print, printJson } from '../terminal';
import { shape, wholeNumber } from '../values';

interface Options {
  inputShape?: number[];
  weights?: string;
  depth?: number;
  html?: string;
  json?: boolean;
}

const HELP = `
Sizes that a model leaves free are 1 for the batch and 256 for others.

Examples:
  nnconv summary resnet18
  nnconv summary resnet18 --input-shape 8,3,320,320 --depth 2
  nnconv summary ./model.js --input-shape 1,1,28,28 --html summary.html
  nnconv summary unet --json | jq .totals.parameters`;

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${body}
</body>
</html>
`;
}

async function run(model: string, options: Options): Promise<void> {
  if (options.html !== undefined && options.json) {
    throw new UsageError('--html and --json are two forms of the same; leave one out');
  }
  const opened = await openFor(model, options.weights, { warn: false });
  const input = concreteShape(opened, options.inputShape);
  const found = blaming(options.inputShape && '--input-shape', () =>
    summary(opened.module, input, { depth: options.depth }),
  );
  if (options.json) {
    printJson(found);
  } else if (options.html !== undefined) {
    await fs.writeFile(
      options.html,
      page(`${opened.name}, input ${input.join(' x ')}`, found.toHTML()),
    );
    note(`wrote ${options.html}`);
  } else print(String(found));
}

export function configure(command: Command): void {
  addWeights(
    command
      .description(
        'Lists the layers of a model: shapes, parameters, multiply-adds, receptive fields, algorithms.',
      )
      .argument('<model>', MODEL_ARGUMENT)
      .option('-s, --input-shape <shape>', 'what it gets; models know what they take', shape),
  )
    .option('-d, --depth <n>', 'list modules nested up to n deep (default: 3)', wholeNumber(0))
    .option('--html <file>', 'write a page instead')
    .option('--json', 'print one JSON value')
    .addHelpText('after', HELP)
    .action(run);
}
