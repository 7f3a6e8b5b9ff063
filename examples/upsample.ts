/**
 * A picture made larger by a ConvTranspose2d: `npx ts-node examples/upsample.ts [picture.png
 * [factor]]` writes it to demo-out/.
 *
 * Networks that draw (U-Net, FCN) often begin with a transposed convolution that interpolates
 * linearly, and learn from there. Its kernel is a pyramid: with 2 f - 1 taps, at strides of f, each
 * pixel of the picture stays and those between are means of their neighbours by distance. That is
 * what UpsamplingBilinear2d computes, corner on corner. With 2 f taps (or one fewer where f is odd)
 * and half as much cropped, pixels lie in the middle of their f x f squares, as with Upsample.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { nn, tensor, type Tensor } from '../lib';
import { fromUser, main, UserError } from './main';
import { readPng, writePng } from './png';

const DEFAULT_PICTURE = path.join(__dirname, 'assets', 'coffee.png');

/** A layer that interpolates each channel by itself, with a pyramid of this many taps a side. */
function interpolating(channels: number, factor: number, taps: number, padding: number) {
  const layer = new nn.ConvTranspose2d(channels, channels, taps, {
    stride: factor,
    padding,
    groups: channels,
    bias: false,
  });
  const centre = (taps - 1) / 2;
  const side = Array.from({ length: taps }, (_, i) => 1 - Math.abs(i - centre) / factor);
  const kernel = tensor(side.map((a) => side.map((b) => a * b)));
  layer.weight.copy_(kernel); // the same for every channel
  return layer;
}

/** The largest difference of two pictures at least `border` pixels away from their edges. */
function difference(a: Tensor, b: Tensor, border = 0): number {
  const [, channels, height, width] = a.shape;
  let most = 0;
  for (let c = 0; c < channels; ++c) {
    for (let y = border; y < height - border; ++y) {
      for (let x = border; x < width - border; ++x) {
        const i = (c * height + y) * width + x;
        most = Math.max(most, Math.abs(Number(a.data[i]) - Number(b.data[i])));
      }
    }
  }
  return most;
}

const sizeOf = (picture: Tensor): string => `${picture.shape[3]}x${picture.shape[2]}`;

main('upsample', (args) => {
  if (args.length > 2) throw new UserError('give a picture and a factor: upsample.ts x.png 3');
  const file = args.length > 0 ? fromUser(args[0]) : DEFAULT_PICTURE;
  const factor = Number(args[1] ?? 3);
  if (!Number.isInteger(factor) || factor < 2 || factor > 8) {
    throw new UserError(`the factor must be a whole number from 2 to 8, got ${args[1]}`);
  }
  const picture = readPng(file);
  const [, channels, height, width] = picture.shape;
  console.log(`${path.relative(process.cwd(), file)}: ${sizeOf(picture)}`);

  const corners = interpolating(channels, factor, 2 * factor - 1, factor - 1);
  const large = corners.forward(picture);
  const size = [(height - 1) * factor + 1, (width - 1) * factor + 1];
  const bilinear = new nn.UpsamplingBilinear2d({ size }).forward(picture);
  console.log(
    `\n${String(corners)}\n${corners.explain(picture.shape).algorithm}: ${sizeOf(large)}`,
  );
  console.log(
    `UpsamplingBilinear2d differs by at most ${difference(large, bilinear).toExponential(1)}`,
  );

  const even = 2 * factor - (factor % 2);
  const centred = interpolating(channels, factor, even, Math.ceil((factor - 1) / 2));
  const squares = centred.forward(picture);
  const upsample = new nn.Upsample({ scaleFactor: factor, mode: 'bilinear' }).forward(picture);
  console.log(
    `\n${String(centred)}\n${centred.explain(picture.shape).algorithm}: ${sizeOf(squares)}`,
  );
  console.log(
    `Upsample differs by at most ${difference(squares, upsample, factor).toExponential(1)} ` +
      `(borders aside, where it repeats the edge)`,
  );

  fs.mkdirSync('demo-out', { recursive: true });
  const target = path.join('demo-out', 'upsampled.png');
  writePng(target, large);
  console.log(`\nwritten: ${target}`);
});
