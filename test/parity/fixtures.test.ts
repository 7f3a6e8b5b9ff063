/** That the fixtures cover what they are for, and that both generators of numbers agree. */
import { cases } from '../support/fixtures';
import { normal, sample, uniform } from '../support/hashfill';
import type { LayerName } from '../support/spec';

const LAYERS: LayerName[] = [
  'Conv1d',
  'Conv2d',
  'Conv3d',
  'ConvTranspose1d',
  'ConvTranspose2d',
  'ConvTranspose3d',
];

test('each layer has at least 100 cases', () => {
  for (const layer of LAYERS) {
    expect(cases.filter((c) => c.layer === layer).length).toBeGreaterThanOrEqual(100);
  }
  expect(new Set(cases.map((c) => c.id)).size).toBe(cases.length);
});

test('numbers are those of scripts/fixtures/hashfill.py', () => {
  expect(Array.from(uniform(5, 3, 0.25))).toEqual([
    0.10375142097473145, -0.14251473546028137, 0.08026331663131714,
  ]);
  expect(Array.from(normal(7, 3))).toEqual([
    -1.6918253898620605, -1.252730369567871, -0.22431157529354095,
  ]);
  expect(sample(9, 1000, 5)).toEqual([0, 305, 577, 738, 999]);
});
