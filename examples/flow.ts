/**
 * Video through a Conv3d: `npx ts-node examples/flow.ts` measures how fast things move.
 *
 * Where nothing but motion changes a picture, its derivatives along time, height and width obey
 * It + u Ix + v Iy = 0 for the velocity (u, v). One Conv3d with three kernels takes the derivatives;
 * their products, averaged over a cell by an AvgPool3d, are the equations of least squares for each
 * cell. The video is made here, so that its true motion is known, and so is the error that derivatives
 * of sampled waves make: a wave of frequency w that moves by u seems to move by tan(uw/2) / tan(w/2).
 */
import { add, manualSeed, mul, nn, randn, tensor, type Tensor, zeros } from '../lib';
import { main, UserError } from './main';

const WAVE = 16; // pixels from crest to crest
const CELL = 2 * WAVE;
const PART = 3; // cells
const FREQUENCY = (2 * Math.PI) / WAVE;

/** Both in pixels per frame: `u` to the right, `v` downwards. */
interface Velocity {
  u: number;
  v: number;
}

/** Velocities in cells, `(2, rows, columns)`, of a video `(1, frames, height, width)`. */
class Flow extends nn.Module {
  derivatives: nn.Conv3d;

  constructor() {
    super();
    this.derivatives = new nn.Conv3d(1, 3, 3, { bias: false });
    const [slope, smooth] = [
      [-1 / 2, 0, 1 / 2],
      [1 / 4, 1 / 2, 1 / 4],
    ];
    const product = (t: number[], y: number[], x: number[]): number[] =>
      t.flatMap((a) => y.flatMap((b) => x.map((c) => a * b * c)));
    const kernels = [
      product(slope, smooth, smooth),
      product(smooth, slope, smooth),
      product(smooth, smooth, slope),
    ];
    this.derivatives.weight.copy_(tensor(kernels.flat(), [3, 1, 3, 3, 3]));
  }

  forward(video: Tensor): Tensor {
    const all = this.derivatives.forward(video);
    const [t, y, x] = [0, 1, 2].map((i) => all.select(0, i));
    const average = (a: Tensor, b: Tensor): Tensor => {
      const [frames, height, width] = a.shape;
      const products = mul(a, b).reshape([1, frames, height, width]);
      return nn.functional.avgPool3d(products, [frames, CELL, CELL]);
    };
    const [xx, xy, yy, xt, yt] = [
      average(x, x),
      average(x, y),
      average(y, y),
      average(x, t),
      average(y, t),
    ];
    const [, , rows, columns] = xx.shape;
    const result = zeros([2, rows, columns]);
    for (let i = 0; i < rows * columns; ++i) {
      const [a, b, c, d, e] = [xx, xy, yy, xt, yt].map((part) => Number(part.data[i]));
      const determinant = a * c - b * b;
      result.data[i] = (b * e - c * d) / determinant;
      result.data[rows * columns + i] = (b * d - a * e) / determinant;
    }
    return result;
  }
}

/** Waves whose parts, three cells wide, move each with a velocity of its own. */
function film(parts: Velocity[], frames: number, noise: number): Tensor {
  // Derivatives cost a pixel at each border.
  const [height, width] = [2 * CELL + 2, parts.length * PART * CELL + 2];
  const video = zeros([1, frames, height, width]);
  let i = 0;
  for (let t = 0; t < frames; ++t) {
    for (let y = 0; y < height; ++y) {
      for (let x = 0; x < width; ++x) {
        const part = Math.floor((x - 1) / (PART * CELL));
        const { u, v } = parts[Math.min(parts.length - 1, Math.max(0, part))];
        video.data[i++] = Math.sin(FREQUENCY * (x - u * t)) + Math.sin(FREQUENCY * (y - v * t));
      }
    }
  }
  return add(video, mul(randn(video.shape), noise));
}

/** What a speed measures as, by the derivatives of sampled waves. */
const measured = (speed: number): number =>
  Math.tan((speed * FREQUENCY) / 2) / Math.tan(FREQUENCY / 2);

main('flow', (args) => {
  if (args.length > 0) throw new UserError('flow.ts takes no arguments');
  manualSeed(0);
  const parts = [
    { u: 1, v: 0 },
    { u: -0.5, v: 0.75 },
    { u: 0, v: -2 },
  ];
  const flow = new Flow();
  console.log(String(flow));
  for (const noise of [0, 0.05]) {
    const video = film(parts, 10, noise);
    const field = flow.forward(video);
    const [u, v] = field.toArray() as number[][][];
    console.log(`\nvideo (${video.shape.join(', ')}), noise ${noise}; pixels per frame`);
    console.log('part  true u      v   to find u      v     found u      v');
    let worst = 0;
    parts.forEach((velocity, part) => {
      // The cell in the middle: those beside it see another part's border.
      const column = part * PART + 1;
      const expected = [measured(velocity.u), measured(velocity.v)];
      const found = [u[0][column], v[0][column]];
      worst = Math.max(worst, ...found.map((value, i) => Math.abs(value - expected[i])));
      const text = [velocity.u, velocity.v, ...expected, ...found].map((value) =>
        (Math.round(value * 1000) / 1000).toFixed(3).padStart(6),
      );
      const [a, b, c, d, e, f] = text;
      console.log(`${part + 1}     ${a} ${b}      ${c} ${d}      ${e} ${f}`);
    });
    console.log(`largest difference: ${worst.toExponential(1)}`);
  }
});
