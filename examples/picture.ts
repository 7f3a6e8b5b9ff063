/**
 * A real picture through convolutions with known weights: `npm run demo:picture [picture.png]`.
 *
 * Prints each layer, its shapes, the algorithm chosen and the time it took, and writes what comes
 * out as PNG files into demo-out/.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { nn, runtimeInfo, tensor, version, zeros, type Tensor } from '../lib';
import { fromUser, main, UserError } from './main';
import { readPng, writePng } from './png';

const DEFAULT_PICTURE = path.join(__dirname, 'assets', 'coffee.png');
const OUT = 'demo-out';
const RUNS = 9;

type Layer = nn.Conv2d | nn.ConvTranspose2d;

interface Step {
  name: string;
  layer: Layer;
  input: Tensor;
  output: Tensor;
  ms: number;
}

/** The outer product of a 1-d kernel with itself, scaled to the sum given. */
function separable(taps: number[], sum = 1): number[] {
  const total = taps.reduce((a, b) => a + b) ** 2;
  return taps.flatMap((a) => taps.map((b) => (a * b * sum) / total));
}

/** Gives the layer one kernel for each of the picture's three colour channels. */
function perChannel<L extends Layer>(layer: L, kernel: number[]): L {
  return weighted(layer, [...kernel, ...kernel, ...kernel]);
}

function weighted<L extends Layer>(layer: L, weights: number[]): L {
  layer.loadStateDict({ weight: tensor(weights, layer.weight.shape) });
  return layer;
}

const GRAY = [0.299, 0.587, 0.114];
const SOBEL_X = [-1, 0, 1, -2, 0, 2, -1, 0, 1];
const SOBEL_Y = [-1, -2, -1, 0, 0, 0, 1, 2, 1];
const SEPIA = [0.393, 0.769, 0.189, 0.349, 0.686, 0.168, 0.272, 0.534, 0.131];

const eachChannel = { groups: 3, bias: false, paddingMode: 'replicate' } as const;
const layers = {
  blur: perChannel(
    new nn.Conv2d(3, 3, 9, { padding: 'same', ...eachChannel }),
    separable([1, 8, 28, 56, 70, 56, 28, 8, 1]),
  ),
  // Two output channels: the horizontal and the vertical gradient of the brightness.
  edges: weighted(
    new nn.Conv2d(3, 2, 3, { padding: 1, bias: false, paddingMode: 'replicate' }),
    [SOBEL_X, SOBEL_Y].flatMap((kernel) => GRAY.flatMap((part) => kernel.map((k) => k * part))),
  ),
  sharpen: perChannel(
    new nn.Conv2d(3, 3, 3, { padding: 1, ...eachChannel }),
    [0, -1, 0, -1, 5, -1, 0, -1, 0],
  ),
  // Depthwise, then pointwise: a motion blur within each channel, then a mix of the channels.
  depthwise: perChannel(
    new nn.Conv2d(3, 3, [1, 15], { padding: 'same', ...eachChannel }),
    Array<number>(15).fill(1 / 15),
  ),
  pointwise: weighted(new nn.Conv2d(3, 3, 1, { bias: false }), SEPIA),
  // Half the size, and back by linear interpolation. The samples lie on the odd rows and columns,
  // one beyond each border, so that every pixel of the way back has both its neighbours.
  halve: perChannel(
    new nn.Conv2d(3, 3, 3, { stride: 2, padding: 2, ...eachChannel }),
    separable([1, 2, 1]),
  ),
  double: perChannel(
    new nn.ConvTranspose2d(3, 3, 3, { stride: 2, padding: 2, groups: 3, bias: false }),
    separable([1, 2, 1], 4),
  ),
};

function run(name: string, layer: Layer, input: Tensor, outputSize?: number[]): Step {
  const forward = (): Tensor =>
    layer instanceof nn.ConvTranspose2d ? layer.forward(input, outputSize) : layer.forward(input);
  const output = forward(); // packs the weights, too
  const times = Array.from({ length: RUNS }, () => {
    const start = performance.now();
    forward();
    return performance.now() - start;
  }).sort((a, b) => a - b);
  return { name, layer, input, output, ms: times[RUNS >> 1] };
}

/** Strength of the edges: the length of the gradient, scaled into 0..1. */
function gradientLength(gradients: Tensor): Tensor {
  const [, , height, width] = gradients.shape;
  const image = zeros([1, 1, height, width]);
  const plane = height * width;
  for (let i = 0; i < plane; ++i) {
    image.data[i] = Math.hypot(Number(gradients.data[i]), Number(gradients.data[plane + i])) / 2;
  }
  return image;
}

const shapeText = (shape: readonly number[]): string => `(${shape.join(', ')})`;

function printTable(rows: string[][], alignRight: number[]): void {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows) {
    const cells = row.map((cell, i) =>
      alignRight.includes(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i]),
    );
    console.log(`  ${cells.join('  ')}`.trimEnd());
  }
}

function demo(file: string): void {
  const photo = readPng(file);
  const [, , height, width] = photo.shape;
  const info = runtimeInfo();
  console.log(`${file}: ${width}x${height}`);
  console.log(`nnconv ${version}, ${info.isa}, ${info.threads} thread(s)\n`);

  const blur = run('blur', layers.blur, photo);
  const edges = run('edges', layers.edges, photo);
  const sharpen = run('sharpen', layers.sharpen, photo);
  const depthwise = run('depthwise', layers.depthwise, photo);
  const pointwise = run('pointwise', layers.pointwise, depthwise.output);
  const halve = run('halve', layers.halve, photo);
  const double = run('double', layers.double, halve.output, [height, width]);
  const steps = [blur, edges, sharpen, depthwise, pointwise, halve, double];

  console.log('Layers');
  printTable(
    steps.map(({ name, layer }) => [`(${name}):`, String(layer)]),
    [],
  );
  console.log(`\nRuns (milliseconds: median of ${RUNS})`);
  printTable(
    [
      ['layer', 'input', '', 'output', 'algorithm', 'ms'],
      ...steps.map(({ name, layer, input, output, ms }) => [
        name,
        shapeText(input.shape),
        '->',
        shapeText(output.shape),
        layer.explain(input.shape).algorithm,
        ms.toFixed(3),
      ]),
    ],
    [5],
  );

  const pictures: Record<string, Tensor> = {
    input: photo,
    blur: blur.output,
    edges: gradientLength(edges.output),
    sharpen: sharpen.output,
    'motion-sepia': pointwise.output,
    half: halve.output,
    'back-to-size': double.output,
  };
  fs.mkdirSync(OUT, { recursive: true });
  console.log('\nWritten');
  for (const [name, picture] of Object.entries(pictures)) {
    const target = path.join(OUT, `${name}.png`);
    writePng(target, picture);
    console.log(`  ${target}`);
  }
}

main('demo', (args) => {
  if (args.length > 1) throw new UserError('give one picture: npm run demo:picture [picture.png]');
  demo(args.length === 1 ? fromUser(args[0]) : path.relative(process.cwd(), DEFAULT_PICTURE));
});
