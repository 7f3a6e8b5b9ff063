/**
 * Pictures -> classes by torchvision's ResNet-18:
 * `npx ts-node examples/classify.ts resnet18-f37072fd.pth picture.jpg ... [--labels labels.txt]`.
 *
 * The checkpoint is the file that torchvision downloads (or its weights as safetensors), or your own
 * with another number of classes; labels are one a line. Pictures are PNG or JPEG, and are resized,
 * cropped and normalised as torchvision does for its ImageNet models.
 */
import * as fs from 'node:fs';
import { parseArgs } from 'node:util';
import { compile, load, models, nn, type Session } from '../lib';
import { IMAGENET, preprocess, readImage } from '../lib/image';
import { fromUser, main, UserError } from './main';

const USAGE = 'classify.ts checkpoint picture ... [--labels labels.txt]';
const MOST = 5;

/** The network with these weights; its number of classes is that of the last layer's. */
function loadModel(file: string): models.ResNet {
  const weights = load(file);
  if (!('fc.weight' in weights)) {
    throw new UserError(`'${file}' has no fc.weight: it is not a ResNet's state dict`);
  }
  const [numClasses] = weights['fc.weight'].shape;
  // Nothing is drawn for weights that are about to be replaced.
  const model = nn.utils.skipInit(() => models.resnet18({ numClasses }));
  model.loadStateDict(weights);
  return model.eval();
}

function ranking(session: Session, picture: string): { index: number; probability: number }[] {
  const logits = session.run(preprocess(readImage(picture), IMAGENET));
  const [probabilities] = nn.functional.softmax(logits, { dim: 1 }).toArray() as number[][];
  return probabilities
    .map((probability, index) => ({ index, probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, MOST);
}

main('classify', (args) => {
  const { values, positionals } = parseArgs({
    args,
    options: { labels: { type: 'string' } },
    allowPositionals: true,
  });
  const [checkpoint, ...pictures] = positionals;
  if (pictures.length === 0) throw new UserError(`usage: ${USAGE}`);
  const model = loadModel(fromUser(checkpoint));
  const labels = values.labels
    ? fs.readFileSync(fromUser(values.labels), 'utf8').trimEnd().split(/\r?\n/)
    : undefined;
  const classes = model.fc.outFeatures;
  if (labels && labels.length !== classes) {
    throw new UserError(
      `there are ${labels.length} labels, but the network has ${classes} classes`,
    );
  }
  const session = compile(model, { inputShapes: [[1, 3, IMAGENET.crop, IMAGENET.crop]] });
  for (const picture of pictures) {
    console.log(`\n${picture}`);
    for (const { index, probability } of ranking(session, fromUser(picture))) {
      const label = labels?.[index] ?? `class ${index}`;
      console.log(`${(100 * probability).toFixed(3).padStart(8)} %  ${label}`);
    }
  }
});
