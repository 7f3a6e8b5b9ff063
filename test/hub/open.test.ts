/** Models by name and their weights. Files of models are tested through the program: test/cli. */
import fs from 'node:fs';
import path from 'node:path';
import { load, models, nn, randn, save, type Tensor } from '../../lib';
import { modelNames, openModel } from '../../lib/hub';
import { loadWeights } from '../../lib/hub/weights';
import { preprocess, readImage } from '../../lib/image';
import { temporaryFolder } from '../checkpoint/support/temp';

const DIGITS = path.join(__dirname, '../../examples/digits');
const temporary = temporaryFolder();

const namesOf = (namespace: object): string[] =>
  Object.entries(namespace)
    .filter(([name, value]) => typeof value === 'function' && /^[a-z]/.test(name))
    .map(([name]) => name);

test('every function of models has its name here, and digits', () => {
  const functions = [
    ...namesOf(models),
    ...namesOf(models.video).map((name) => `video.${name}`),
    'digits',
  ];
  expect(modelNames().sort()).toEqual(functions.sort());
});

test('digits comes with weights, labels and preprocessing', async () => {
  const { name, module, inputShape, labels, preprocessing, randomWeights } = await openModel({
    model: 'digits',
  });
  expect({ name, inputShape, randomWeights }).toEqual({
    name: 'digits',
    inputShape: [-1, 1, 28, 28],
    randomWeights: false,
  });
  expect(module.training).toBe(false);
  for (const file of ['07-7.png', '12-2.png']) {
    const picture = readImage(path.join(DIGITS, 'pictures', file));
    const [logits] = (module.forward(preprocess(picture, preprocessing)) as Tensor).toArray() as [
      number[],
    ];
    expect(labels![logits.indexOf(Math.max(...logits))]).toBe(file[3]);
  }
});

test('shapes are those that the models take', async () => {
  // The largest ones are built the same way.
  for (const model of ['squeezenet1_1', 'wavenet', 'dcganGenerator']) {
    const { module, inputShape } = await openModel({ model });
    const shape = inputShape!.map((size) => (size === -1 ? 1 : size));
    expect(() => module.forward(randn(shape)) as Tensor).not.toThrow();
  }
});

test('a classifier of other classes takes its size from the weights, and has no labels', async () => {
  const file = temporary('five.safetensors');
  save(file, models.squeezenet1_1({ numClasses: 5 }).stateDict());
  const opened = await openModel({ model: 'squeezenet1_1', weights: file });
  expect(opened.labels).toBeUndefined();
  expect(opened.randomWeights).toBe(false);
  const fresh = await openModel({ model: 'squeezenet1_1' });
  expect(fresh.labels).toHaveLength(1000);
  expect(fresh.labels![281]).toBe('tabby');
  expect(fresh.randomWeights).toBe(true);
});

test('a U-Net takes channels, classes and its way up from the weights', async () => {
  const file = temporary('unet.safetensors');
  const original = models.unet(1, 4, { bilinear: true, widthMult: 1 });
  save(file, original.stateDict());
  const opened = await openModel({ model: 'unet', weights: file });
  expect(opened.inputShape).toEqual([-1, 1, -1, -1]);
  expect(opened.preprocessing).toEqual({ channels: 1 });
  expect(String(opened.module)).toBe(String(original));
});

test("torchvision's old names of DenseNet's layers load", async () => {
  const file = temporary('dense.safetensors');
  const state = models.densenet121({ numClasses: 3 }).stateDict();
  const old = Object.fromEntries(
    Object.entries(state).map(([key, value]) => [
      key.replace(/(denselayer\d+\.(?:norm|conv))(\d)/, '$1.$2'),
      value,
    ]),
  );
  expect(Object.keys(old)).not.toEqual(Object.keys(state));
  save(file, old);
  const { module } = await openModel({ model: 'densenet121', weights: file });
  expect(Object.keys(module.stateDict())).toEqual(Object.keys(state));
});

describe('checkpoints of training scripts', () => {
  const state = load(path.join(DIGITS, 'model.safetensors'));
  const prefixed = (prefix: string) =>
    Object.fromEntries(Object.entries(state).map(([key, value]) => [prefix + key, value]));

  test.each(['module.', '_orig_mod.', '_orig_mod.module.'])('%s in front', async (prefix) => {
    const file = temporary(`${prefix}safetensors`);
    save(file, prefixed(prefix));
    const { module } = await openModel({ model: 'digits', weights: file });
    expect(module.stateDict()['classifier.2.bias'].toArray()).toEqual(
      state['classifier.2.bias'].toArray(),
    );
  });

  test('weights of another model are told', async () => {
    const file = temporary('other.safetensors');
    save(file, new nn.Conv2d(1, 1, 1).stateDict());
    await expect(openModel({ model: 'digits', weights: file })).rejects.toMatchObject({
      code: 'ERR_NNCONV_STATE_DICT',
      message: expect.stringMatching(
        /other\.safetensors' are not those of 'digits': .*Missing key/s,
      ),
    });
  });
});

describe('loadWeights', () => {
  const fixture = (name: string) => path.join(__dirname, '../fixtures/hub', name);

  test.each(['plain.pt', 'lightning.pt', 'training.pt', 'model.pt', 'deep.pt'])(
    'finds the state dict in %s',
    async (name) => {
      const found = await loadWeights(fixture(name));
      expect(Object.keys(found)).toEqual(['weight', 'bias']);
      expect(found.weight.toArray()).toEqual([[[[0, 1], [2, 3]]]]); // prettier-ignore
      expect(found.bias.toArray()).toEqual([0.5]);
    },
  );

  test('says what a file without one holds', async () => {
    await expect(loadWeights(fixture('none.pt'))).rejects.toMatchObject({
      code: 'ERR_NNCONV_CHECKPOINT',
      message: expect.stringMatching(/none\.pt': it holds no state dict.*; it has 'epoch', 'best'/),
    });
    await expect(loadWeights(fixture('number.pt'))).rejects.toMatchObject({
      code: 'ERR_NNCONV_CHECKPOINT',
    });
  });
});

test('what is no model is refused', async () => {
  await expect(openModel({ model: 'resnet81' })).rejects.toMatchObject({
    code: 'ERR_NNCONV_ARG_VALUE',
    message: expect.stringContaining("(did you mean 'resnet18'?)"),
  });
  await expect(openModel({ model: 'constructor' })).rejects.toMatchObject({
    code: 'ERR_NNCONV_ARG_VALUE',
  });
  await expect(openModel({ model: 5 } as any)).rejects.toMatchObject({
    code: 'ERR_NNCONV_ARG_TYPE',
  });
  await expect(openModel({ model: 'digits', weigths: 'x' } as any)).rejects.toMatchObject({
    code: 'ERR_NNCONV_UNKNOWN_OPTION',
  });
  await expect(openModel({ model: 'digits', weights: 'no/such.pt' })).rejects.toMatchObject({
    code: 'ENOENT',
  });
});

test('the labels are the committed files', () => {
  const read = (name: string) =>
    JSON.parse(
      fs.readFileSync(path.join(__dirname, '../../lib/hub/labels', name), 'utf8'),
    ) as string[];
  expect(read('imagenet.json')).toHaveLength(1000);
  expect(read('kinetics.json')).toHaveLength(400);
});
