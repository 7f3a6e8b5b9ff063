/** What a summary says beyond torchinfo's counts, its forms, and that it leaves the model alone. */
import { inspect } from 'node:util';

import { add, cat, mean, models, nn, permute, randn, type Tensor, tensor } from '../../lib';
import { expectRejected } from '../support/errors';
import { Careless, Shared } from './shared';

const SHAPE = [2, 3, 16, 12];

/** The receptive field and the stride of the last layer of a chain. */
function fieldOf(shape: number[], ...layers: nn.Module[]): [number[] | null, number[] | null] {
  const { layers: rows } = nn.summary(new nn.Sequential(...layers), shape);
  const { receptiveField, stride } = rows.at(-1)!;
  return [receptiveField && [...receptiveField], stride && [...stride]];
}

class Net extends nn.Module {
  a = new nn.Conv2d(4, 4, 3, { padding: 1 });
  b = new nn.Conv2d(4, 4, 5, { padding: 2 });
  constructor(readonly run: (net: Net, x: Tensor) => Tensor) {
    super();
  }
  forward(x: Tensor): Tensor {
    return this.run(this, x);
  }
}

function fieldOfNet(run: (net: Net, x: Tensor) => Tensor): unknown {
  const { receptiveField, stride } = nn.summary(new Net(run), [1, 4, 12, 10]).layers[0];
  return [receptiveField, stride];
}

describe('receptive fields', () => {
  test('windows, strides and dilation', () => {
    const conv = new nn.Conv2d(1, 1, 3, { stride: 2 });
    expect(fieldOf([1, 1, 64, 64], conv, new nn.MaxPool2d(2))).toEqual([
      [5, 5],
      [4, 4],
    ]);
    const wide = new nn.Conv2d(1, 1, [3, 1], { dilation: [4, 1] });
    expect(fieldOf([1, 1, 64, 64], conv, wide, new nn.ReLU(), new nn.BatchNorm2d(1))).toEqual([
      [19, 3],
      [2, 2],
    ]);
    expect(fieldOf([3, 2, 20], new nn.Conv1d(2, 3, 4), new nn.AvgPool1d(3))).toEqual([[6], [3]]);
    // Unbatched: the last dimensions are the spatial ones.
    expect(fieldOf([2, 20], new nn.Conv1d(2, 3, 4))).toEqual([[4], [1]]);
    expect(fieldOf([1, 1, 6, 7, 8], new nn.Conv3d(1, 2, [1, 2, 3]))).toEqual([
      [1, 2, 3],
      [1, 1, 1],
    ]);
  });

  test('up again', () => {
    const down = new nn.Conv2d(1, 1, 4, { stride: 4 });
    const up = new nn.ConvTranspose2d(1, 1, 4, { stride: 2, padding: 1 });
    // Four taps at stride 2 are two for each phase.
    expect(fieldOf([1, 1, 32, 32], down, up)).toEqual([
      [8, 8],
      [2, 2],
    ]);
    expect(fieldOf([1, 1, 32, 32], down, new nn.Upsample({ scaleFactor: 2 }))).toEqual([
      [4, 4],
      [2, 2],
    ]);
    const bilinear = new nn.Upsample({ scaleFactor: 2, mode: 'bilinear' });
    expect(fieldOf([1, 1, 32, 32], down, bilinear)).toEqual([
      [8, 8],
      [2, 2],
    ]);
    const shuffled = [new nn.Conv2d(1, 4, 4, { stride: 4 }), new nn.PixelShuffle(2)];
    expect(fieldOf([1, 1, 32, 32], ...shuffled)).toEqual([
      [4, 4],
      [2, 2],
    ]);
  });

  test('pooling to a size, flattening, dense layers', () => {
    const conv = new nn.Conv2d(1, 2, 3);
    const all = [
      [10, 9],
      [8, 7],
    ];
    expect(fieldOf([1, 1, 10, 9], conv, new nn.AdaptiveAvgPool2d(1))).toEqual(all);
    const flat = [conv, new nn.Flatten()];
    expect(fieldOf([1, 1, 10, 9], ...flat)[0]).toEqual([3, 3]);
    expect(fieldOf([1, 1, 10, 9], ...flat, new nn.Linear(112, 2))[0]).toEqual([10, 9]);
    // Three windows of four over eight.
    expect(fieldOf([1, 1, 10, 10], conv, new nn.AdaptiveAvgPool2d(3))[0]).toEqual([6, 6]);
    expect(fieldOfNet(({ a }, x) => mean(a.forward(x), [2, 3]))).toMatchObject([[14, 12], {}]);
    expect(fieldOfNet(({ a }, x) => mean(permute(a.forward(x), [0, 3, 1, 2]), [3]))).toMatchObject([
      [14, 3],
      {},
    ]);
  });

  test('the widest branch counts', () => {
    for (const join of [add, (x: Tensor, y: Tensor) => cat([x, y], 1)]) {
      expect(fieldOfNet(({ a, b }, x) => join(a.forward(x), b.forward(x)))).toEqual([
        [5, 5],
        [1, 1],
      ]);
    }
    const gate = nn.functional.adaptiveAvgPool2d;
    expect(fieldOfNet(({ a }, x) => add(a.forward(x), gate(x, 1)))).toEqual([
      [12, 10],
      [1, 1],
    ]);
  });

  test('none where nothing slides, where values are needed, or nothing comes of the input', () => {
    expect(fieldOf([2, 8], new nn.Linear(8, 2))).toEqual([null, null]);
    expect(nn.summary(new Careless(true), [1, 1, 8, 8]).layers[1].receptiveField).toBeNull();
    expect(nn.summary(new Careless(false), [1, 1, 8, 8]).layers[1].receptiveField).toEqual([3, 3]);
    expect(fieldOfNet(() => tensor([1]))).toEqual([null, null]);
  });
});

test('the algorithm is that of explain', () => {
  const { layers } = nn.summary(models.squeezenet1_1({ numClasses: 2 }), [1, 3, 64, 64]);
  const model = models.squeezenet1_1({ numClasses: 2 });
  const convs = layers.filter(({ className }) => className === 'Conv2d');
  expect(convs).toHaveLength(26);
  for (const { name, inputShape, algorithm } of convs) {
    const conv = model.getSubmodule(name) as nn.Conv2d;
    expect(algorithm).toBe(conv.explain(inputShape!).algorithm);
  }
  expect(layers.filter(({ algorithm }) => algorithm !== null)).toHaveLength(26);
});

describe('the model stays as it is', () => {
  test.each([false, true])('where it needs values: %s', (looks) => {
    const model = new Careless(looks);
    const before = Object.entries(model.stateDict()).map(([key, t]) => [key, t.toArray()]);
    const hook = jest.fn();
    model.conv.registerForwardHook(hook);
    const properties = [...model.modules()].map((module) => Object.keys(module));
    const { layers } = nn.summary(model, [1, 1, 8, 8]);
    expect(layers.map(({ className }) => className)).toContain('BatchNorm2d');
    expect(hook).toHaveBeenCalled();
    expect([...model.modules()].map((module) => module.training)).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect([...model.modules()].map((module) => Object.keys(module))).toEqual(properties);
    expect(Object.entries(model.stateDict()).map(([key, t]) => [key, t.toArray()])).toEqual(before);
    expect([model.calls, model.last]).toEqual([0, undefined]);
  });

  test('also after an error', () => {
    const model = models.resnet18({ widthMult: 0.1 });
    const own = () => [...model.modules()].filter((module) => Object.hasOwn(module, 'forward'));
    expectRejected(() => nn.summary(model, [1, 4, 32, 32]), /4/, 'ERR_NNCONV_SHAPE');
    expect([model.training, model.layer1.training, own()]).toEqual([true, true, []]);
    expect(model.eval().forward(randn([1, 3, 32, 32])).shape).toEqual([1, 1000]);
  });
});

test('several inputs', () => {
  class Two extends nn.Module {
    left = new nn.Conv2d(1, 2, 3);
    right = new nn.Conv2d(3, 2, 3);
    forward(x: Tensor, y: Tensor): { sum: Tensor[] } {
      return { sum: [add(this.left.forward(x), this.right.forward(y))] };
    }
  }
  const { layers, totals } = nn.summary(new Two(), [
    [1, 1, 8, 8],
    [1, 3, 8, 8],
  ]);
  expect(layers[0]).toMatchObject({ inputShape: [1, 1, 8, 8], outputShape: [1, 2, 6, 6] });
  expect(totals.inputBytes).toBe(4 * 4 * 64);
});

describe('forms', () => {
  test('text', () => {
    const colNames = [
      'kernelSize',
      'outputSize',
      'numParams',
      'multAdds',
      'receptiveField',
    ] as const;
    expect(String(nn.summary(new Shared(), SHAPE, { depth: 2, colNames }))).toMatchSnapshot();
    const summary = nn.summary(new Shared(), SHAPE);
    const [, head, , , conv] = String(summary).split('\n');
    expect(head).toMatch(
      /^Layer \(type .* Kernel +Output shape +Params +Mult-adds +Receptive field +Algorithm$/,
    );
    expect(conv.split(/ {2,}/).at(-1)).toBe(summary.layers[1].algorithm);
    expect(inspect(summary)).toBe(String(summary));
  });

  test('columns and rows as asked for', () => {
    const text = String(
      nn.summary(new Shared(), SHAPE, {
        depth: 1,
        colNames: ['inputSize', 'numParams', 'paramsPercent', 'stride'],
        rowSettings: ['asciiOnly', 'hideRecursiveLayers'],
      }),
    );
    expect(text).toMatchSnapshot();
  });

  test('JSON', () => {
    const summary = nn.summary(new Shared(), SHAPE, { depth: 0 });
    const { layers, totals, inputShapes, model } = summary;
    expect(JSON.parse(JSON.stringify(summary))).toEqual({ model, inputShapes, layers, totals });
    expect(model).toBe('Shared');
    expect(layers[1]).toEqual({
      name: 'stem',
      varName: 'stem',
      className: 'Conv2d',
      depth: 1,
      index: 1,
      leaf: true,
      recursive: false,
      kernelSize: [3, 3],
      inputShape: SHAPE,
      outputShape: [2, 4, 16, 12],
      parameters: 112,
      ownParameters: 112,
      multAdds: 112 * 2 * 16 * 12,
      outputBytes: 4 * 2 * 4 * 16 * 12,
      receptiveField: [3, 3],
      stride: [1, 1],
      algorithm: expect.stringMatching(/^\w+$/) as string,
    });
  });

  test('HTML, in which names are text', () => {
    const model = new nn.Sequential(['<b>&"x"', new nn.Conv2d(1, 1, 1)]);
    const html = nn.summary(model, [1, 1, 2, 2]).toHTML();
    expect(html).toMatch(/^<div class="nnconv-summary"><style>/);
    expect(html).toContain('title="&lt;b&gt;&amp;&quot;x&quot;"');
    expect(html).not.toContain('<b>');
    expect(html.match(/<tr/g)).toHaveLength(3);
    for (const tag of ['div', 'table', 'tbody', 'tr', 'th', 'td', 'dl', 'dt', 'dd', 'span']) {
      const opened = html.match(new RegExp(`<${tag}[ >]`, 'g'))!.length;
      expect([tag, html.match(new RegExp(`</${tag}>`, 'g'))!.length]).toEqual([tag, opened]);
    }
  });
});

test('arguments are checked', () => {
  const conv = new nn.Conv2d(1, 1, 1);
  const call = (...args: unknown[]) => (nn.summary as (...all: unknown[]) => unknown)(...args);
  const shape = [1, 1, 2, 2];
  expectRejected(() => call({}, shape), /model/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(() => call(conv), /inputShape/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(() => call(conv, '1x1'), /inputShape.*'1x1'/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(() => call(conv, [1, -1, 2, 2]), /inputShape.*-1/, 'ERR_NNCONV_SHAPE');
  expectRejected(() => call(conv, [shape, 3]), /inputShape\[1\]/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(
    () => call(conv, shape, { colnames: [] }),
    /'colNames'/,
    'ERR_NNCONV_UNKNOWN_OPTION',
  );
  expectRejected(() => call(conv, shape, { depth: -1 }), /depth.*-1/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(() => call(conv, shape, { depth: '1' }), /depth/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(
    () => call(conv, shape, { colNames: ['kernel'] }),
    /colNames\[0\].*'kernelSize'/,
    'ERR_NNCONV_ARG_VALUE',
  );
  expectRejected(
    () => call(conv, shape, { rowSettings: 'depth' }),
    /rowSettings/,
    'ERR_NNCONV_ARG_TYPE',
  );
});
