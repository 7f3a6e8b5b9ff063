/** The models against torchvision's and PyTorch's: names, printing, initial weights, outputs. */
import { manualSeed, models, nn, type Tensor, tensor } from '../../lib';
import { expectRejected } from '../support/errors';
import { normal } from '../support/hashfill';
import { readFixture } from '../support/json';
import { filledState } from './fill';

interface Row {
  model: string;
  args: number[];
  options: Record<string, unknown>;
  text: string;
  state: [key: string, shape: number[]][];
  /** What PyTorch draws for the last of the weights after `manualSeed(seed)`. */
  drawn?: { seed: number; key: string; values: number[] };
  input?: number[];
  shape?: number[];
  output?: number[];
}

type Builder = (...args: unknown[]) => nn.Module;

const rows = readFixture<Row>('models/models.json');
const RELATIVE_TOLERANCE = 1e-4;

function builder(name: string): Builder {
  if (name === 'DenseNet') return (options) => new models.DenseNet(options as never);
  const [first, second] = name.split('.');
  const found = (models as Record<string, unknown>)[first];
  return (second === undefined ? found : (found as Record<string, unknown>)[second]) as Builder;
}

function build({ model, args, options }: Row): nn.Module {
  return builder(model)(...args, ...(Object.keys(options).length > 0 ? [options] : []));
}

const title = ({ model, args, options }: Row) =>
  `${model}(${[...args, JSON.stringify(options)].join(', ')})`;

describe.each(rows.map((row) => [title(row), row] as const))('%s', (_, row) => {
  test('names, shapes and printing are those of PyTorch', () => {
    if (row.drawn) manualSeed(row.drawn.seed);
    const model = build(row);
    const state = model.stateDict();
    expect(Object.entries(state).map(([key, { shape }]) => [key, shape])).toEqual(row.state);
    expect(String(model)).toBe(row.text);
    if (!row.drawn) return;
    const { key, values } = row.drawn;
    const drawn = Array.from(state[key].clone().data.subarray(0, values.length), Number);
    drawn.forEach((value, i) => expect(value).toBeCloseTo(values[i], 6));
  });

  if (row.input === undefined) return;

  test('output is that of PyTorch', () => {
    const model = build(row).eval();
    const result = model.loadStateDict(filledState(model));
    expect(result).toEqual({ missingKeys: [], unexpectedKeys: [] });
    const count = row.input!.reduce((a, b) => a * b, 1);
    const output = model.forward(tensor(normal(0, count), row.input)) as Tensor;
    expect(output.shape).toEqual(row.shape);
    const allowed = RELATIVE_TOLERANCE * Math.max(...row.output!.map(Math.abs));
    const wrong = row.output!.filter((value, i) => !(Math.abs(output.data[i] - value) <= allowed));
    expect(wrong).toEqual([]);
  });
});

test('DenseNet takes the names in old checkpoints', () => {
  const options = { growthRate: 2, blockConfig: [2, 1], numInitFeatures: 4, numClasses: 3 };
  const model = new models.DenseNet(options);
  const state = Object.entries(filledState(model)).map(
    ([key, t]) => [key.replace(/(denselayer\d+\.(?:norm|conv))([12])/, '$1.$2'), t] as const,
  );
  expect(state.filter(([key]) => !(key in model.stateDict()))).not.toHaveLength(0);
  const result = model.loadStateDict(Object.fromEntries(state));
  expect(result).toEqual({ missingKeys: [], unexpectedKeys: [] });
  expect(model.stateDict()).toEqual(filledState(model));
  expectRejected(() => model.loadStateDict(null as never), /stateDict/, 'ERR_NNCONV_ARG_TYPE');
});

test('checkpoints from before batches were counted load', () => {
  const model = models.resnet18({ widthMult: 0.05 });
  const state = Object.entries(filledState(model)).filter(([key]) => !/batches_tracked/.test(key));
  expect(state.length).toBeLessThan(Object.keys(model.stateDict()).length);
  const result = model.loadStateDict(Object.fromEntries(state));
  expect(result).toEqual({ missingKeys: [], unexpectedKeys: [] });
});

test('blocks that would not do what was asked for are rejected', () => {
  expectRejected(() => models.resnet18({ groups: 2 }), /BasicBlock/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(
    () => models.resnet34({ replaceStrideWithDilation: [true, false, false] }),
    /replaceStrideWithDilation/,
    'ERR_NNCONV_ARG_VALUE',
  );
});

test('options are checked', () => {
  const slim = { widthMult: 0.01 };
  for (const [name, make] of Object.entries({
    resnet18: models.resnet18,
    vgg11: models.vgg11,
    squeezenet1_1: models.squeezenet1_1,
    mobilenet_v2: models.mobilenet_v2,
    c3d: models.c3d,
    r3d_18: models.video.r3d_18,
    unet: (options: object) => models.unet(3, 2, options),
  })) {
    const call = (options: object) => () => make(options);
    expect([name, call(slim)()]).toEqual([name, expect.any(nn.Module)]);
    expectRejected(call({ width: 1 }), /'width'.*'widthMult'/, 'ERR_NNCONV_UNKNOWN_OPTION');
    expectRejected(call({ widthMult: '1' }), /widthMult/, 'ERR_NNCONV_ARG_TYPE');
    expectRejected(call({ widthMult: 0 }), /widthMult.*0/, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(call({ widthMult: NaN }), /widthMult.*NaN/, 'ERR_NNCONV_ARG_VALUE');
    if (name === 'unet') continue;
    expectRejected(call({ ...slim, numClasses: '9' }), /must be/, 'ERR_NNCONV_ARG_TYPE');
  }
  expectRejected(
    () => models.densenet121({ growthRate: 3 } as never),
    /'growthRate'/,
    'ERR_NNCONV_UNKNOWN_OPTION',
  );
  expectRejected(() => models.mobilenet_v2({ roundNearest: 0 }), /0/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(() => models.wavenet({ layers: 0 }), /layers/, 'ERR_NNCONV_ARG_VALUE');
  const wavenet = models.wavenet({ layers: 2, blocks: 1, classes: 2 });
  expect(wavenet.receptiveField).toBe(4);
  expectRejected(
    () =>
      wavenet.forward(
        tensor([
          [
            [1, 2, 3],
            [1, 2, 3],
          ],
        ]),
      ),
    /4/,
    'ERR_NNCONV_SHAPE',
  );
});
