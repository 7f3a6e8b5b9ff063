/** nn.init fills with PyTorch's numbers; layers start with them. */
import { manualSeed, nn, rand, type Tensor, tensor, zeros } from '../lib';
import { wrap } from '../lib/tensor';
import { expectRejected } from './support/errors';
import { type JsonNumber, readFixture, toNumber } from './support/json';

interface Init {
  init: string;
  seed: number;
  shape: number[];
  options: Record<string, JsonNumber>;
  values: number[];
  next: number;
}

interface Layer {
  layer: 'Conv1d';
  seed: number;
  args: [number, number, number | number[]];
  options: Record<string, unknown>;
  weight: number[];
  bias: number[] | null;
  next: number;
}

const rows = readFixture<Init | Layer>('init.json');
const camel = (name: string) =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Arguments after the tensor: the required and the common ones in their places. */
const POSITIONAL: Record<string, string[]> = {
  uniform_: ['a', 'b'],
  normal_: ['mean', 'std'],
  constant_: ['val'],
  sparse_: ['sparsity'],
};

function expectNear(actual: Tensor, expected: number[], tolerance: number): void {
  expect(actual.numel).toBe(expected.length);
  const values = actual.clone().data;
  expected.forEach((value, i) => {
    if (!(Math.abs(values[i] - value) <= tolerance * Math.max(1, Math.abs(value)))) {
      throw new Error(`[${i}] is ${values[i]} instead of ${value}`);
    }
  });
}

/** Uniform numbers are exact; normal ones differ in the last bits, and so does what uses them. */
const EXACT = /uniform|constant|ones|zeros|eye|dirac/;

describe('as PyTorch', () => {
  const inits = rows.filter((row) => 'init' in row);
  test.each(
    inits.map((row) => [row.init, row.shape.join(', '), JSON.stringify(row.options), row] as const),
  )('%s of [%s] with %s', (name, _shape, _options, row) => {
    const options = Object.fromEntries(
      Object.entries(row.options).map(([key, value]) => [
        key,
        key === 'mode' || key === 'nonlinearity' ? value : toNumber(value),
      ]),
    );
    const places = POSITIONAL[name] ?? [];
    const positional = places.map((key) => options[key]);
    for (const key of places) delete options[key];
    const fill = (nn.init as unknown as Record<string, (...args: unknown[]) => Tensor>)[
      camel(name)
    ];
    const rest = Object.keys(options).length > 0 ? [options] : [];

    const target = zeros(row.shape).fill_(77);
    manualSeed(row.seed);
    expect(fill(target, ...positional, ...rest)).toBe(target);
    expectNear(target, row.values, EXACT.test(name) ? 0 : 2e-6);
    expect(rand([1]).item()).toBe(row.next);
  });

  const layers = rows.filter((row) => 'layer' in row);
  test.each(layers.map((row) => [row.layer, JSON.stringify(row.args), row] as const))(
    'a new %s %s',
    (_name, _args, row) => {
      manualSeed(row.seed);
      const layer = new nn[row.layer](...row.args, row.options);
      expectNear(layer.weight, row.weight, 0);
      if (row.bias === null) expect(layer.bias).toBeNull();
      else expectNear(layer.bias!, row.bias, 0);
      expect(rand([1]).item()).toBe(row.next);
    },
  );
});

function moments(t: Tensor): { mean: number; std: number; min: number; max: number } {
  const { data } = t;
  const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
  const variance = data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length;
  const min = data.reduce((a, b) => Math.min(a, b));
  const max = data.reduce((a, b) => Math.max(a, b));
  return { mean, std: Math.sqrt(variance), min, max };
}

describe('statistics', () => {
  const shape = [64, 32, 5, 5];
  const fanIn = 32 * 25;
  const fanOut = 64 * 25;
  beforeEach(() => manualSeed(1));

  test.each<[string, (t: Tensor) => unknown, number]>([
    ['kaimingNormal_', (t) => nn.init.kaimingNormal_(t), Math.sqrt(2 / fanIn)],
    [
      'kaimingNormal_ fan_out',
      (t) => nn.init.kaimingNormal_(t, { mode: 'fan_out' }),
      Math.sqrt(2 / fanOut),
    ],
    ['xavierNormal_', (t) => nn.init.xavierNormal_(t), Math.sqrt(2 / (fanIn + fanOut))],
    ['normal_', (t) => nn.init.normal_(t, 0, 0.3), 0.3],
  ])('%s', (_, fill, expected) => {
    const t = zeros(shape);
    fill(t);
    const { mean, std } = moments(t);
    expect(Math.abs(mean)).toBeLessThan(expected / 50);
    expect(std / expected).toBeCloseTo(1, 1.7);
  });

  test.each<[string, (t: Tensor) => unknown, number]>([
    ['kaimingUniform_', (t) => nn.init.kaimingUniform_(t), Math.sqrt(6 / fanIn)],
    [
      'kaimingUniform_ of tanh',
      (t) => nn.init.kaimingUniform_(t, { nonlinearity: 'tanh' }),
      (5 / 3) * Math.sqrt(3 / fanIn),
    ],
    ['xavierUniform_', (t) => nn.init.xavierUniform_(t), Math.sqrt(6 / (fanIn + fanOut))],
    ['uniform_', (t) => nn.init.uniform_(t, -2, 2), 2],
  ])('%s', (_, fill, bound) => {
    const t = zeros(shape);
    fill(t);
    const { mean, std, min, max } = moments(t);
    expect(Math.abs(mean)).toBeLessThan(bound / 50);
    expect(std / (bound / Math.sqrt(3))).toBeCloseTo(1, 1.7);
    expect(max / bound).toBeCloseTo(1, 3);
    expect(min / bound).toBeCloseTo(-1, 3);
    expect(Math.max(-min, max)).toBeLessThanOrEqual(Math.fround(bound));
  });

  test('truncNormal_ keeps to its bounds and to the distribution', () => {
    const t = nn.init.truncNormal_(zeros([50_000]), { a: -1, b: 1 });
    const { mean, std, min, max } = moments(t);
    expect(min).toBeGreaterThanOrEqual(-1);
    expect(max).toBeLessThanOrEqual(1);
    expect(mean).toBeCloseTo(0, 1.7);
    expect(std).toBeCloseTo(0.5396, 2);
  });

  test('truncNormal_ in a far tail ends, with the tail it should have', () => {
    const t = nn.init.truncNormal_(zeros([20_000]), { std: 0.01, a: 0.05, b: 1e6 });
    const { mean, min } = moments(t);
    expect(min).toBeGreaterThanOrEqual(Math.fround(0.05));
    // The mean of a normal distribution beyond 5 sigma.
    expect((mean - 0.05) / 0.01).toBeCloseTo(0.1865, 2);
    const open = nn.init.truncNormal_(zeros([1000]), { a: 3, b: Infinity });
    expect(moments(open).min).toBeGreaterThanOrEqual(3);
    expect(nn.init.truncNormal_(zeros([3]), { a: 1, b: 1 }).toArray()).toEqual([1, 1, 1]);
  });

  test.each([
    [[40, 25], 1],
    [[25, 40], 1],
    [[16, 8, 3, 3], 2],
    [[30, 30], 1],
  ])('orthogonal_ of %j', (orthogonal, gain) => {
    const t = nn.init.orthogonal_(zeros(orthogonal), { gain });
    const rows_ = orthogonal[0];
    const columns = t.numel / rows_;
    const at = (i: number, j: number) => t.data[i * columns + j];
    const few = Math.min(rows_, columns);
    for (let a = 0; a < few; a++) {
      for (let b = 0; b <= a; b++) {
        let dot = 0;
        for (let k = 0; k < Math.max(rows_, columns); k++) {
          dot += rows_ < columns ? at(a, k) * at(b, k) : at(k, a) * at(k, b);
        }
        expect(dot / gain ** 2).toBeCloseTo(a === b ? 1 : 0, 5);
      }
    }
  });

  test('sparse_ zeroes the same number in each column', () => {
    const t = nn.init.sparse_(zeros([10, 30]), 0.25);
    for (let column = 0; column < 30; column++) {
      const values = t.select(1, column).toArray() as number[];
      expect(values.filter((value) => value === 0)).toHaveLength(3);
    }
  });
});

describe('gain and fan', () => {
  test('calculateGain', () => {
    expect(nn.init.calculateGain('linear')).toBe(1);
    expect(nn.init.calculateGain('conv_transpose3d')).toBe(1);
    expect(nn.init.calculateGain('sigmoid')).toBe(1);
    expect(nn.init.calculateGain('tanh')).toBe(5 / 3);
    expect(nn.init.calculateGain('relu')).toBe(Math.sqrt(2));
    expect(nn.init.calculateGain('selu')).toBe(0.75);
    expect(nn.init.calculateGain('leaky_relu')).toBe(Math.sqrt(2 / (1 + 0.01 ** 2)));
    expect(nn.init.calculateGain('leaky_relu', 0.2)).toBe(Math.sqrt(2 / 1.04));
    expectRejected(() => nn.init.calculateGain('gelu' as never), /'gelu'/, 'ERR_NNCONV_ARG_VALUE');
    const slope = () => nn.init.calculateGain('leaky_relu', true as never);
    expectRejected(slope, /param.*true/, 'ERR_NNCONV_ARG_TYPE');
  });

  test('calculateFanInAndFanOut goes by the stored shape', () => {
    expect(nn.init.calculateFanInAndFanOut(zeros([4, 3]))).toEqual([3, 4]);
    const { weight } = new nn.ConvTranspose2d(4, 6, 3, { groups: 2 });
    expect(nn.init.calculateFanInAndFanOut(weight)).toEqual([27, 36]);
    expectRejected(() => nn.init.calculateFanInAndFanOut(zeros([4])), /\[4\]/, 'ERR_NNCONV_SHAPE');
  });
});

test('constants fill tensors of any dtype', () => {
  const counts = wrap('int64', new BigInt64Array(2), [2]);
  expect(nn.init.constant_(counts, 3).toArray()).toEqual([3, 3]);
  expect(nn.init.zeros_(counts).toArray()).toEqual([0, 0]);
  expect(nn.init.constant_(zeros([1]), NaN).item()).toBeNaN();
});

test('tensors without elements are left alone', () => {
  for (const fill of [nn.init.kaimingUniform_, nn.init.kaimingNormal_, nn.init.orthogonal_]) {
    expect(fill(zeros([0, 3])).numel).toBe(0);
  }
  expect(nn.init.dirac_(zeros([2, 2, 0])).numel).toBe(0);
});

describe('rejected', () => {
  const init = nn.init as unknown as Record<string, (...args: unknown[]) => unknown>;
  const w = zeros([4, 3, 2]);
  const matrix = zeros([4, 3]);

  test('anything but a tensor', () => {
    for (const name of Object.keys(init).filter((key) => key.endsWith('_'))) {
      for (const value of [undefined, null, 3, [1, 2], new Float32Array(4), {}]) {
        const rest = name === 'sparse_' || name === 'constant_' ? [0.5] : [];
        expectRejected(() => init[name](value, ...rest), /tensor/, 'ERR_NNCONV_ARG_TYPE');
      }
    }
    const counts = tensor(new BigInt64Array(12), [4, 3]);
    for (const name of ['uniform_', 'normal_', 'kaimingNormal_', 'orthogonal_', 'eye_']) {
      expectRejected(() => init[name](counts), /float32.*int64/, 'ERR_NNCONV_ARG_TYPE');
    }
  });

  test.each<[string, unknown[], RegExp, string]>([
    ['uniform_', [w, 2, 1], /a=2.*b=1/, 'ERR_NNCONV_ARG_VALUE'],
    ['uniform_', [w, NaN], /a.*NaN/, 'ERR_NNCONV_ARG_VALUE'],
    ['uniform_', [w, 0, 1e300], /1e\+300/, 'ERR_NNCONV_ARG_VALUE'],
    ['uniform_', [w, '0'], /a.*'0'/, 'ERR_NNCONV_ARG_TYPE'],
    ['normal_', [w, 0, -1], /std.*-1/, 'ERR_NNCONV_ARG_VALUE'],
    ['normal_', [w, Infinity], /mean.*Infinity/, 'ERR_NNCONV_ARG_VALUE'],
    ['normal_', [w, null], /mean.*null/, 'ERR_NNCONV_ARG_TYPE'],
    ['constant_', [w, '1'], /value.*'1'/, 'ERR_NNCONV_ARG_TYPE'],
    ['constant_', [w], /value.*undefined/, 'ERR_NNCONV_ARG_TYPE'],
    ['eye_', [w], /\[4, 3, 2\]/, 'ERR_NNCONV_SHAPE'],
    ['dirac_', [matrix], /\[4, 3\]/, 'ERR_NNCONV_SHAPE'],
    ['dirac_', [w, { groups: 3 }], /groups/, 'ERR_NNCONV_ARG_VALUE'],
    ['dirac_', [w, { groups: 0 }], /groups/, 'ERR_NNCONV_ARG_VALUE'],
    ['dirac_', [w, { group: 2 }], /'group'.*'groups'/, 'ERR_NNCONV_UNKNOWN_OPTION'],
    ['dirac_', [w, 2], /options of dirac_/, 'ERR_NNCONV_ARG_TYPE'],
    ['xavierUniform_', [zeros([3])], /\[3\]/, 'ERR_NNCONV_SHAPE'],
    ['xavierNormal_', [w, { gain: '2' }], /gain.*'2'/, 'ERR_NNCONV_ARG_TYPE'],
    ['xavierNormal_', [w, { gain: null }], /gain.*null/, 'ERR_NNCONV_ARG_TYPE'],
    ['kaimingNormal_', [zeros([3])], /\[3\]/, 'ERR_NNCONV_SHAPE'],
    ['kaimingNormal_', [w, { mode: 'fanOut' }], /'fanOut'.*'fan_out'/, 'ERR_NNCONV_ARG_VALUE'],
    ['kaimingNormal_', [w, { mode: 1 }], /mode.*1/, 'ERR_NNCONV_ARG_TYPE'],
    ['kaimingUniform_', [w, { nonlinearity: 'ReLU' }], /'ReLU'.*'relu'/, 'ERR_NNCONV_ARG_VALUE'],
    ['kaimingUniform_', [w, { a: true }], /a.*true/, 'ERR_NNCONV_ARG_TYPE'],
    ['truncNormal_', [w, { std: 0 }], /std.*0/, 'ERR_NNCONV_ARG_VALUE'],
    ['truncNormal_', [w, { a: 3 }], /a=3.*b=2/, 'ERR_NNCONV_ARG_VALUE'],
    ['truncNormal_', [w, { a: NaN }], /NaN/, 'ERR_NNCONV_ARG_VALUE'],
    ['truncNormal_', [w, { mean: '0' }], /mean.*'0'/, 'ERR_NNCONV_ARG_TYPE'],
    ['orthogonal_', [zeros([3])], /\[3\]/, 'ERR_NNCONV_SHAPE'],
    ['sparse_', [w, 0.5], /\[4, 3, 2\]/, 'ERR_NNCONV_SHAPE'],
    ['sparse_', [matrix, 1.5], /sparsity.*1\.5/, 'ERR_NNCONV_ARG_VALUE'],
    ['sparse_', [matrix, NaN], /sparsity.*NaN/, 'ERR_NNCONV_ARG_VALUE'],
    ['sparse_', [matrix], /sparsity.*undefined/, 'ERR_NNCONV_ARG_TYPE'],
    ['sparse_', [matrix, 0.5, { std: -1 }], /std.*-1/, 'ERR_NNCONV_ARG_VALUE'],
  ])('%s %#', (name, args, message, code) => {
    expectRejected(() => init[name](...args), message, code);
  });

  test('what is rejected changes nothing', () => {
    const t = tensor([[1, 2]]);
    expectRejected(() => init.sparse_(t, 2), /sparsity/);
    expectRejected(() => init.dirac_(t), /\[1, 2\]/);
    expectRejected(() => init.uniform_(t, 2, 1), /a=2/);
    expectRejected(() => init.normal_(t, 0, -1), /std/);
    expect(t.toArray()).toEqual([[1, 2]]);
  });
});
