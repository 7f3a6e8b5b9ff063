import * as fs from 'node:fs';
import * as path from 'node:path';
import { PNG } from 'pngjs';
import { manualSeed, nn } from '../../lib';
import { outputOf, root, temporaryFolder } from '../support/example';

const BLOCK = 48; // pixels of a weight
const SLOT = { width: 500, height: 1000 }; // pixels of a column

/** The kernels of the tutorial's sixth section as grays, from black for the smallest weight. */
function grays(): number[][] {
  const conv = new nn.Conv2d(3, 16, 3, { padding: 1 });
  manualSeed(2);
  nn.init.kaimingNormal_(conv.weight, { mode: 'fan_out' });
  return Array.from({ length: 16 }, (_, i) => {
    const weights = Array.from(conv.weight.select(0, i).select(0, 0).data, Number);
    const [low, high] = [Math.min(...weights), Math.max(...weights)];
    return weights.map((weight) => (255 * (weight - low)) / (high - low));
  });
}

describe('examples/tutorial.ts', () => {
  const folder = temporaryFolder();
  let lines: string[];
  beforeAll(() => {
    lines = outputOf('tutorial.ts', folder).split('\n');
  });

  test('prints what PyTorch prints, line by line', () => {
    const fixture = path.join(root, 'test', 'fixtures', 'examples', 'tutorial.txt');
    const printed = lines.filter((line) => !line.startsWith('written: '));
    expect(printed).toEqual(fs.readFileSync(fixture, 'utf8').split('\n'));
  });

  test('draws weights[i, 0], four kernels in a row, on ten by five inches', () => {
    const file = lines.find((line) => line.startsWith('written: '))!.slice('written: '.length);
    const { width, height, data } = PNG.sync.read(fs.readFileSync(file));
    expect([width, height]).toEqual([2000, 1000]);

    /** Whether the kernel has its upper left corner here: each block is even, and of its gray. */
    const fits = (kernel: number[], left: number, top: number): boolean =>
      kernel.every((gray, k) => {
        const [x, y] = [left + BLOCK * (k % 3), top + BLOCK * Math.floor(k / 3)];
        return [1, BLOCK / 2, BLOCK - 2].every((inside) => {
          const at = 4 * ((y + inside) * width + x + inside);
          return [0, 1, 2].every((c) => Math.abs(data[at + c] - gray) <= 1);
        });
      });
    const places = grays().map((kernel, i) => {
      const from = SLOT.width * (i % 4);
      for (let y = 0; y < SLOT.height - 3 * BLOCK; y += 2) {
        for (let x = from; x < from + SLOT.width - 3 * BLOCK; x += 2) {
          if (fits(kernel, x, y)) return { x: x - from, y };
        }
      }
      throw new Error(`kernel ${i} is not in column ${i % 4}`);
    });
    const rows = [0, 1, 2, 3].map((row) => places.slice(4 * row, 4 * row + 4));
    for (const row of rows) expect(new Set(row.map(({ y }) => y)).size).toBe(1);
    const tops = rows.map(([{ y }]) => y);
    expect(tops).toEqual([...new Set(tops)].sort((a, b) => a - b));
  });
});
