import * as fs from 'node:fs';
import * as path from 'node:path';
import { manualSeed, models, save } from '../../lib';
import { outputOf, root, runExample, temporaryFolder } from '../support/example';
import { readFixture } from '../support/json';

const CLASSES = 50;
const picture = path.join(root, 'examples', 'assets', 'coffee.png');

describe('examples/classify.ts', () => {
  const folder = temporaryFolder();
  const checkpoint = path.join(folder, 'resnet18.safetensors');
  const labels = path.join(folder, 'labels.txt');
  beforeAll(() => {
    manualSeed(0); // as scripts/fixtures/classify.py does
    save(checkpoint, models.resnet18({ numClasses: CLASSES }).stateDict());
    fs.writeFileSync(labels, Array.from({ length: CLASSES }, (_, i) => `label ${i}\n`).join(''));
  });

  test('ranks the classes as torchvision does, from the picture on', () => {
    const expected = readFixture<{ index: number; probability: number }>('examples/classify.json');
    const stdout = outputOf('classify.ts', checkpoint, picture, '--labels', labels);
    const found = [...stdout.matchAll(/^ *(\d+\.\d{3}) % {2}label (\d+)$/gm)].map((match) => ({
      index: Number(match[2]),
      percent: Number(match[1]),
    }));
    expect(found.map(({ index }) => index)).toEqual(expected.map(({ index }) => index));
    found.forEach(({ percent }, i) => {
      expect(Math.abs(percent - 100 * expected[i].probability)).toBeLessThan(2e-3);
    });
  });

  test('says what is wrong', () => {
    const short = path.join(folder, 'short.txt');
    fs.writeFileSync(short, 'one\ntwo\n');
    const { status, stderr } = runExample('classify.ts', checkpoint, picture, '--labels', short);
    expect(status).toBe(1);
    expect(stderr).toBe('classify: there are 2 labels, but the network has 50 classes\n');
  });
});
