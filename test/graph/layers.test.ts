/** Every layer and operation in a compiled network does what it does on its own. */
import {
  add,
  cat,
  compile,
  div,
  flatten,
  full,
  matmul,
  mean,
  mul,
  nn,
  permute,
  sub,
} from '../../lib';
import type { Tensor } from '../../lib';
import { expectCompiled, expectNear, expectSame, network, noise, scramble } from '../support/graph';
import type { Outputs } from '../support/graph';

const F = nn.functional;

/** The input of every layer has 4 channels. */
const SIZES: Record<number, number[]> = { 1: [9], 2: [7, 6], 3: [5, 4, 6] };

type Make = () => nn.Module;

/** Layers whose input has `dims` dimensions besides the batch and the channels. */
const layers: [dims: number, title: string, make: Make][] = [];
function of(dims: number | number[], title: string, make: (dims: number) => nn.Module): void {
  for (const d of [dims].flat()) layers.push([d, `${title} (${d}-d)`, () => make(d)]);
}

const ALL = [1, 2, 3];
const byDims =
  <T>(...choices: T[]) =>
  (d: number) =>
    choices[d - 1];
const Conv = byDims<any>(nn.Conv1d, nn.Conv2d, nn.Conv3d);
const ConvTranspose = byDims<any>(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d);

for (const [title, options] of Object.entries({
  plain: {},
  'no bias': { bias: false },
  strided: { stride: 2, padding: 1 },
  dilated: { dilation: 2, padding: 2 },
  'two groups': { groups: 2 },
  depthwise: { groups: 4, padding: 1 },
  same: { padding: 'same' },
  reflecting: { padding: 1, paddingMode: 'reflect' },
  replicating: { padding: 2, paddingMode: 'replicate' },
  circular: { padding: 'same', paddingMode: 'circular' },
})) {
  of(ALL, `Conv, ${title}`, (d) => new (Conv(d))(4, 8, 3, options));
}
of(ALL, 'Conv, pointwise', (d) => new (Conv(d))(4, 6, 1));
of(2, 'Conv, wide', () => new nn.Conv2d(4, 40, [3, 2], { padding: [1, 0] }));
for (const [title, options] of Object.entries({
  plain: {},
  strided: { stride: 2, padding: 1 },
  'output padding': { stride: 2, outputPadding: 1 },
  'two groups': { groups: 2, bias: false },
  dilated: { dilation: 2 },
})) {
  of(ALL, `ConvTranspose, ${title}`, (d) => new (ConvTranspose(d))(4, 6, 3, options));
}

of(
  ALL,
  'BatchNorm',
  (d) => new (byDims<any>(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)(d))(4),
);
of(2, 'BatchNorm, not affine', () => new nn.BatchNorm2d(4, { affine: false }));
of(2, 'BatchNorm, no statistics', () => new nn.BatchNorm2d(4, { trackRunningStats: false }));
const InstanceNorm = byDims<any>(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d);
of(ALL, 'InstanceNorm', (d) => new (InstanceNorm(d))(4));
of(ALL, 'InstanceNorm, tracked and affine', (d) => new (InstanceNorm(d))(4, { affine: true, trackRunningStats: true })); // prettier-ignore
of(ALL, 'GroupNorm', () => new nn.GroupNorm(2, 4));
of(ALL, 'LayerNorm', (d) => new nn.LayerNorm(SIZES[d]));
of(ALL, 'LayerNorm, not affine', (d) => new nn.LayerNorm(SIZES[d].at(-1)!, { elementwiseAffine: false })); // prettier-ignore
of(ALL, 'LocalResponseNorm', () => new nn.LocalResponseNorm(3));

const activations: [string, Make][] = [
  ['ReLU', () => new nn.ReLU()],
  ['ReLU, in place', () => new nn.ReLU({ inplace: true })],
  ['ReLU6', () => new nn.ReLU6()],
  ['LeakyReLU', () => new nn.LeakyReLU({ negativeSlope: 0.2 })],
  ['ELU', () => new nn.ELU({ alpha: 0.7 })],
  ['GELU', () => new nn.GELU()],
  ['GELU, tanh', () => new nn.GELU({ approximate: 'tanh' })],
  ['SiLU', () => new nn.SiLU()],
  ['Mish', () => new nn.Mish()],
  ['Sigmoid', () => new nn.Sigmoid()],
  ['Tanh', () => new nn.Tanh()],
  ['Hardsigmoid', () => new nn.Hardsigmoid()],
  ['Hardswish', () => new nn.Hardswish()],
  ['PReLU', () => new nn.PReLU()],
  ['Softmax', () => new nn.Softmax({ dim: -1 })],
  ['LogSoftmax', () => new nn.LogSoftmax({ dim: 0 })],
  ['Dropout', () => new nn.Dropout()],
  ['Identity', () => new nn.Identity()],
];
for (const [title, make] of activations) of(ALL, title, make);
of(2, 'PReLU, by channel', () => new nn.PReLU({ numParameters: 4 }));
of(
  ALL,
  'Dropout of channels',
  (d) => new (byDims<any>(nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)(d))(),
);

const pads = byDims<Record<string, any>>(
  { Zero: nn.ZeroPad1d, Constant: nn.ConstantPad1d, Reflection: nn.ReflectionPad1d, Replication: nn.ReplicationPad1d, Circular: nn.CircularPad1d }, // prettier-ignore
  { Zero: nn.ZeroPad2d, Constant: nn.ConstantPad2d, Reflection: nn.ReflectionPad2d, Replication: nn.ReplicationPad2d, Circular: nn.CircularPad2d }, // prettier-ignore
  { Zero: nn.ZeroPad3d, Constant: nn.ConstantPad3d, Reflection: nn.ReflectionPad3d, Replication: nn.ReplicationPad3d, Circular: nn.CircularPad3d }, // prettier-ignore
);
for (const kind of ['Zero', 'Constant', 'Reflection', 'Replication', 'Circular']) {
  of(ALL, `${kind}Pad`, (d) => new (pads(d)[kind])(2, 1.5));
  of(ALL, `${kind}Pad, uneven`, (d) => new (pads(d)[kind])([1, 2, 0, 1, 2, 1].slice(0, 2 * d), -1));
}
of(2, 'ZeroPad2d, cropping', () => new nn.ZeroPad2d([-1, 2, 1, -1]));

for (const kind of ['Max', 'Avg'] as const) {
  const pools = byDims<any>(nn[`${kind}Pool1d`], nn[`${kind}Pool2d`], nn[`${kind}Pool3d`]);
  of(ALL, `${kind}Pool`, (d) => new (pools(d))(2));
  of(
    ALL,
    `${kind}Pool, padded`,
    (d) => new (pools(d))(3, { stride: 2, padding: 1, ceilMode: true }),
  );
  const adaptive = byDims<any>(
    nn[`Adaptive${kind}Pool1d`],
    nn[`Adaptive${kind}Pool2d`],
    nn[`Adaptive${kind}Pool3d`],
  );
  of(ALL, `Adaptive${kind}Pool`, (d) => new (adaptive(d))(3));
  of(ALL, `Adaptive${kind}Pool, to 1`, (d) => new (adaptive(d))(1));
}
of(2, 'AdaptiveAvgPool2d, one side', () => new nn.AdaptiveAvgPool2d([null, 2]));

const modes = byDims(['nearest', 'linear', 'nearest-exact', 'area'], ['nearest', 'bilinear', 'bicubic', 'nearest-exact', 'area'], ['nearest', 'trilinear', 'area']); // prettier-ignore
for (const d of ALL) {
  for (const mode of modes(d)) {
    of(d, `Upsample, ${mode}`, () => new nn.Upsample({ scaleFactor: 2, mode: mode as 'nearest' }));
    of(
      d,
      `Upsample to a size, ${mode}`,
      () => new nn.Upsample({ size: 5, mode: mode as 'nearest' }),
    );
  }
}
of(2, 'Upsample, corners aligned', () => new nn.Upsample({ scaleFactor: 1.7, mode: 'bilinear', alignCorners: true })); // prettier-ignore
of(2, 'UpsamplingNearest2d', () => new nn.UpsamplingNearest2d({ scaleFactor: 3 }));
of(2, 'UpsamplingBilinear2d', () => new nn.UpsamplingBilinear2d({ size: 11 }));
of([2, 3], 'PixelShuffle', () => new nn.PixelShuffle(1));
of(2, 'PixelUnshuffle', () =>
  network({}, (x) => new nn.PixelUnshuffle(2).forward(x.reshape([-1, 7, 4, 6]))),
);
of(ALL, 'Flatten', () => new nn.Flatten());
of(ALL, 'Flatten, all', () => new nn.Flatten({ startDim: 0 }));
of(ALL, 'Unflatten', () => new nn.Unflatten(1, [2, 2]));
of(ALL, 'Linear', (d) => new nn.Linear(SIZES[d].at(-1)!, 5));
of(ALL, 'Linear, no bias', (d) => new nn.Linear(SIZES[d].at(-1)!, 70, { bias: false }));

/** Whether a model takes an input of this shape. */
function takes(model: nn.Module, shape: readonly number[]): boolean {
  try {
    model.forward(noise(1, shape));
    return true;
  } catch {
    return false;
  }
}

let compared = 0;

describe.each(layers)('%i-d: %s', (dims, _, make) => {
  const model = scramble(make()).eval();
  const sizes = SIZES[dims];

  test.each([
    ['a batch of one', [1, 4, ...sizes]],
    ['a batch of three', [3, 4, ...sizes]],
    ['no batch', [4, ...sizes]],
    ['an empty batch', [0, 4, ...sizes]],
  ])('%s', (title, shape) => {
    if (!takes(model, shape)) {
      expect(title).not.toMatch('a batch of');
      expect(() => compile(model).run(noise(1, shape))).toThrow();
      return;
    }
    expectCompiled(model, [noise(2, shape)]);
    compared++;
  });

  test('behind and before a convolution', () => {
    const conv = scramble(new (Conv(dims))(4, 4, 3, { padding: 1 }), 5) as nn.Conv2d;
    const before = network({ conv, model }, (x) => model.forward(conv.forward(x)) as Outputs);
    expectCompiled(before, [noise(3, [2, 4, ...sizes])]);
    const shape = [2, 4, ...sizes];
    const behind = network({ conv, model }, (x) => conv.forward(model.forward(x) as Tensor));
    if (takes(behind, shape)) expectCompiled(behind, [noise(4, shape)]);
    // What one computes in place must not show in the other.
    const both = network({ conv, model }, (x) => {
      const y = conv.forward(x);
      const z = model.forward(y) as Outputs;
      return [z, y, conv.forward(x)];
    });
    expectCompiled(both, [noise(5, shape)]);
  });
});

test('layers were compared', () => {
  expect(compared).toBeGreaterThan(300);
});

const functions: [string, (x: Tensor, y: Tensor) => Outputs][] = [
  ['add', (x, y) => add(x, y)],
  ['add, alpha', (x, y) => add(x, y, { alpha: 0.3 })],
  ['add of a number', (x) => [add(x, 2.5), add(-1, x)]],
  ['add to itself', (x) => add(x, x)],
  ['add, broadcast', (x, y) => add(x, y.select(0, 1))],
  ['add of a channel', (x, y) => add(x, mean(y, [0, 2, 3], { keepdim: true }))],
  [
    'add that grows both',
    (x, y) => add(mean(x, 1, { keepdim: true }), mean(y, 2, { keepdim: true })),
  ],
  ['sub', (x, y) => sub(x, y, { alpha: 2 })],
  ['sub, turned', (x, y) => sub(y, x)],
  ['mul', (x, y) => mul(x, y)],
  ['mul by a gate', (x, y) => mul(x, F.sigmoid(mean(y, [2, 3], { keepdim: true })))],
  ['div', (x, y) => div(x, y)],
  ['div by numbers', (x) => [div(x, 0), div(1, x), div(x, Infinity), mul(x, NaN), mul(x, -0)]],
  ['matmul', (x, y) => matmul(x, permute(y, [0, 1, 3, 2]))],
  ['matmul, broadcast', (x, y) => matmul(x, permute(y.select(0, 0), [0, 2, 1]))],
  ['matmul of vectors', (x, y) => matmul(flatten(x), flatten(y))],
  ['cat', (x, y) => cat([x, y], 1)],
  ['cat, dim 0', (x, y) => cat([x, y, x])],
  ['cat, last dim', (x, y) => cat([x, mul(x, y)], -1)],
  ['cat of one', (x) => cat([x], 2)],
  ['cat with nothing', (x) => cat([full([0], 1), x, full([0], 1)], 1)],
  ['mean', (x) => mean(x)],
  ['mean of some', (x) => [mean(x, 1), mean(x, [0, -1], { keepdim: true })]],
  ['permute', (x) => permute(x, [3, 0, 2, 1])],
  ['flatten', (x) => flatten(x, 1, 2)],
  ['reshape', (x) => x.reshape([-1, 3])],
  ['reshape and back', (x) => x.reshape([-1]).reshape(x.shape)],
  ['clone', (x) => x.clone()],
  ['select', (x) => [x.select(0, 0), x.select(-1, -1), x.select(1, 2).select(0, 1)]],
  ['the input', (x) => x],
  ['inputs, twice', (x, y) => [y, x, { again: x, both: [y, y] }]],
  ['views of inputs', (x, y) => ({ a: flatten(x), b: [y.reshape([4, 2, 42])] })],
  ['nothing', () => []],
  ['a constant', () => full([2, 3], 7)],
  ['a scalar constant', (x) => [full([], 7), mul(full([], 2), x)]],
  ['an empty tensor', (x) => [full([0, 3], 1), x]],
  ['constants of the same elements', () => { const c = noise(9, [6]); return [c, c.reshape([2, 3]), c.clone()]; }], // prettier-ignore
  ['pad', (x) => F.pad(x, [1, 1, 2, 0, 1, 0], { value: 3 })],
  ['pad, reflecting', (x) => F.pad(x, [1, 2, 0, 3], { mode: 'reflect' }).select(0, 0)],
  ['interpolate', (x) => F.interpolate(x, { size: [9, 3], mode: 'bicubic', alignCorners: true })],
  ['pixelShuffle', (x) => F.pixelShuffle(x, 2)],
  ['pixelUnshuffle', (x) => F.pixelUnshuffle(x.reshape([2, 2, 14, 6]), 2)],
  [
    'convolution by function',
    (x) => F.conv2d(x, noise(3, [6, 2, 3, 3]), noise(4, [6]), { groups: 2 }),
  ],
  ['batchNorm by function', (x) => F.batchNorm(x, noise(3, [4]), full([4], 2))],
  ['layerNorm by function', (x) => F.layerNorm(x, [7, 6], noise(3, [7, 6]))],
  ['dropout by function', (x) => F.dropout(x, { training: false })],
  ['linear by function', (x) => F.linear(x, noise(3, [5, 6]))],
  ['softmax of a scalar', (x) => F.softmax(mean(x), { dim: 0 })],
];

test.each(functions)('%s', (_, forward) => {
  const model = network({}, forward);
  expectCompiled(model, [noise(1, [2, 4, 7, 6]), noise(2, [2, 4, 7, 6])]);
});

test.each(functions)('%s, of what layers return', (_, forward) => {
  const parts = { a: scramble(new nn.Conv2d(4, 4, 3, { padding: 1 })), b: scramble(new nn.Conv2d(4, 4, 1), 2) }; // prettier-ignore
  const model = network(parts, function (x) {
    const [a, b] = [F.relu(this.a.forward(x)), F.tanh(this.b.forward(x))];
    return [forward(a, b), a, forward(b, a)];
  });
  expectCompiled(model, [noise(1, [2, 4, 7, 6])]);
});

test('special values pass as they do layer by layer', () => {
  const conv = scramble(new nn.Conv2d(2, 3, 1));
  const model = network({ conv }, (x) => [
    F.relu(conv.forward(x)),
    F.relu6(x),
    F.relu(add(conv.forward(x), mean(x, 1, { keepdim: true }).reshape([1, 1, 2, 4]))),
    F.relu(add(conv.forward(x), cat([x, mean(x, 1, { keepdim: true })], 1))),
  ]);
  const x = noise(1, [1, 2, 2, 4]);
  x.data.set([NaN, Infinity, -Infinity, -0, 1e38, -1e38, 1e-45, -1e-45]);
  expectCompiled(model, [x]);
});

test('the same weights in strict numerics', () => {
  const conv = scramble(new nn.Conv2d(16, 16, 3, { padding: 1 }));
  const model = network({ conv }, (x) => F.conv2d(x, conv.weight, conv.bias, { padding: 1, strict: true })); // prettier-ignore
  expectCompiled(model, [noise(1, [1, 16, 12, 12])]);
});

test('a transposed convolution with an output size', () => {
  const up = scramble(new nn.ConvTranspose2d(3, 5, 3, { stride: 2, padding: 1 }));
  const norm = scramble(new nn.BatchNorm2d(5));
  for (const size of [13, 14]) {
    const model = network({ up, norm }, (x) => [
      up.forward(x, [size, size]),
      F.relu(norm.forward(up.forward(x, [size, size]))),
    ]);
    expectCompiled(model, [noise(1, [2, 3, 7, 7])]);
  }
});

test('in-place layers change what shares elements, and nothing else', () => {
  const conv = scramble(new nn.Conv2d(3, 4, 3));
  const relu = new nn.ReLU({ inplace: true });
  const hardswish = new nn.Hardswish({ inplace: true });
  const forwards: ((x: Tensor) => Outputs)[] = [
    // Both names are of one tensor.
    (x) => { const y = conv.forward(x); const z = relu.forward(y); return [y, z, add(y, z)]; }, // prettier-ignore
    // A sum taken before, and one after.
    (x) => { const y = conv.forward(x); const a = add(y, 1); relu.forward(y); return [a, add(y, 1), y]; }, // prettier-ignore
    // Through a view, seen in the tensor; and the other way.
    (x) => { const y = conv.forward(x); relu.forward(flatten(y)); return [y, mean(y)]; }, // prettier-ignore
    (x) => { const y = conv.forward(x); const v = y.reshape([-1, 4]); relu.forward(y); return [v, hardswish.forward(v), y]; }, // prettier-ignore
    // Not through copies.
    (x) => { const y = conv.forward(x); const c = y.clone(), s = y.select(1, 0); relu.forward(y); return [c, s, y]; }, // prettier-ignore
    (x) => { const y = conv.forward(x); const c = y.clone(); relu.forward(c); return [c, y]; }, // prettier-ignore
    (x) => { const y = conv.forward(x); const c = cat([y, y]); relu.forward(y); relu.forward(c.select(0, 0)); return [c, y]; }, // prettier-ignore
    // On what others return as it is.
    (x) => { const y = conv.forward(x); relu.forward(F.dropout(y, { training: false })); return y; }, // prettier-ignore
    (x) => { const y = conv.forward(x); relu.forward(new nn.Identity().forward(y)); return [y, hardswish.forward(hardswish.forward(y))]; }, // prettier-ignore
    // On the input.
    (x) => { const y = relu.forward(x); return [conv.forward(x), y, x]; }, // prettier-ignore
    (x) => { const before = x.clone(); relu.forward(flatten(x)); return [before, conv.forward(x)]; }, // prettier-ignore
  ];
  for (const forward of forwards) {
    expectCompiled(network({ conv }, forward), [noise(1, [2, 3, 6, 6])]);
  }
});

test('modules used several times, inputs given twice', () => {
  const conv = scramble(new nn.Conv2d(3, 3, 3, { padding: 1 }));
  const norm = scramble(new nn.BatchNorm2d(3));
  const model = network({ conv, same: conv, norm }, function (x, y) {
    let z = x;
    for (let i = 0; i < 3; i++) z = F.relu(norm.forward(this.same.forward(z)));
    return { x: z, y: norm.forward(conv.forward(y)), plain: conv.forward(x) };
  });
  const x = noise(1, [1, 3, 8, 9]);
  expectCompiled(model, [x, x]);
  expectCompiled(model, [x, noise(2, [4, 3, 5, 5])]);
});

test('a deep network', () => {
  const model = network({}, (x) => {
    let y = x;
    for (let i = 0; i < 20_000; i++) y = i % 2 === 0 ? F.relu(y) : add(y, y.reshape(y.shape));
    return y;
  });
  const x = mul(noise(1, [2, 2]), 0);
  expectSame(compile(model).run(x), model.forward(x));
});

test('many tensors concatenated', () => {
  const model = network({}, (x) => cat(Array.from({ length: 3000 }, (_, i) => mul(x, i))));
  expectCompiled(model, [noise(1, [1, 2])]);
});

test('weights computed from weights', () => {
  const parts = { weight: new nn.Parameter(noise(1, [4, 3, 3, 3])), scale: new nn.Parameter(noise(2, [4, 1, 1, 1])) }; // prettier-ignore
  const model = network(parts, function (x) {
    return F.conv2d(x, mul(this.weight, this.scale), this.scale.reshape([4]));
  });
  expectCompiled(model, [noise(3, [1, 3, 5, 5])]);
});

test('the outputs of layers one by one differ where norms are folded, by rounding only', () => {
  const conv = scramble(new nn.Conv2d(8, 8, 3));
  const norm = scramble(new nn.BatchNorm2d(8));
  const model = network({ conv, norm }, (x) => norm.forward(conv.forward(x)));
  const x = noise(1, [2, 8, 9, 9]);
  expectNear(compile(model).run<Outputs>(x), model.forward(x));
});
