/** Pictures of every kind, whose files are in test/fixtures/viz/pictures (scripts/fixtures/pictures.ts). */
import path from 'node:path';

import { nn, tensor } from '../../lib';
import { featureMaps, type Image, kernels } from '../../lib/viz';
import type { AnyConv } from '../../lib/viz';
import { uniform } from './hashfill';

export const PICTURES = path.join(__dirname, '..', 'fixtures', 'viz', 'pictures');

/** Gives a layer weights from -0.5 to 0.5 that are the same everywhere. */
export function weighted<C extends AnyConv>(conv: C, seed: number): C {
  conv.weight.copy_(tensor(uniform(seed, conv.weight.numel, 0.5), conv.weight.shape));
  if (conv.bias !== null) nn.init.zeros_(conv.bias);
  return conv;
}

function maps(): Image {
  const model = new nn.Sequential(
    weighted(new nn.Conv2d(1, 3, 3, { padding: 1 }), 7),
    new nn.ReLU(),
  );
  const input = tensor(uniform(8, 64, 1), [1, 1, 8, 8]);
  return featureMaps(model, input, { layers: '1', colormap: 'viridis' }).get('1')!;
}

function odd(): Image {
  const conv = weighted(new nn.Conv2d(1, 2, 2), 9);
  conv.weight.copy_(tensor([NaN, 1, 2, -3e-5, 5, 5, 5, 12345], [2, 1, 2, 2]));
  return kernels(conv);
}

export const pictures: Record<string, () => Image> = {
  gray: () => kernels(weighted(new nn.Conv2d(1, 16, 3, { padding: 1 }), 1)),
  rgb: () => kernels(weighted(new nn.Conv2d(3, 6, 7, { bias: false }), 2), { channel: 'rgb' }),
  diverging: () =>
    kernels(weighted(new nn.Conv2d(2, 4, 5), 3), {
      channel: 'mean',
      colormap: 'coolwarm',
      scaleEach: false,
    }),
  lines: () => kernels(weighted(new nn.Conv1d(1, 4, 9), 4)),
  slices: () => kernels(weighted(new nn.Conv3d(1, 2, 3), 5), { colormap: 'magma' }),
  transposed: () => kernels(weighted(new nn.ConvTranspose2d(2, 4, 2, { groups: 2 }), 6)),
  maps,
  odd,
};
