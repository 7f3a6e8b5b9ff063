/**
 * A PyTorch checkpoint in Node: `npm run demo [picture.png]`.
 *
 * Loads the CNN that scripts/train-digits.py trained, from the file that torch.save wrote and from
 * the safetensors one, compiles it, classifies pictures of digits, and compares the logits with
 * PyTorch's.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { compile, load, nn, type Session, type Tensor } from '../lib';
import { DIGIT_PREPROCESSING, DigitNet } from '../lib/hub/digits';
import { decodeImage, preprocess } from '../lib/image';
import { PictureError, readFile } from './png';

const FOLDER = path.join(__dirname, 'digits');
const CHECKPOINTS = ['model.pt', 'model.safetensors'];

interface Expected {
  torch: string;
  testAccuracy: number;
  testPictures: number;
  pictures: { file: string; label: number; font: string; logits: number[] }[];
}

interface Prediction {
  digit: number;
  /** Of every digit. */
  probabilities: number[];
  logits: number[];
}

function loadModel(file: string): DigitNet {
  const model = new DigitNet();
  model.loadStateDict(load(path.join(FOLDER, file)));
  return model.eval();
}

/** A picture as the model was trained on: (1, 1, 28, 28) grays in 0..1. */
function readGray(file: string): Tensor {
  return preprocess(decodeImage(readFile(file)), DIGIT_PREPROCESSING);
}

function classify(session: Session, picture: Tensor): Prediction {
  const output = session.run(picture);
  const [logits] = output.toArray() as number[][];
  const [probabilities] = nn.functional.softmax(output, { dim: 1 }).toArray() as number[][];
  return { digit: probabilities.indexOf(Math.max(...probabilities)), probabilities, logits };
}

/** The digits in the order of their probabilities: `7 99.8 %   1 0.1 %`. */
function ranking({ probabilities }: Prediction, count: number): string {
  return probabilities
    .map((probability, digit) => ({ probability, digit }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count)
    .map(({ probability, digit }) => `${digit} ${(100 * probability).toFixed(1).padStart(5)} %`)
    .join('   ');
}

const largestDifference = (a: number[], b: number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i])));

function classifyAll(): void {
  const expected = JSON.parse(
    fs.readFileSync(path.join(FOLDER, 'expected.json'), 'utf8'),
  ) as Expected;
  const models = CHECKPOINTS.map(loadModel);
  const sessions = models.map((model) => compile(model));
  const differences = CHECKPOINTS.map(() => 0);
  let right = 0;

  console.log(`${String(models[0])}\n`);
  const width = Math.max(...expected.pictures.map(({ font }) => font.length));
  console.log(`picture    ${'font'.padEnd(width)}   predictions`);
  for (const { file, label, font, logits } of expected.pictures) {
    const picture = readGray(path.join(FOLDER, 'pictures', file));
    const predictions = sessions.map((session) => classify(session, picture));
    predictions.forEach((prediction, i) => {
      differences[i] = Math.max(differences[i], largestDifference(prediction.logits, logits));
    });
    const correct = predictions[0].digit === label;
    if (correct) ++right;
    const mark = correct ? '' : `   wrong: it is a ${label}`;
    console.log(`${file}   ${font.padEnd(width)}   ${ranking(predictions[0], 3)}${mark}`);
  }

  const total = expected.pictures.length;
  const percent = (fraction: number) => `${(100 * fraction).toFixed(1)} %`;
  console.log(`\naccuracy: ${right} of ${total}, ${percent(right / total)}`);
  console.log(
    `PyTorch ${expected.torch} on ${expected.testPictures} such pictures: ` +
      percent(expected.testAccuracy),
  );
  CHECKPOINTS.forEach((file, i) => {
    console.log(
      `${file}: logits differ from PyTorch's by at most ${differences[i].toExponential(1)}`,
    );
  });
}

/** npm runs scripts in the package's folder; a relative path is meant from where the user is. */
function fromUser(file: string): string {
  const invoked = process.env.npm_lifecycle_event === 'demo' ? process.env.INIT_CWD : undefined;
  return path.resolve(invoked ?? process.cwd(), file);
}

const args = process.argv.slice(2);
try {
  if (args.length > 1) throw new PictureError('give one picture: npm run demo [picture.png]');
  if (args.length === 0) classifyAll();
  else
    console.log(
      ranking(classify(compile(loadModel(CHECKPOINTS[0])), readGray(fromUser(args[0]))), 10),
    );
} catch (error) {
  // An error of nnconv (it has a code) or of the picture is the user's to mend: no stack.
  if (!(error instanceof PictureError) && !(error instanceof Error && 'code' in error)) throw error;
  console.error(`demo: ${error.message}`);
  process.exitCode = 1;
}
