/** The shape files of the benchmark, and what is told from a layer without running it. */
import * as fs from 'node:fs';
import path from 'node:path';

import { ones } from '../../lib';
import { binding } from '../../lib/binding';
import {
  build,
  kindOf,
  loadLayers,
  neededMacs,
  shapeFiles,
  specOf,
  type LayerCase,
} from '../../bench/layers';

const files = shapeFiles();
const key = ({ layer, args, options, input }: LayerCase): string =>
  JSON.stringify([layer, args, Object.entries(options).sort(), input]);

test('there are networks and kinds beside the sample', () => {
  expect(files).toEqual(expect.arrayContaining(['layers', 'resnet50', 'unet', 'kinds/depthwise']));
});

describe.each(files)('%s', (file) => {
  const layers = loadLayers([file], '');

  test('has no layer twice', () => {
    const text = fs.readFileSync(
      path.join(__dirname, '../../bench/shapes', `${file}.json`),
      'utf8',
    );
    expect(layers.length).toBeGreaterThan(0);
    expect(layers.length).toBe((JSON.parse(text) as unknown[]).length); // names
    expect(new Set(layers.map(key)).size).toBe(layers.length);
  });

  test('holds layers that are legal, on inputs that fit', () => {
    for (const layer of layers) {
      const handle = binding().convCreate(specOf(layer));
      const outputShape = binding().convOutputShape(handle, layer.input);
      expect(neededMacs(layer, outputShape)).toBeGreaterThan(0);
    }
  });

  if (file.startsWith('kinds/')) {
    test('holds one kind, and nothing of the sample', () => {
      expect(new Set(layers.map(kindOf))).toEqual(new Set([file.slice('kinds/'.length)]));
      const sample = new Set(loadLayers(['layers'], '').map(key));
      expect(layers.filter((layer) => sample.has(key(layer)))).toEqual([]);
    });
  }
});

test('a filter goes by name, network and kind, and a layer comes once', () => {
  expect(loadLayers(['layers'], 'RN50_stem').map(({ name }) => name)).toEqual(['rn50_stem']);
  expect(loadLayers(['layers'], 'wavenet').every(({ network }) => network === 'WaveNet')).toBe(
    true,
  );
  expect(loadLayers(['layers'], 'depthwise').map(kindOf)).toEqual(Array(3).fill('depthwise'));
  const twice = loadLayers(files, 'resnext50').map(({ name }) => name);
  expect(new Set(twice).size).toBe(twice.length);
  expect(loadLayers(files, 'no such layer')).toEqual([]);
});

/** With ones everywhere and no bias, the outputs count the products they are made of. */
test.each<Pick<LayerCase, 'layer' | 'args' | 'options' | 'input'>>([
  { layer: 'Conv2d', args: [3, 4, 3], options: { padding: 1 }, input: [2, 3, 5, 7] },
  { layer: 'Conv2d', args: [4, 6, 5], options: { padding: 4, groups: 2 }, input: [1, 4, 3, 2] },
  { layer: 'Conv2d', args: [2, 2, [3, 1]], options: { stride: 2 }, input: [1, 2, 9, 8] },
  { layer: 'Conv2d', args: [2, 3, 3], options: { padding: 6, dilation: 6 }, input: [1, 2, 4, 9] },
  {
    layer: 'Conv3d',
    args: [1, 2, [3, 2, 1]],
    options: { stride: [2, 1, 3], padding: [2, 1, 0], dilation: [1, 3, 1] },
    input: [1, 1, 4, 6, 5],
  },
  { layer: 'Conv1d', args: [3, 3, 4], options: { stride: 3, padding: 2 }, input: [3, 3, 11] },
  { layer: 'ConvTranspose1d', args: [2, 4, 8], options: { stride: 4 }, input: [1, 2, 5] },
  {
    layer: 'ConvTranspose2d',
    args: [2, 2, 3],
    options: { stride: 2, padding: 1, outputPadding: 1, dilation: 2 },
    input: [1, 2, 4, 3],
  },
  {
    layer: 'ConvTranspose2d',
    args: [4, 4, [1, 5]],
    options: { padding: [0, 3], groups: 4 },
    input: [1, 4, 2, 3],
  },
])('multiply-accumulates without padding: $layer $args $options', (shape) => {
  const layer: LayerCase = { name: '', network: '', ...shape };
  const conv = build(layer);
  conv.weight.data.fill(1);
  conv.bias!.data.fill(0);
  const y = conv.forward(ones(layer.input));
  expect(neededMacs(layer, y.shape)).toBe(y.data.reduce((sum, value) => sum + value, 0));
});
