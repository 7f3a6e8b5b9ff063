/** The digit classifier of examples/digits, with its weights, and its pictures. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { load, nn, type Tensor } from '../../lib';
import { decodeImage, preprocess } from '../../lib/image';

const folder = path.join(__dirname, '..', '..', 'examples', 'digits');

export const digitLabels = Array.from('0123456789');

export class DigitNet extends nn.Sequential {
  constructor() {
    const layers: nn.Module[] = [];
    let channels = 1;
    for (const out of [16, 32, 64]) {
      const conv = new nn.Conv2d(channels, out, 3, { padding: 1 });
      layers.push(conv, new nn.BatchNorm2d(out), new nn.ReLU(), new nn.MaxPool2d(2));
      channels = out;
    }
    const dense = new nn.Linear(64 * 3 * 3, 10);
    super(
      ['features', new nn.Sequential(...layers)],
      ['classifier', new nn.Sequential(new nn.Flatten(), new nn.Dropout({ p: 0.3 }), dense)],
    );
  }
}

export function trainedDigits(): DigitNet {
  const model = nn.utils.skipInit(() => new DigitNet());
  model.loadStateDict(load(path.join(folder, 'model.safetensors')) as nn.StateDict);
  return model;
}

/** The picture in the file of that name, (1, 1, 28, 28). */
export function digitPicture(file: string): Tensor {
  return preprocess(decodeImage(readFileSync(path.join(folder, 'pictures', file))), {
    channels: 1,
  });
}
