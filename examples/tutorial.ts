/**
 * A tour of the convolution layers, in the order in which tutorials on PyTorch's take it:
 * `npx ts-node examples/tutorial.ts [folder]`.
 *
 * Prints, line by line, what PyTorch prints for the same steps (scripts/fixtures/tutorial.py), and
 * draws the kernels of a layer into the folder. Default: demo-out/.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { manualSeed, nn, randn, type Tensor, zeros } from '../lib';
import { kernels, saveImage } from '../lib/viz';

const OUT = process.argv[2] ?? 'demo-out';

const size = (shape: readonly number[]): string => `torch.Size([${shape.join(', ')}])`;
const count = (module: nn.Module): number =>
  Array.from(module.parameters()).reduce((total, parameter) => total + parameter.numel, 0);
/** The values of a weight, without the words around those of a Parameter. */
const values = (weight: Tensor): Tensor => weight.select(0, 0);

manualSeed(2);

console.log('1. The layer and its parameters');
// Required arguments by position, optional ones in one object; numbers or tuples.
let conv = new nn.Conv2d(3, 16, 3, { stride: 1, padding: 1, dilation: 1, groups: 1, bias: true });
console.log(String(conv));
console.log(size(conv.weight.shape), size(conv.bias!.shape));
console.log(
  String(new nn.Conv2d(3, 16, [3, 5], { stride: [2, 1], padding: [1, 2], dilation: [1, 2] })),
);
console.log(String(new nn.Conv2d(3, 16, 3))); // stride 1, padding 0, dilation 1, one group, a bias
for (const [height, kernel, stride, padding, dilation] of [
  [32, 3, 1, 1, 1],
  [32, 3, 2, 1, 1],
  [32, 5, 1, 0, 2],
  [33, 4, 3, 2, 1],
]) {
  const expected = Math.floor((height + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
  const layer = new nn.Conv2d(3, 16, kernel, { stride, padding, dilation });
  console.log(expected, size(layer.forward(zeros([1, 3, height, height])).shape));
}

console.log('\n2. Usage');
manualSeed(2);
const x = randn([4, 3, 32, 32]); // (N, C, H, W)
conv = new nn.Conv2d(3, 16, 3, { padding: 1 });
const output = conv.forward(x);
console.log(size(output.shape));
console.log(String(values(conv.weight))); // the numbers that PyTorch draws after the same seed
console.log(String(output.select(0, 0).select(1, 0).select(1, 0))); // one pixel, all channels

console.log('\n3. Dilated, grouped, depthwise separable');
const y = randn([4, 16, 32, 32]);
const dilated = new nn.Conv2d(3, 16, 3, { dilation: 2 });
console.log(String(dilated));
console.log(size(dilated.forward(x).shape));
const grouped = new nn.Conv2d(16, 32, 3, { padding: 1, groups: 4 });
console.log(String(grouped));
console.log(size(grouped.forward(y).shape), size(grouped.weight.shape));
const depthwise = new nn.Conv2d(16, 16, 3, { padding: 1, groups: 16 });
const pointwise = new nn.Conv2d(16, 32, 1);
const separable = new nn.Sequential(depthwise, pointwise);
console.log(String(separable));
console.log(size(separable.forward(y).shape));
console.log(count(separable), count(new nn.Conv2d(16, 32, 3, { padding: 1 })));

console.log('\n4. One and three dimensions');
const conv1d = new nn.Conv1d(256, 100, 3); // sequences and text: (batch, channels, length)
console.log(String(conv1d));
console.log(size(conv1d.forward(randn([16, 256, 50])).shape));
const conv3d = new nn.Conv3d(1, 32, [3, 3, 3]); // video and volumes: (batch, channels, D, H, W)
console.log(String(conv3d));
console.log(size(conv3d.forward(randn([2, 1, 10, 24, 24])).shape));

console.log('\n5. Transposed');
const up = new nn.ConvTranspose2d(16, 8, 2, { stride: 2 });
console.log(String(up));
console.log(size(up.forward(y).shape)); // twice as high and wide

console.log('\n6. Initialisation');
manualSeed(2);
nn.init.kaimingNormal_(conv.weight, { mode: 'fan_out' });
nn.init.constant_(conv.bias!, 0.1);
console.log(String(values(conv.weight)));
console.log(String(conv.bias!.reshape([16])));
const weights = Array.from(conv.weight.data, Number);
const average = weights.reduce((a, b) => a + b) / weights.length;
const squares = weights.reduce((sum, weight) => sum + (weight - average) ** 2, 0);
const fanOut = 16 * 3 * 3;
console.log(Math.sqrt(2 / fanOut).toFixed(4), Math.sqrt(squares / (weights.length - 1)).toFixed(4));

console.log('\n7. Kernels');
console.log(size(conv.weight.shape));
// weights[i, 0] for each i in gray, four in a row, on a figure of 10 by 5 inches.
fs.mkdirSync(OUT, { recursive: true });
const figure = path.join(OUT, 'tutorial-kernels.png');
saveImage(figure, kernels(conv, { channel: 0, nrow: 4, colormap: 'gray', figsize: [10, 5] }));
console.log(`written: ${figure}`);

console.log('\n8. Summary');
// The kernels are shared by all places: the number of parameters doesn't depend on the picture.
console.log(count(conv), size(conv.forward(zeros([1, 3, 100, 100])).shape));
console.log(size(new nn.Conv2d(3, 16, 5, { padding: 'same' }).forward(x).shape));
console.log(String(conv));
const block = new nn.Sequential(
  new nn.Conv2d(3, 32, 3, { padding: 1 }),
  new nn.BatchNorm2d(32),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
);
console.log(String(block));
console.log(size(block.forward(x).shape));
