/** Modules print as PyTorch prints them. */
import { inspect } from 'node:util';

import { nn } from '../lib';
import { readFixture } from './support/json';
import { build, type Tree } from './support/tree';

interface Layer {
  layer: 'Conv2d';
  args: [number, number, number | number[]];
  options: Record<string, unknown>;
  text: string;
}

const rows = readFixture<Layer | { tree: Tree; text: string }>('repr.json');

test.each(rows.map((row) => [row.text, row] as const))('%s', (text, row) => {
  const module = 'tree' in row ? build(row.tree) : new nn[row.layer](...row.args, row.options);
  expect(String(module)).toBe(text);
  expect(inspect(module)).toBe(text);
});

test('a class of the user goes by its own name', () => {
  class Blur extends nn.Conv2d {}
  expect(String(new Blur(1, 1, 3))).toBe('Blur(1, 1, kernel_size=(3, 3), stride=(1, 1))');
});

test('a network of the user, its layers as fields', () => {
  class Net extends nn.Module {
    depthwise = new nn.Conv2d(16, 16, 3, { padding: 1, groups: 16 });
    pointwise = new nn.Conv2d(16, 32, 1);
    forward() {}
  }
  expect(String(new Net())).toBe(
    'Net(\n' +
      '  (depthwise): Conv2d(16, 16, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), groups=16)\n' +
      '  (pointwise): Conv2d(16, 32, kernel_size=(1, 1), stride=(1, 1))\n' +
      ')',
  );
});

test('a bias taken away or given shows', () => {
  const layer = new nn.Conv2d(1, 1, 1);
  layer.bias = null;
  expect(String(layer)).toContain('bias=False');
});
