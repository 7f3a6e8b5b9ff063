/** The sample that comes with the package: a small network that tells handwritten-like digits. */
import path from 'node:path';

import type { Preprocessing } from '../../image';
import * as nn from '../../nn';
import type { Tensor } from '../../tensor';

/** Height and width of the pictures that {@link DigitNet} takes. */
export const DIGIT_SIZE = 28;

/** What scripts/train-digits.py trained. The package has it at the same place as a checkout. */
export const DIGIT_WEIGHTS = path.join(__dirname, '../../../examples/digits/model.safetensors');

/** The pictures may be light on dark or dark on light. */
export const DIGIT_PREPROCESSING: Preprocessing = Object.freeze({
  channels: 1,
  resize: Object.freeze([DIGIT_SIZE, DIGIT_SIZE] as const),
});

export const DIGIT_LABELS: readonly string[] = Object.freeze(Array.from('0123456789'));

/** The model of scripts/train-digits.py, line by line: (N, 1, 28, 28) -> (N, 10) logits. */
export class DigitNet extends nn.Module {
  features: nn.Sequential;
  classifier: nn.Sequential;

  constructor() {
    super();
    const layers: nn.Module[] = [];
    let channels = 1;
    for (const out of [16, 32, 64]) {
      layers.push(
        new nn.Conv2d(channels, out, 3, { padding: 1 }),
        new nn.BatchNorm2d(out),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
      );
      channels = out;
    }
    this.features = new nn.Sequential(...layers);
    this.classifier = new nn.Sequential(
      new nn.Flatten(),
      new nn.Dropout({ p: 0.3 }),
      new nn.Linear(64 * 3 * 3, 10),
    );
  }

  forward(x: Tensor): Tensor {
    return this.classifier.forward(this.features.forward(x));
  }
}
