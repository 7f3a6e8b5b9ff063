/** Layers as users write them on the command line. */
import { nn } from '../../lib';
import { UsageError } from '../../lib/cli/failure';
import { layerFrom } from '../../lib/cli/layer-spec';

test.each<[string, () => nn.Module]>([
  ['Conv2d(64, 64, 3, padding=1)', () => new nn.Conv2d(64, 64, 3, { padding: 1 })],
  ['nn.Conv2d(8, 8, (3, 1), bias=False)', () => new nn.Conv2d(8, 8, [3, 1], { bias: false })],
  [
    'new nn.Conv1d(4, 8, 5, { stride: 2, paddingMode: "circular" })',
    () => new nn.Conv1d(4, 8, 5, { stride: 2, paddingMode: 'circular' }),
  ],
  ["Conv3d(1, 2, [3, 3, 3], padding='same')", () => new nn.Conv3d(1, 2, 3, { padding: 'same' })],
  [
    'ConvTranspose2d(4, 4, kernel_size=2, stride=2, output_padding=1)',
    () => new nn.ConvTranspose2d(4, 4, 2, { stride: 2, outputPadding: 1 }),
  ],
  ['MaxPool2d(kernel_size=3, stride=2)', () => new nn.MaxPool2d(3, { stride: 2 })],
  ['AdaptiveAvgPool2d(output_size=(7, 7))', () => new nn.AdaptiveAvgPool2d([7, 7])],
  ['BatchNorm2d(16, eps=1e-3)', () => new nn.BatchNorm2d(16, { eps: 1e-3 })],
  ['Linear(10, 2)', () => new nn.Linear(10, 2)],
  ['ReLU()', () => new nn.ReLU()],
])('%s', (text, make) => {
  const layer = layerFrom(text);
  expect(String(layer)).toBe(String(make()));
  expect(layer.training).toBe(false);
});

test('what a layer prints is a layer', () => {
  for (const layer of [
    new nn.Conv2d(6, 4, [3, 5], { stride: [2, 1], padding: 1, groups: 2, bias: false }),
    new nn.ConvTranspose1d(2, 2, 4, { stride: 2, dilation: 3 }),
    new nn.Linear(3, 4, { bias: false }),
  ]) {
    expect(String(layerFrom(String(layer)))).toBe(String(layer));
  }
});

test.each([
  ['', 'it must begin with the name of a layer'],
  ['Conv2d', "expected '('"],
  ['Conv2d(1, 1, 3', 'expected'],
  ['Conv2d(1, 1, 3) x', 'something follows'],
  ['Conv2d(1, 1, 3,, 1)', "',' is no value"],
  ['Conv2d(1, 1, 3, 2)', 'after inChannels, outChannels, kernelSize arguments must have names'],
  ['Conv2d(padding=1, 1, 1, 3)', 'an argument without a name follows named ones'],
  ['Conv2d(1, 1, process)', "'process' is no value"],
  ['Conv2d(1, 1, 3; 4)', "can't be read"],
  ['Conv2D(1, 1, 3)', "nn has no layer Conv2D (did you mean 'Conv2d'?)"],
  ['functional(1)', 'nn has no layer functional'],
  ['Conv2d(1, 1, 3, paddding=1)', "Conv2d has no option 'paddding' (did you mean 'padding'?)"],
  ['Conv2d(1, 1)', 'kernelSize'],
  ['ReLU(1)', 'ReLU takes its arguments by name'],
])('%s is refused', (text, reason) => {
  expect(() => layerFrom(text)).toThrow(UsageError);
  expect(() => layerFrom(text)).toThrow(reason);
});
