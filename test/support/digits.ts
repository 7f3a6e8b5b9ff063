/** The digit classifier of examples/digits, with its weights, and its pictures. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { load, nn, type Tensor } from '../../lib';
import { DIGIT_LABELS, DIGIT_WEIGHTS, DigitNet } from '../../lib/hub/digits';
import { decodeImage, preprocess } from '../../lib/image';

const folder = path.dirname(DIGIT_WEIGHTS);

export const digitLabels = [...DIGIT_LABELS];

export function trainedDigits(): DigitNet {
  const model = nn.utils.skipInit(() => new DigitNet());
  model.loadStateDict(load(DIGIT_WEIGHTS));
  return model;
}

/** The picture in the file of that name, (1, 1, 28, 28). */
export function digitPicture(file: string): Tensor {
  return preprocess(decodeImage(readFileSync(path.join(folder, 'pictures', file))), {
    channels: 1,
  });
}
