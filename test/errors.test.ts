/** What JavaScript can do wrong, and PyTorch's users can't: each a coded error that says what. */
import vm from 'node:vm';

import { nn, setNumThreads, setStrictNumerics, Tensor, tensor, zeros } from '../lib';
import { expectRejected } from './support/errors';

const LAYERS = [
  'Conv1d',
  'Conv2d',
  'Conv3d',
  'ConvTranspose1d',
  'ConvTranspose2d',
  'ConvTranspose3d',
] as const;

/** Untyped, so that the compiler lets wrong calls through. */
const untyped: Record<string, any> = nn;
const conv2d = (...args: unknown[]) => new untyped.Conv2d(...args);

const WRONG_KINDS = [null, '3', true, {}, 3n, Symbol('3'), () => 3, new Date(3), new Number(3)];
const BAD_NUMBERS = [NaN, Infinity, -Infinity, 1.5, -1, 2 ** 31, 2 ** 53, 1e300];

describe.each(LAYERS)('%s', (name) => {
  const nd = Number(name.at(-2));
  const make = (options: unknown) => new untyped[name](4, 4, 2, options);
  const TUPLES = ['stride', 'padding', 'dilation'];
  if (name.startsWith('ConvTranspose')) TUPLES.push('outputPadding');

  test('required arguments of a wrong kind', () => {
    ['inChannels', 'outChannels', 'kernelSize'].forEach((argument, position) => {
      for (const value of [undefined, ...WRONG_KINDS]) {
        const args: unknown[] = [4, 4, 2];
        args[position] = value;
        const call = () => new untyped[name](...args);
        expectRejected(call, new RegExp(argument), 'ERR_NNCONV_ARG_TYPE');
      }
    });
  });

  test('required arguments with a bad value', () => {
    ['inChannels', 'outChannels', 'kernelSize'].forEach((argument, position) => {
      for (const value of BAD_NUMBERS) {
        const args: unknown[] = [4, 4, 2];
        args[position] = value;
        const call = () => new untyped[name](...args);
        expectRejected(call, new RegExp(argument), 'ERR_NNCONV_ARG_VALUE');
      }
    });
  });

  test('options of a wrong kind', () => {
    for (const option of TUPLES) {
      for (const value of WRONG_KINDS.filter((kind) => option !== 'padding' || kind !== '3')) {
        expectRejected(() => make({ [option]: value }), new RegExp(option), 'ERR_NNCONV_ARG_TYPE');
        const list = new Array(nd).fill(1);
        list[nd - 1] = value;
        expectRejected(() => make({ [option]: list }), new RegExp(option), 'ERR_NNCONV_ARG_TYPE');
      }
    }
    for (const value of WRONG_KINDS) {
      expectRejected(() => make({ groups: value }), /groups/, 'ERR_NNCONV_ARG_TYPE');
    }
    for (const value of [null, 1, 0, 'true', {}, []]) {
      expectRejected(() => make({ bias: value }), /bias/, 'ERR_NNCONV_ARG_TYPE');
    }
    for (const value of [null, 1, true, {}, ['zeros']]) {
      expectRejected(() => make({ paddingMode: value }), /paddingMode/, 'ERR_NNCONV_ARG_TYPE');
    }
  });

  test('options with a bad value', () => {
    for (const option of TUPLES) {
      for (const value of BAD_NUMBERS) {
        expectRejected(() => make({ [option]: value }), new RegExp(option), 'ERR_NNCONV_ARG_VALUE');
        const list = new Array(nd).fill(1);
        list[nd - 1] = value;
        expectRejected(() => make({ [option]: list }), new RegExp(option), 'ERR_NNCONV_ARG_VALUE');
      }
      for (const list of [[], new Array(nd + 1).fill(1), new Array(1000).fill(1)]) {
        expectRejected(() => make({ [option]: list }), new RegExp(option), 'ERR_NNCONV_ARG_VALUE');
      }
    }
    for (const value of [0, 3, 8, ...BAD_NUMBERS]) {
      expectRejected(() => make({ groups: value }), /groups/, 'ERR_NNCONV_ARG_VALUE');
    }
    expectRejected(() => make({ paddingMode: 'mirror' }), /paddingMode.*'mirror'/);
  });

  test('misspelled and foreign options are rejected by name', () => {
    const misspelled = ['strides', 'Stride', 'padding_mode', 'kernelSize', 'group', 'dtype', ''];
    for (const key of misspelled) {
      const named = new RegExp(`${name}.*'${key}'`);
      expectRejected(() => make({ [key]: 1 }), named, 'ERR_NNCONV_UNKNOWN_OPTION');
      expectRejected(() => make({ [key]: undefined }), named, 'ERR_NNCONV_UNKNOWN_OPTION');
    }
    expectRejected(() => make({ padding_mode: 'zeros' }), /did you mean 'paddingMode'/);
    const own = JSON.parse('{"__proto__": 1}');
    expectRejected(() => make(own), /__proto__/, 'ERR_NNCONV_UNKNOWN_OPTION');
    if (!name.startsWith('ConvTranspose')) {
      expectRejected(
        () => make({ outputPadding: 0 }),
        /outputPadding/,
        'ERR_NNCONV_UNKNOWN_OPTION',
      );
    }
  });

  test('options that are no object', () => {
    for (const value of [null, 1, 'same', true, [1], [], () => ({}), 1n]) {
      expectRejected(() => make(value), /options/, 'ERR_NNCONV_ARG_TYPE');
    }
    expect(String(make(undefined))).toBe(String(make({})));
  });

  test('inputs of a wrong kind', () => {
    const layer = make({});
    const shape = [1, 4, ...new Array(nd).fill(5)];
    const good = zeros(shape);
    const wrong = [
      ...[undefined, null, 1, 'x', true, [], {}, Symbol('x'), new Float32Array(20)],
      ...[{ data: new Float32Array(4 * 5 ** nd), shape }, Object.create(good), good.toArray()],
      ...[Object.create(Tensor.prototype), new Proxy(good, {}), Promise.resolve(good)],
      tensor(new BigInt64Array(4 * 5 ** nd), shape),
    ];
    for (const value of wrong) {
      expectRejected(() => layer.forward(value), /input/, 'ERR_NNCONV_ARG_TYPE');
    }
    expect(layer.forward(good).shape).toEqual(layer.outputShape(shape));
  });

  test('input shapes of a wrong kind for outputShape and explain', () => {
    const layer = make({});
    for (const method of ['outputShape', 'explain']) {
      for (const value of [undefined, null, 5, 'x', {}, ['4', 5, 5, 5, 5]]) {
        expectRejected(() => layer[method](value), /inputShape/, 'ERR_NNCONV_ARG_TYPE');
      }
      for (const size of [NaN, 1.5, 2 ** 53]) {
        const shape = [1, 4, ...new Array(nd).fill(size)];
        expectRejected(() => layer[method](shape), /inputShape/, 'ERR_NNCONV_ARG_VALUE');
      }
      expectRejected(() => layer[method]([1, 4, ...new Array(nd).fill(-5)]), /input/);
      expectRejected(() => layer[method]([]), /input/, 'ERR_NNCONV_SHAPE');
      expectRejected(() => layer[method]([7, ...new Array(nd).fill(5)]), /7/, 'ERR_NNCONV_SHAPE');
    }
  });
});

describe('outputSize', () => {
  const layer: any = new nn.ConvTranspose2d(2, 2, 3, { stride: 2 });
  const x = zeros([1, 2, 4, 4]);

  test('of a wrong kind', () => {
    for (const value of [9, '9', {}, true, ['9', 9], [9, null], [[9], 9]]) {
      expectRejected(() => layer.forward(x, value), /outputSize/, 'ERR_NNCONV_ARG_TYPE');
    }
  });

  test('with a bad value', () => {
    for (const value of [
      [9.5, 9],
      [NaN, 9],
      [9, 2 ** 53],
      [8, 9],
      [11, 9],
      [-9, 9],
    ]) {
      expectRejected(() => layer.forward(x, value), /outputSize|output size/);
    }
    // Both ends of the range are named.
    expectRejected(() => layer.forward(x, [8, 9]), /\[8, 9\].*\[9, 9\].*\[10, 10\]/);
  });
});

describe('buffers', () => {
  const detach = (t: Tensor) => structuredClone(t.data.buffer, { transfer: [t.data.buffer] });

  test('a detached input, weight or bias', () => {
    const layer = new nn.Conv2d(2, 3, 2);
    const x = zeros([1, 2, 4, 4]);
    detach(x);
    expectRejected(() => layer.forward(x), /detached/, 'ERR_NNCONV_BUFFER');
    for (const key of ['weight', 'bias'] as const) {
      const other = new nn.Conv2d(2, 3, 2);
      detach(other[key]!);
      expectRejected(() => other.forward(zeros([1, 2, 4, 4])), /detached/, 'ERR_NNCONV_BUFFER');
    }
  });

  test('a tensor of a detached or shared array', () => {
    const array = new Float32Array(4);
    structuredClone(array.buffer, { transfer: [array.buffer] });
    expectRejected(() => tensor(array, [4]), /data/, 'ERR_NNCONV_BUFFER');
    const shared = new Float32Array(new SharedArrayBuffer(16));
    expectRejected(() => tensor(shared, [4]), /data/, 'ERR_NNCONV_BUFFER');
  });

  test('what only looks like a typed array', () => {
    const message = /must be .*array/;
    const proxy = new Proxy(Float32Array.of(1, 2), {});
    const heir: unknown = Object.create(Float32Array.prototype);
    for (const data of [proxy, heir]) {
      expectRejected(() => tensor(data as Float32Array), message);
      expectRejected(() => tensor([[1, 2], data as number[]]), message);
    }
  });

  test('arrays of another realm are as good as our own', () => {
    const foreign = vm.runInNewContext('Float32Array.of(1, 2, 3, 4)');
    const layer = new nn.Conv1d(1, 1, 1, { bias: false });
    layer.weight.copy_(tensor([2], [1, 1, 1]));
    expect(layer.forward(tensor(foreign, [1, 4])).toArray()).toEqual([[2, 4, 6, 8]]);
    const options = vm.runInNewContext('({ stride: [2, 1], padding: [0, 1] })');
    expect(conv2d(1, 1, 3, options).outputShape([1, 9, 9])).toEqual([1, 4, 9]);
  });
});

describe('sizes that nobody has', () => {
  const TOP = 2 ** 31 - 1;

  test('weights', () => {
    expectRejected(() => conv2d(TOP, TOP, 1), /weight/, 'ERR_NNCONV_ALLOC');
    expectRejected(() => conv2d(2 ** 15, 2 ** 15, 2 ** 10), /1024/, 'ERR_NNCONV_ALLOC');
    expectRejected(() => new nn.Conv3d(1, 1, TOP), /weight/, 'ERR_NNCONV_ALLOC');
    expectRejected(() => new nn.ConvTranspose1d(TOP, 2 ** 20, 3), /weight/, 'ERR_NNCONV_ALLOC');
  });

  test('outputs', () => {
    const pixel = zeros([1, 1, 1, 1]);
    const terabytes = [
      conv2d(1, 1, 1, { padding: 2 ** 25 }),
      conv2d(1, 1, 1, { padding: TOP }),
      conv2d(1, 1, 1, { padding: 2 ** 25, paddingMode: 'replicate' }),
      new nn.ConvTranspose2d(1, 1, 2, { dilation: TOP }),
      new nn.ConvTranspose2d(1, 1, 2 ** 5, { dilation: 2 ** 22 }),
      conv2d(1, 2 ** 20, 1, { padding: 2 ** 12 }),
    ];
    for (const layer of terabytes) {
      expectRejected(() => layer.forward(pixel), /output/, 'ERR_NNCONV_ALLOC');
    }
    const stretched = new nn.ConvTranspose2d(1, 1, 1, { stride: TOP });
    expectRejected(() => stretched.forward(zeros([1, 1, 2, 2])), /output/, 'ERR_NNCONV_ALLOC');
    const wide = new nn.Conv1d(1, 2 ** 20, 1);
    expectRejected(() => wide.forward(zeros([2 ** 20, 1, 16])), /output/, 'ERR_NNCONV_ALLOC');
  });

  test('shapes whose product overflows', () => {
    const layer = new nn.Conv2d(1, 1, 1);
    expectRejected(() => layer.outputShape([2 ** 53 - 1, 1, 2 ** 20, 2 ** 20]), /2\d*/);
    expectRejected(() => layer.outputShape([2 ** 32, 1, 2 ** 32, 2 ** 32]), /4294967296/);
    expectRejected(() => zeros([2 ** 40, 2 ** 40]), /1099511627776/, 'ERR_NNCONV_ALLOC');
    expectRejected(() => zeros([2 ** 45]), /35184372088832/, 'ERR_NNCONV_ALLOC');
  });
});

describe('weights and biases', () => {
  test('assigned with a wrong kind', () => {
    const layer: any = new nn.Conv2d(2, 3, 2);
    for (const value of [undefined, 1, 'x', [], {}, new Float32Array(24), layer.weight.toArray()]) {
      expectRejected(() => (layer.weight = value), /weight/, 'ERR_NNCONV_ARG_TYPE');
      expectRejected(() => (layer.bias = value), /bias/, 'ERR_NNCONV_ARG_TYPE');
    }
    expectRejected(() => (layer.weight = null), /weight/, 'ERR_NNCONV_ARG_TYPE');
    const integers = tensor(new BigInt64Array(24), [3, 2, 2, 2]);
    expectRejected(() => (layer.weight = integers), /weight|float32/, 'ERR_NNCONV_ARG_TYPE');
    expect(layer.forward(zeros([2, 4, 4])).shape).toEqual([3, 3, 3]);
  });

  test('assigned with a wrong shape', () => {
    const layer: any = new nn.Conv2d(2, 3, 2);
    for (const shape of [[3, 2, 2], [2, 3, 2, 2], [3, 2, 2, 3], [24], []]) {
      const assign = () => (layer.weight = zeros(shape));
      expectRejected(assign, /weight.*\[3, 2, 2, 2\]|\[3, 2, 2, 2\].*weight/, 'ERR_NNCONV_SHAPE');
    }
    for (const shape of [[2], [3, 1], [1, 3], []]) {
      expectRejected(() => (layer.bias = zeros(shape)), /bias/, 'ERR_NNCONV_SHAPE');
    }
    expect(layer.forward(zeros([2, 4, 4])).shape).toEqual([3, 3, 3]);
  });
});

describe('settings', () => {
  test('setNumThreads', () => {
    for (const value of [undefined, null, '2', true, 2n, {}] as number[]) {
      expectRejected(() => setNumThreads(value), /n/, 'ERR_NNCONV_ARG_TYPE');
    }
    for (const value of [0, -1, 1.5, NaN, 1025, 2 ** 32 + 1]) {
      expectRejected(() => setNumThreads(value), /\d|NaN/, 'ERR_NNCONV_ARG_VALUE');
    }
  });

  test('setStrictNumerics', () => {
    for (const value of [undefined, null, 1, 'true', {}] as boolean[]) {
      expectRejected(() => setStrictNumerics(value), /enabled/, 'ERR_NNCONV_ARG_TYPE');
    }
  });
});

describe('nn.functional', () => {
  const f: Record<string, any> = nn.functional;
  const x = zeros([1, 2, 5, 5]);
  const w = zeros([3, 2, 2, 2]);

  test('arguments of a wrong kind', () => {
    for (const value of [undefined, null, 1, 'x', [], {}, new Float32Array(50)]) {
      expectRejected(() => f.conv2d(value, w), /input/, 'ERR_NNCONV_ARG_TYPE');
      expectRejected(() => f.conv2d(x, value), /weight/, 'ERR_NNCONV_ARG_TYPE');
    }
    for (const value of [1, 'x', [], {}, true, new Float32Array(3)]) {
      expectRejected(() => f.conv2d(x, w, value), /bias/, 'ERR_NNCONV_ARG_TYPE');
    }
  });

  test('unknown options, among them the layers own', () => {
    for (const key of ['strides', 'paddingMode', 'bias', 'kernelSize', 'outputPadding']) {
      const named = new RegExp(`'${key}'`);
      expectRejected(() => f.conv2d(x, w, null, { [key]: 1 }), named, 'ERR_NNCONV_UNKNOWN_OPTION');
    }
    const size = () => f.convTranspose2d(zeros([1, 3, 5, 5]), w, null, { outputSize: [6, 6] });
    expectRejected(size, /'outputSize'/, 'ERR_NNCONV_UNKNOWN_OPTION');
  });
});

test('a message names the value that was received', () => {
  expectRejected(() => conv2d(4, 4, 2, { stride: 2.5 }), /stride.*2\.5/);
  expectRejected(() => conv2d(4, 4, 2, { stride: '2' }), /stride.*'2'/);
  expectRejected(() => conv2d(4, 4, 2, { stride: [1, 0] }), /stride.*\[1, 0\]/);
  expectRejected(() => conv2d(4, 6, 2, { groups: 4 }), /outChannels.*6.*groups.*4/);
  expectRejected(() => conv2d(4, 4, 2, { padding: 'full' }), /padding.*'full'/);
  expectRejected(() => conv2d(4, 4, 2).forward(zeros([1, 3, 5, 7])), /\[1, 3, 5, 7\].*4.*3/);
  expectRejected(() => conv2d(4, 4, 9).forward(zeros([1, 4, 5, 7])), /\[?5.*7.*9.*9/);
});
