/**
 * Full-size models against PyTorch in float64:
 *
 *     python scripts/fixtures/models.py --full DIRECTORY
 *     npx ts-node scripts/check-models.ts DIRECTORY [name ...]
 *
 * Loads each checkpoint that the script wrote, strictly, runs the model, and compares its printed
 * form and its output. The output must be inside 1e-4 of PyTorch's, relative to its largest value.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';

import { load, models, type nn, type Tensor } from '../lib';

const TOLERANCE = 1e-4;

type Builder = (...args: unknown[]) => nn.Module;

function builder(name: string): Builder {
  return name
    .split('.')
    .reduce<unknown>((found, part) => (found as Record<string, unknown>)[part], models) as Builder;
}

function check(directory: string, name: string, args: number[]): boolean {
  const file = (suffix: string) => path.join(directory, name + suffix);
  const start = performance.now();
  const model = builder(name)(...args).eval();
  const built = performance.now();
  model.loadStateDict(load(file('.pth')));
  const loaded = performance.now();
  const { input, output } = load<Record<string, Tensor>>(file('.safetensors'));
  const ready = performance.now();
  const result = model.forward(input) as Tensor;
  const done = performance.now();

  let largest = 0;
  let difference = result.shape.join() === output.shape.join() ? 0 : Infinity;
  for (let i = 0; i < output.numel; i++) {
    largest = Math.max(largest, Math.abs(output.data[i]));
    difference = Math.max(difference, Math.abs(result.data[i] - output.data[i]));
  }
  const printed = `${String(model)}\n` === fs.readFileSync(file('.txt'), 'utf8');
  const good = printed && difference <= TOLERANCE * largest;
  const times = [built - start, loaded - built, done - ready].map((ms) =>
    ms.toFixed(0).padStart(7),
  );
  console.log(
    `${name.padEnd(15)} ${(difference / largest).toExponential(1).padStart(8)}  ${times.join('  ')}` +
      `${printed ? '' : '  is printed otherwise'}${good ? '' : '  WRONG'}`,
  );
  return good;
}

const [directory, ...wanted] = process.argv.slice(2);
if (directory === undefined) {
  console.error('usage: npx ts-node scripts/check-models.ts DIRECTORY [name ...]');
  process.exit(2);
}
const rows = JSON.parse(fs.readFileSync(path.join(directory, 'models.json'), 'utf8')) as {
  model: string;
  args: number[];
}[];
console.log('model             error  ms: build     load  forward');
const results = rows
  .filter(({ model }) => wanted.length === 0 || wanted.includes(model))
  .map(({ model, args }) => check(directory, model, args));
process.exitCode = results.every(Boolean) ? 0 : 1;
