/** forwardAsync computes what forward does, from the arguments as they were at the call. */
import { nn, setNumThreads, setStrictNumerics, tensor, zeros } from '../../lib';
import type { Tensor } from '../../lib';
import { queueInfo, reasonOf, slowRun, startedSlowRun, stopped } from '../support/async';
import { normal } from '../support/hashfill';
import { product } from '../support/spec';

const input = (shape: readonly number[], seed = 1): Tensor =>
  tensor(normal(seed, product(shape)), shape);

const bytes = ({ data, shape }: Tensor) => [shape, Buffer.from(data.buffer).toString('base64')];

type Layer = nn.Conv2d | nn.ConvTranspose2d;

const LAYERS: [string, () => Layer, number[]][] = [
  ['Conv1d', () => new nn.Conv1d(6, 5, 3), [2, 6, 40]],
  ['Conv2d', () => new nn.Conv2d(16, 32, 3, { padding: 1 }), [2, 16, 40, 41]],
  ['Conv2d without bias', () => new nn.Conv2d(3, 4, 3, { bias: false }), [3, 9, 9]],
  ['Conv2d depthwise', () => new nn.Conv2d(8, 8, 3, { groups: 8, stride: 2 }), [1, 8, 33, 20]],
  [
    'Conv2d circular',
    () => new nn.Conv2d(4, 4, 3, { padding: 1, paddingMode: 'circular' }),
    [4, 7, 7],
  ],
  ['Conv2d of an empty batch', () => new nn.Conv2d(4, 4, 3), [0, 4, 7, 7]],
  ['Conv3d', () => new nn.Conv3d(2, 3, 2, { dilation: 2 }), [1, 2, 6, 7, 8]],
  ['ConvTranspose1d', () => new nn.ConvTranspose1d(6, 5, 3, { stride: 2 }), [2, 6, 20]],
  ['ConvTranspose2d', () => new nn.ConvTranspose2d(8, 4, 2, { stride: 2 }), [2, 8, 15, 16]],
  ['ConvTranspose3d', () => new nn.ConvTranspose3d(2, 3, 3), [2, 5, 6, 7]],
];

afterEach(() => setStrictNumerics(false));

describe.each(LAYERS)('%s', (_, make, shape) => {
  test.each([1, 2, 5])('equals forward bit for bit on %i threads', async (threads) => {
    setNumThreads(threads);
    const layer = make();
    const x = input(shape);
    const strict = { strict: true };
    const transposed = layer instanceof nn.ConvTranspose2d || layer.constructor.name.includes('T');
    const async = (options?: nn.AsyncRunOptions) =>
      transposed
        ? (layer as nn.ConvTranspose2d).forwardAsync(x, null, options)
        : layer.forwardAsync(x, options);
    const sync = (options?: nn.RunOptions) =>
      transposed
        ? (layer as nn.ConvTranspose2d).forward(x, null, options)
        : layer.forward(x, options);
    expect(bytes(await async())).toEqual(bytes(sync()));
    expect(bytes(await async(strict))).toEqual(bytes(sync(strict)));
    const run = async();
    setStrictNumerics(true); // it is the call's mode that counts
    expect(bytes(await run)).toEqual(bytes(sync({ strict: false })));
    expect(bytes(await async())).toEqual(bytes(sync()));
    setNumThreads(2);
  });
});

test('outputSize', async () => {
  const layer = new nn.ConvTranspose2d(3, 4, 3, { stride: 2 });
  const x = input([2, 3, 5, 6]);
  for (const size of [
    [11, 13],
    [12, 14],
    [2, 4, 12, 13],
  ]) {
    expect(bytes(await layer.forwardAsync(x, size))).toEqual(bytes(layer.forward(x, size)));
  }
});

test('a promise of the caller, and a tensor like any other', async () => {
  const layer = new nn.Conv2d(1, 1, 1);
  const promise = layer.forwardAsync(zeros([1, 2, 2]));
  expect(promise).toBeInstanceOf(Promise);
  const y = await promise;
  expect(layer.forward(y).shape).toEqual([1, 2, 2]);
  y.data[0] = 5;
  expect(y.select(1, 0).toArray()).toEqual([[5, y.data[1]]]);
});

test('runs come back in the order of their calls', async () => {
  const layer = new nn.Conv2d(2, 2, 3);
  const sizes = [90, 5, 60, 3, 120, 4, 30, 3];
  const done: number[] = [];
  await Promise.all(
    sizes.map(async (size, i) => {
      await layer.forwardAsync(input([2, size, size]));
      done.push(i);
    }),
  );
  expect(done).toEqual(sizes.map((_, i) => i));
});

describe('the arguments are those of the call', () => {
  const shape = [2, 4, 12, 12];
  const make = () => {
    const layer = new nn.Conv2d(4, 6, 3);
    const x = input(shape);
    return { layer, x, expected: bytes(layer.forward(x)) };
  };
  const CHANGES: [string, (layer: nn.Conv2d, x: Tensor) => void][] = [
    ['the input is written to', (_, x) => void x.data.fill(NaN)],
    ['the input is filled', (_, x) => void x.fill_(7)],
    [
      'the input is transferred',
      (_, { data }) => void structuredClone(data.buffer, { transfer: [data.buffer] }),
    ],
    ['the weight is filled', ({ weight }) => void weight.fill_(7)],
    ['the weight is written to', ({ weight }) => void weight.data.fill(7)],
    ['the weight is replaced', (layer) => void (layer.weight = zeros([6, 4, 3, 3]))],
    [
      'the weight is transferred',
      ({ weight: { data } }) => void structuredClone(data.buffer, { transfer: [data.buffer] }),
    ],
    [
      'the layer runs with another weight',
      (layer) => {
        layer.weight.fill_(7);
        layer.forward(input(shape, 9));
        layer.weight.data[0] = 8;
        layer.forward(input(shape, 9));
      },
    ],
    [
      'the layer runs with many sizes',
      (layer) => {
        for (let size = 5; size < 40; size++) layer.forward(input([4, size, 6]));
      },
    ],
    ['the bias is filled', ({ bias }) => void bias!.fill_(7)],
    ['the bias is removed', (layer) => void (layer.bias = null)],
    ['the thread count is changed', () => setNumThreads(7)],
  ];
  test.each(CHANGES)('%s', async (_, change) => {
    const { layer, x, expected } = make();
    const blocker = await startedSlowRun();
    const before = layer.forwardAsync(x);
    change(layer, x);
    expect(queueInfo().waiting).toBe(1);
    await stopped(blocker);
    expect(bytes(await before)).toEqual(expected);
    setNumThreads(2);
  });

  test('and each call sees the weight of its own', async () => {
    const { layer, x } = make();
    const blocker = await startedSlowRun();
    const runs: Promise<Tensor>[] = [];
    const expected: unknown[] = [];
    for (const value of [1, 2, 3, 4]) {
      layer.weight.fill_(value);
      runs.push(layer.forwardAsync(x));
      expected.push(bytes(layer.forward(x)));
    }
    await stopped(blocker);
    expect((await Promise.all(runs)).map(bytes)).toEqual(expected);
  });
});

describe('errors reject', () => {
  const layer = new nn.Conv2d(3, 4, 3);
  const transposed = new nn.ConvTranspose2d(3, 4, 3, { stride: 2 });
  const x = zeros([3, 8, 8]);
  const detached = zeros([3, 8, 8]);
  structuredClone(detached.data.buffer, { transfer: [detached.data.buffer] });
  const bomb = {
    get strict(): boolean {
      throw new Error('mine');
    },
  };
  const CALLS: [string, () => Promise<unknown>, object][] = [
    ['no tensor', () => layer.forwardAsync([1] as any), { code: 'ERR_NNCONV_ARG_TYPE' }],
    ['nothing', () => (layer as any).forwardAsync(), { code: 'ERR_NNCONV_ARG_TYPE' }],
    ['a wrong shape', () => layer.forwardAsync(zeros([4, 8, 8])), { code: 'ERR_NNCONV_SHAPE' }],
    ['a small input', () => layer.forwardAsync(zeros([3, 2, 2])), { code: 'ERR_NNCONV_SHAPE' }],
    ['a detached input', () => layer.forwardAsync(detached), { code: 'ERR_NNCONV_BUFFER' }],
    ['options', () => layer.forwardAsync(x, 5 as any), { code: 'ERR_NNCONV_ARG_TYPE' }],
    [
      'an option that is unknown',
      () => layer.forwardAsync(x, { signl: 1 } as any),
      { code: 'ERR_NNCONV_UNKNOWN_OPTION' },
    ],
    [
      'strict',
      () => layer.forwardAsync(x, { strict: 1 } as any),
      { code: 'ERR_NNCONV_ARG_TYPE', message: 'strict must be true or false, got 1' },
    ],
    ['a getter that throws', () => layer.forwardAsync(x, bomb), { message: 'mine' }],
    [
      'an outputSize out of range',
      () => transposed.forwardAsync(x, [2, 2]),
      { code: 'ERR_NNCONV_SHAPE' },
    ],
  ];
  test.each(CALLS)('%s', async (_, call, expected) => {
    expect(await reasonOf(call())).toMatchObject(expected);
  });

  test('errors of the run itself have the stack of the call', async () => {
    const far = 2 ** 20;
    const options = { padding: far, stride: far, paddingMode: 'replicate' } as const;
    const huge = new nn.Conv2d(1, 1, 1, options);
    const whoAsked = () => huge.forwardAsync(zeros([1, 4, 4]));
    const error = (await reasonOf(whoAsked())) as Error;
    expect(error).toMatchObject({ name: 'RangeError', code: 'ERR_NNCONV_ALLOC' });
    expect(error.stack).toMatch(/^RangeError: .*memory/);
    expect(error.stack).toMatch(/at whoAsked .*forward\.test\.ts/);
    // The thread goes on.
    await layer.forwardAsync(x);
  });
});

test('the event loop stays free', async () => {
  const events: string[] = [];
  const run = slowRun().promise.then(() => events.push('run'));
  setTimeout(() => events.push('timer'), 1);
  const file = import('node:fs/promises').then(({ readFile }) => readFile(__filename));
  await file.then(() => events.push('file'));
  await run;
  expect(events.at(-1)).toBe('run');
  expect(events).toHaveLength(3);
});

test('subnormal numbers are flushed alike, and only there', async () => {
  const layer = new nn.Conv2d(1, 1, 1, { bias: false });
  layer.weight.fill_(1);
  const x = tensor([1e-40, 1e-38, 1, -1e-45], [1, 2, 2]);
  const y = layer.forward(x);
  expect(bytes(await layer.forwardAsync(x))).toEqual(bytes(y));
  expect([...y.data].map(Math.abs)).toEqual([0, Math.fround(1e-38) * 0, 1, 0]);
  // JS on this thread has them as ever.
  const tiny = Number.MIN_VALUE;
  expect([tiny, 4].reduce((a, b) => a * b)).toBe(2e-323);
});
