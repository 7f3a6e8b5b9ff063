/** The reports that are looked at: a trained model, and a larger one with weights of a known seed. */
import path from 'node:path';

import { manualSeed, models } from '../../lib';
import { IMAGENET, preprocess, readImage } from '../../lib/image';
import { report } from '../../lib/report';
import { digitLabels, digitPicture, trainedDigits } from '../support/digits';

export function digitsReport(): string {
  return report(trainedDigits(), {
    input: digitPicture('17-7.png'),
    labels: digitLabels,
    title: 'Digits',
  });
}

export function resnetReport(): string {
  const photo = readImage(path.join(__dirname, '../../examples/assets/coffee.png'));
  manualSeed(0);
  return report(models.resnet18(), {
    input: preprocess(photo, IMAGENET),
    picture: preprocess(photo, { channels: 3, resize: 256, crop: 224 }).select(0, 0),
    title: 'ResNet-18, random weights',
  });
}
