/** `nnconv plot`. */
import path from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';

import type { OpenedModel } from '../../hub';
import * as nn from '../../nn';
import { didYouMean } from '../../options';
import {
  type AnyConv,
  type Colormap,
  featureMaps,
  type Image,
  kernels,
  saveImage,
} from '../../viz';
import { blaming, UsageError } from '../failure';
import { asModelInput, readInput } from '../input';
import { addWeights, MODEL_ARGUMENT, openFor } from '../model';
import { colors, note, printJson } from '../terminal';
import { wholeNumber } from '../values';

interface Options {
  weights?: string;
  layer?: string;
  channel?: number | 'rgb' | 'mean';
  features?: boolean;
  input?: string;
  max?: number;
  colormap?: Colormap;
  output?: string;
  json?: boolean;
}

const COLORMAPS: readonly Colormap[] = ['gray', 'viridis', 'magma', 'coolwarm'];
const CONVOLUTIONS = [
  nn.Conv1d,
  nn.Conv2d,
  nn.Conv3d,
  nn.ConvTranspose1d,
  nn.ConvTranspose2d,
  nn.ConvTranspose3d,
] as const;
const FORMATS = ['.png', '.svg'];

const HELP = `
Without --output the plot is shown in the terminal.

Examples:
  nnconv plot digits
  nnconv plot resnet18 -w resnet18.pth --layer conv1 --channel rgb -o kernels.png
  nnconv plot resnet18 -w resnet18.pth --features --layer layer1 --input dog.jpg -o maps.svg`;

function channel(text: string): number | 'rgb' | 'mean' {
  if (text === 'rgb' || text === 'mean') return text;
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be the number of an input channel, 'rgb' or 'mean'.");
}

function isConv(module: nn.Module): module is AnyConv {
  return CONVOLUTIONS.some((Class) => module instanceof Class);
}

/** The name of the layer that is meant; default: the first convolution. */
function layerName(
  { name, module }: OpenedModel,
  wanted: string | undefined,
  any: boolean,
): string {
  const modules = [...module.namedModules()];
  const fitting = modules.filter(([, layer]) => any || isConv(layer)).map(([key]) => key);
  if (wanted === undefined) {
    const first = modules.find(([, layer]) => isConv(layer))?.[0];
    if (first === undefined) throw new UsageError(`${name} has no convolution; name a --layer`);
    return first;
  }
  if (fitting.includes(wanted)) return wanted;
  const known = modules.some(([key]) => key === wanted);
  const all = fitting.map((key) => key || "''").join(', ');
  throw new UsageError(
    known
      ? `--layer ${wanted} is no convolution; ${name} has ${all}`
      : `${name} has no layer '${wanted}'${didYouMean(wanted, fitting)}; it has ${all}`,
  );
}

async function imageOf(opened: OpenedModel, layer: string, options: Options): Promise<Image> {
  const { max, colormap } = options;
  if (!options.features) {
    const conv = opened.module.getSubmodule(layer) as AnyConv;
    const given = { channel: options.channel, maxKernels: max, colormap };
    return blaming('--channel and --colormap', () => kernels(conv, given));
  }
  const x = asModelInput(await readInput(options.input!), opened);
  const maps = featureMaps(opened.module, x, { layers: layer, maxChannels: max, colormap });
  return [...maps.values()][0];
}

async function plot(model: string, options: Options): Promise<void> {
  const { features = false, output } = options;
  if (output !== undefined && !FORMATS.includes(path.extname(output))) {
    throw new UsageError(`--output must end in ${FORMATS.join(' or ')}, got '${output}'`);
  }
  if (features && options.input === undefined) throw new UsageError('--features needs --input');
  if (!features && options.input !== undefined) {
    throw new UsageError('--input is for --features; kernels need none');
  }
  if (features && options.channel !== undefined) {
    throw new UsageError('--channel is for kernels, not for --features');
  }
  const opened = await openFor(model, options.weights, { warn: true });
  const layer = layerName(opened, options.layer, features);
  const image = await imageOf(opened, layer, options);
  if (output !== undefined) saveImage(output, image);
  if (options.json) {
    const { title, description, width, height } = image;
    printJson({ model: opened.name, layer, title, description, width, height, output });
  } else if (output !== undefined) {
    note(`wrote ${output}: ${image.title}`);
  } else {
    process.stdout.write(image.toTerminal({ color: colors.isColorSupported }));
  }
}

export function configure(command: Command): void {
  addWeights(
    command
      .description("Plots a layer's kernels, or with --features what it makes of a picture.")
      .argument('<model>', MODEL_ARGUMENT),
  )
    .option('-l, --layer <name>', 'such as layer1.0.conv1 (default: the first convolution)')
    .option(
      '-c, --channel <c>',
      "the input channel of the kernels: a number, 'rgb' or 'mean'",
      channel,
    )
    .option('-f, --features', 'plot the output of the layer')
    .option('-i, --input <file>', "a picture or a tensor for --features; '-' is standard input")
    .option('-m, --max <n>', 'plot the first n kernels or channels', wholeNumber(1))
    .addOption(new Option('--colormap <name>', 'how numbers become colours').choices(COLORMAPS))
    .option('-o, --output <file>', 'write a .png or an .svg')
    .option('--json', 'print one JSON value')
    .addHelpText('after', HELP)
    .action(plot);
}
