/** Tensors: how they are made, read, changed and printed. */
import { inspect } from 'node:util';
import vm from 'node:vm';

import { full, ones, Tensor, tensor, zeros } from '../lib';
import { type DataOf, type DType, isTensor, storageOf, versionOf, wrap } from '../lib/tensor';
import { expectRejected } from './support/errors';
import { type JsonNumber, readFixture, toNumber } from './support/json';

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

function make(dtype: DType, shape: number[], values: JsonNumber[]): Tensor<DType> {
  const data =
    dtype === 'int64'
      ? BigInt64Array.from(values, (value) => BigInt(value))
      : (ARRAYS[dtype] as typeof Float32Array).from(values, toNumber);
  return wrap(dtype, data as DataOf<DType>, shape);
}

describe('printing', () => {
  interface Row {
    dtype: DType;
    shape: number[];
    data?: JsonNumber[];
    first?: number;
    step?: number;
    text: string;
  }
  const rows = readFixture<Row>('tensor_print.json');

  test.each(rows.map((row, i) => [`${i}: ${row.dtype} [${row.shape.join(', ')}]`, row] as const))(
    'as PyTorch prints it: %s',
    (_, { dtype, shape, data, first = 0, step = 0, text }) => {
      const count = shape.reduce((total, size) => total * size, 1);
      const values = data ?? Array.from({ length: count }, (_value, i) => i * step + first);
      expect(String(make(dtype, shape, values))).toBe(text);
    },
  );

  test('by util.inspect, in place and nested', () => {
    expect(inspect(tensor([1, 2]))).toBe('tensor([1., 2.])');
    expect(inspect({ x: zeros([2, 2]) })).toContain('tensor([[0., 0.],');
  });

  test('without reading data out', () => {
    const t = ones([3]);
    void String(t);
    expect(versionOf(t)).toBeGreaterThan(0);
  });
});

describe('tensor()', () => {
  test('takes its shape from the nesting', () => {
    const t = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(t.shape).toEqual([2, 3]);
    expect(t.dtype).toBe('float32');
    expect([...t.data]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(t.ndim).toBe(2);
    expect(t.numel).toBe(6);
  });

  test.each<[unknown, number[]]>([
    [5, []],
    [[], [0]],
    [
      [[], []],
      [2, 0],
    ],
    [[[[7]]], [1, 1, 1]],
    [new Uint8Array(4), [4]],
    [
      [new Float64Array(3), new Float64Array(3)],
      [2, 3],
    ],
    [
      [new Float64Array(3), [1, 2, 3]],
      [2, 3],
    ],
    [
      [[1, 2, 3], new Int8Array(3)],
      [2, 3],
    ],
    [{ length: 2, 0: 1, 1: 2 }, [2]],
    [Buffer.from([1, 2, 3]), [3]],
  ])('%# takes the shape of what is given', (data, shape) => {
    expect(tensor(data as number[]).shape).toEqual(shape);
  });

  test('takes a shape beside the numbers', () => {
    expect(tensor(new Float32Array(6), [1, 2, 3]).shape).toEqual([1, 2, 3]);
    expect(tensor([1, 2, 3, 4], [2, 2]).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(tensor([[1, 2]], [2]).toArray()).toEqual([1, 2]);
    expect(tensor([], [0, 2 ** 40]).shape).toEqual([0, 2 ** 40]);
    expect(tensor(3, [1, 1]).shape).toEqual([1, 1]);
  });

  test('copies', () => {
    const data = new Float32Array([1, 2]);
    const t = tensor(data);
    data[0] = 9;
    expect(t.toArray()).toEqual([1, 2]);
  });

  test('rounds to float32, keeps NaN, infinities and -0', () => {
    const { data } = tensor([0.1, NaN, -Infinity, -0, 1e300]);
    expect([...data]).toEqual([Math.fround(0.1), NaN, -Infinity, -0, Infinity]);
  });

  test('honours byteOffset, and arrays of another realm', () => {
    const whole = new Float32Array([0, 1, 2, 3]);
    expect(tensor(whole.subarray(1, 3)).toArray()).toEqual([1, 2]);
    const foreign = vm.runInNewContext('[[1, 2], new Float32Array([3, 4])]') as number[][];
    expect(tensor(foreign).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test('makes int64 of a BigInt64Array', () => {
    const t = tensor(BigInt64Array.of(1n, 2n ** 60n));
    expect(t.dtype).toBe('int64');
    expect(t.data[1]).toBe(2n ** 60n);
    expect(t.select(0, 0).item()).toBe(1);
    expectRejected(() => t.toArray(), /1152921504606846976/, 'ERR_NNCONV_ARG_VALUE');
  });

  const ragged: [unknown, RegExp][] = [
    [[[1, 2], [3]], /data\[1\] is length 1.*length 2/],
    [[[1, 2], 3], /data\[1\] is a number.*array of length 2/],
    [[1, [2]], /data\[1\] is an array.*a number/],
    [[[[1], [2]], [[3]]], /data\[1\] is length 1/],
    [[[1, 2], new Float32Array(3)], /data\[1\] is length 3/],
    [[[[1], [2]], new Float32Array(2)], /data\[1\]\[0\] is a number/],
  ];
  test.each(ragged)('%# rejects ragged arrays and says where', (data, message) => {
    expectRejected(() => tensor(data as number[]), message, 'ERR_NNCONV_SHAPE');
  });

  const wrong: [unknown, RegExp][] = [
    [undefined, /data.*undefined/],
    [null, /data.*null/],
    ['12', /data.*'12'/],
    [true, /data.*true/],
    [3n, /data.*3n/],
    [{}, /data/],
    [new ArrayBuffer(8), /data/],
    [[1, '2'], /data\[1\].*'2'/],
    [[1, , 3], /data\[1\].*undefined/], // eslint-disable-line no-sparse-arrays
    [[[1], [null]], /data\[1\]\[0\].*null/],
    [[1n], /data/],
    [[new BigInt64Array(2)], /data\[0\]/],
  ];
  test.each(wrong)('%# rejects what is no number and says where', (data, message) => {
    expectRejected(() => tensor(data as number[]), message, 'ERR_NNCONV_ARG_TYPE');
  });

  test('rejects an array that holds itself', () => {
    const loop: unknown[] = [];
    loop.push(loop);
    expectRejected(() => tensor(loop as number[]), /64/, 'ERR_NNCONV_SHAPE');
  });

  test('rejects a shape that does not fit, with both', () => {
    expectRejected(() => tensor([1, 2, 3], [2, 2]), /3.*\[2, 2\]/, 'ERR_NNCONV_SHAPE');
    expectRejected(() => tensor([1], [2 ** 40, 2 ** 40]), /\[1099511627776/, 'ERR_NNCONV_SHAPE');
    expectRejected(() => tensor([1], [-1]), /-1/, 'ERR_NNCONV_SHAPE');
  });

  test('rejects shared and detached buffers', () => {
    const shared = new Float32Array(new SharedArrayBuffer(8));
    expectRejected(() => tensor(shared), /Shared/, 'ERR_NNCONV_BUFFER');
    expectRejected(() => tensor([shared]), /data\[0\].*Shared/, 'ERR_NNCONV_BUFFER');
    const gone = new Float32Array(2);
    structuredClone(gone, { transfer: [gone.buffer] });
    expectRejected(() => tensor(gone), /detached/, 'ERR_NNCONV_BUFFER');
    expect(tensor(new Float32Array(0)).shape).toEqual([0]);
  });
});

describe('factories', () => {
  test('zeros, ones, full', () => {
    expect(zeros([2, 1]).toArray()).toEqual([[0], [0]]);
    expect(ones([2]).toArray()).toEqual([1, 1]);
    expect(full([2], NaN).toArray()).toEqual([NaN, NaN]);
    expect(zeros([]).shape).toEqual([]);
    expect(zeros([]).item()).toBe(0);
    expect(zeros([0, 3]).numel).toBe(0);
    expect(zeros(Int32Array.of(2, 3) as never).shape).toEqual([2, 3]);
  });

  test('the shape is a copy, and frozen', () => {
    const shape = [2, 3];
    const t = zeros(shape);
    shape[0] = 9;
    expect(t.shape).toEqual([2, 3]);
    expect(Object.isFrozen(t.shape)).toBe(true);
  });

  test('wrong shapes', () => {
    expectRejected(() => zeros(3 as never), /\[3\]/, 'ERR_NNCONV_ARG_TYPE');
    expectRejected(() => zeros('3' as never), /shape.*'3'/, 'ERR_NNCONV_ARG_TYPE');
    expectRejected(() => zeros([2, '3'] as never), /shape\[1\].*'3'/, 'ERR_NNCONV_ARG_TYPE');
    expectRejected(() => zeros([1.5]), /shape\[0\].*1\.5/, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(() => zeros([2 ** 53]), /shape\[0\].*2\^53/, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(() => zeros([2, -3]), /shape\[1\].*\[2, -3\]/, 'ERR_NNCONV_SHAPE');
    expectRejected(() => full([2], '1' as never), /value.*'1'/, 'ERR_NNCONV_ARG_TYPE');
  });

  test('new Tensor is not one of them', () => {
    const Untyped = Tensor as unknown as new (...args: unknown[]) => Tensor;
    expectRejected(() => new Untyped([1], [1]), /zeros\(\)/, 'ERR_NNCONV_ARG_TYPE');
    expect(isTensor(Object.create(Tensor.prototype))).toBe(false);
  });
});

describe('methods', () => {
  const t = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);

  test('reshape is a view', () => {
    const base = tensor([1, 2, 3, 4, 5, 6]);
    const view = base.reshape([2, -1]);
    expect(view.shape).toEqual([2, 3]);
    view.data[0] = 9;
    expect(base.toArray()).toEqual([9, 2, 3, 4, 5, 6]);
    expect(storageOf(view)).toBe(storageOf(base));
    expect(zeros([]).reshape([1, 1]).shape).toEqual([1, 1]);
    expect(zeros([0, 3]).reshape([3, 0]).shape).toEqual([3, 0]);
    expect(zeros([0, 3]).reshape([-1, 3]).shape).toEqual([0, 3]);
  });

  test.each([[[4]], [[2, 2]], [[-1, -1]], [[-2, 3]], [[-1, 4]], [[]], [[0, -1]]])(
    'reshape to %j is rejected',
    (shape) => {
      expectRejected(() => t.reshape(shape), /\[2, 3\].*\[/, 'ERR_NNCONV_SHAPE');
    },
  );

  test('clone has elements of its own', () => {
    const copy = t.clone();
    copy.fill_(0);
    expect(t.toArray()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });

  test('select copies a slice', () => {
    expect(t.select(0, 1).toArray()).toEqual([4, 5, 6]);
    expect(t.select(1, -1).toArray()).toEqual([3, 6]);
    expect(t.select(-1, 0).toArray()).toEqual([1, 4]);
    const cube = tensor(
      Float32Array.from({ length: 24 }, (_, i) => i),
      [2, 3, 4],
    );
    expect(cube.select(1, 2).toArray()).toEqual([
      [8, 9, 10, 11],
      [20, 21, 22, 23],
    ]);
    const slice = t.select(0, 0);
    slice.fill_(9);
    expect(t.select(0, 0).toArray()).toEqual([1, 2, 3]);
    expectRejected(() => t.select(0, 2), /index.*-2 to 1.*2/, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(() => t.select(2, 0), /dim.*-2 to 1.*2/, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(() => zeros([]).select(0, 0), /dim/, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(() => t.select('0' as never, 0), /dim/, 'ERR_NNCONV_ARG_TYPE');
  });

  test('toArray and item', () => {
    expect(zeros([2, 0]).toArray()).toEqual([[], []]);
    expect(tensor(4).toArray()).toBe(4);
    expect(tensor([[4]]).item()).toBe(4);
    expectRejected(() => t.item(), /\[2, 3\]/, 'ERR_NNCONV_SHAPE');
    expectRejected(() => zeros([0]).item(), /\[0\]/, 'ERR_NNCONV_SHAPE');
  });

  test('fill_ and what a dtype can hold', () => {
    expect(make('int64', [2], [1, 2]).fill_(-5).toArray()).toEqual([-5, -5]);
    expect(make('int8', [1], [1]).fill_(2.7).toArray()).toEqual([2]);
    expect(make('bool', [2], [0, 0]).fill_(7).toArray()).toEqual([1, 1]);
    expectRejected(() => make('int8', [1], [1]).fill_(128), /128.*int8/, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(() => make('int64', [1], [1]).fill_(NaN), /NaN/, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(() => t.fill_('1' as never), /value/, 'ERR_NNCONV_ARG_TYPE');
  });

  test('copy_ broadcasts and converts', () => {
    expect(
      zeros([2, 3])
        .copy_(tensor([1, 2, 3]))
        .toArray(),
    ).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect(
      zeros([2, 3])
        .copy_(tensor([[1], [2]]))
        .toArray(),
    ).toEqual([
      [1, 1, 1],
      [2, 2, 2],
    ]);
    expect(zeros([2]).copy_(tensor(5)).toArray()).toEqual([5, 5]);
    expect(
      zeros([2])
        .copy_(make('int64', [2], [3, -4]))
        .toArray(),
    ).toEqual([3, -4]);
    expect(
      make('int64', [2], [0, 0])
        .copy_(tensor([2.9, -2.9]))
        .toArray(),
    ).toEqual([2, -2]);
    expect(
      make('bool', [3], [0, 0, 0])
        .copy_(tensor([0, 0.5, NaN]))
        .toArray(),
    ).toEqual([0, 1, 1]);
    expect(
      zeros([0])
        .copy_(zeros([1]))
        .toArray(),
    ).toEqual([]);
    const message = /\[2\].*\[3\]/;
    expectRejected(() => zeros([3]).copy_(zeros([2])), message, 'ERR_NNCONV_SHAPE');
    expectRejected(() => zeros([]).copy_(zeros([1])), /\[1\].*\[\]/, 'ERR_NNCONV_SHAPE');
    expectRejected(() => zeros([1]).copy_([1] as never), /source/, 'ERR_NNCONV_ARG_TYPE');
  });

  test('a detached buffer is an error, not zeros', () => {
    const lost = ones([3]);
    structuredClone(lost.data, { transfer: [lost.data.buffer] });
    for (const use of [() => lost.clone(), () => String(lost), () => lost.fill_(1)]) {
      expectRejected(use, /detached/, 'ERR_NNCONV_BUFFER');
    }
    expect(lost.numel).toBe(3);
  });
});

describe('versions', () => {
  test('name a tensor and a state of it', () => {
    const a = zeros([2]);
    const b = zeros([2]);
    const seen = [versionOf(a), versionOf(b)];
    a.fill_(1);
    seen.push(versionOf(a));
    a.reshape([2, 1]).copy_(tensor([[1], [2]]));
    seen.push(versionOf(a));
    expect(new Set(seen).size).toBe(4);
    expect(seen.every((version) => version > 0)).toBe(true);
  });

  test('are unknown once data has been handed out, through a view too', () => {
    const a = zeros([2]);
    const view = a.reshape([1, 2]);
    void view.data;
    expect(versionOf(a)).toBe(-1);
    expect(versionOf(a.clone())).toBeGreaterThan(0);
  });
});
