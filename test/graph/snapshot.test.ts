/** A session computes with the model as it was when it was compiled. */
import { compile, full, manualSeed, mul, nn, ones, tensor, zeros } from '../../lib';
import type { Tensor } from '../../lib';
import { readData, storageOf } from '../../lib/tensor';
import { expectNear, expectSame, network, noise, scramble } from '../support/graph';

const F = nn.functional;

class Net extends nn.Module {
  conv: nn.Conv2d | null = new nn.Conv2d(3, 4, 3);
  norm = new nn.BatchNorm2d(4);
  dropout = new nn.Dropout();
  head = new nn.Linear(4, 2);
  scale = new nn.Parameter(full([1, 4, 1, 1], 2));
  tail = new nn.Sequential(new nn.Identity());
  slope = 0.1;
  declare shift: Tensor | null;

  constructor() {
    super();
    this.registerParameter('shift', null);
    this.registerBuffer('factor', full([], 3));
    scramble(this);
  }

  override forward(x: Tensor): Tensor {
    let y = this.norm.forward(this.conv!.forward(x));
    y = F.leakyRelu(mul(y, this.scale), { negativeSlope: this.slope });
    // Computed from weights while the network is recorded.
    y = mul(y, mul(this.scale, (this as unknown as { factor: Tensor }).factor));
    if (this.shift !== null) y = mul(y, this.shift);
    y = this.dropout.forward(y);
    return this.tail.forward(this.head.forward(y.reshape([y.shape[0], 4, -1]).select(2, 0)));
  }
}

const changes: [title: string, change: (model: Net) => void][] = [
  ['copy_', (model) => model.conv!.weight.copy_(noise(5, [4, 3, 3, 3]))],
  ['fill_ of a parameter', (model) => model.scale.fill_(7)],
  ['fill_ of statistics', (model) => model.norm.running_mean!.fill_(7)],
  ['fill_ of a buffer', (model) => (model as unknown as { factor: Tensor }).factor.fill_(-1)],
  ['init', (model) => { manualSeed(3); nn.init.uniform_(model.head.weight); }], // prettier-ignore
  ['raw writes', (model) => (model.conv!.weight.data[3] = 100)],
  ['raw writes to a bias', (model) => model.conv!.bias!.data.fill(9)],
  ['loadStateDict', (model) => model.loadStateDict(scramble(new Net(), 9).stateDict())],
  ['another weight', (model) => (model.head.weight = new nn.Parameter(ones([2, 4])))],
  ['a reshaped view for a weight', (model) => { model.scale = new nn.Parameter(model.scale.reshape([4, 1, 1])); model.scale.fill_(3); }], // prettier-ignore
  ['a parameter that was null', (model) => (model.shift = zeros([]))],
  ['a parameter made null', (model) => (model.conv!.bias = null)],
  ['another buffer', (model) => (model.norm.running_var = full([4], 5))],
  ['training mode', (model) => model.train()],
  ['a number', (model) => (model.slope = 0.9)],
  ['another module', (model) => (model.norm = scramble(new nn.BatchNorm2d(4), 8).eval())],
  ['a deleted module', (model) => Reflect.deleteProperty(model, 'norm')],
  ['an appended module', (model) => model.tail.append(new nn.Tanh())],
  ['another module in a container', (model) => model.tail.set(0, new nn.Tanh())],
  ['a module made null', (model) => (model.conv = null)],
  ['another forward', (model) => (model.forward = (x) => x)],
  ['a hook', (model) => model.norm.registerForwardHook(() => zeros([1, 4, 1, 1]))],
  ['a step of training', (model) => { model.norm.train().forward(noise(7, [4, 4, 3, 3])); model.norm.eval(); }], // prettier-ignore
];

const x = noise(1, [2, 3, 3, 5]);
const shapes = [x, noise(2, [1, 3, 4, 4]), noise(3, [3, 3, 9, 8])];

describe.each(changes)('%s', (_, change) => {
  test('does not show in a session, whether it has met the shape or not', () => {
    const model = new Net().eval();
    const expected = shapes.map((input) => model.forward(input));
    const session = compile(model);
    const first = session.run(x);
    change(model);
    expectSame(session.run(x), first);
    expectNear(first, expected[0]);
    expectNear(
      shapes.map((input) => session.run(input)),
      expected,
    );
    session.dispose();
  });

  test('shows in the model, and in a session made then', () => {
    const [model, alone] = [new Net().eval(), new Net().eval()];
    const before = compile(model);
    before.run(x);
    change(model);
    change(alone);
    // Another shape is recorded while the model is changed.
    before.run(shapes[2]);
    before.dispose();
    expect(Object.keys(model)).toEqual(Object.keys(alone));
    expect(model.training).toBe(alone.training);
    expect(Object.keys(model.stateDict())).toEqual(Object.keys(alone.stateDict()));
    expect(model.stateDict()).toEqual(alone.stateDict());
    if (model.conv === null || !('norm' in model) || model.training) return;
    expectSame(model.forward(x), alone.forward(x));
    expectNear(compile(model).run(x), alone.forward(x));
  });
});

test('sessions of different moments keep their own', () => {
  const model = new Net().eval();
  const sessions = [1, 2, 3].map((seed) => {
    scramble(model, seed);
    return { session: compile(model), expected: model.forward(x) };
  });
  for (const { session, expected } of sessions) expectNear(session.run(x), expected);
});

test('elements that were handed out before may be written to', () => {
  const model = new Net().eval();
  const data = model.conv!.weight.data;
  const expected = shapes.map((input) => model.forward(input));
  const session = compile(model);
  expectNear(session.run(x), expected[0]);
  data.fill(4);
  expectNear(session.run(x), expected[0]);
  expectNear(session.run(shapes[2]), expected[2]);
  // It still is the very tensor of the model.
  expect(model.conv!.weight.data).toBe(data);
  expectNear(model.forward(x), compile(model).run(x));
});

test('elements are shared while nobody writes, and copied once when somebody does', () => {
  const model = new Net().eval();
  const storage = storageOf(model.conv!.weight);
  const { data, version } = storage;
  const session = compile(model);
  // One for both, until the network has packed it: then nobody needs it.
  expect(storage.data).toBe(data);
  session.run(x);
  expect(data).toHaveLength(0);
  model.forward(x);
  const again = storage.data;
  session.run(x);
  expect(storage.data).toBe(again);
  expect(storage.version).toBe(version);

  model.conv!.weight.fill_(1);
  const copy = storage.data;
  expect(copy).not.toBe(again);
  model.conv!.weight.fill_(2);
  expect(storage.data).toBe(copy);
  session.run(shapes[1]);
  expect(storage.data).toBe(copy);
  expect(readData(model.conv!.weight).every((value) => value === 2)).toBe(true);
});

test('weights are packed once for all shapes', () => {
  const conv = scramble(new nn.Conv2d(16, 32, 1));
  const model = network({ conv, head: new nn.Linear(32, 8) }, function (y) {
    const z = F.relu(this.conv.forward(y));
    return this.head.forward(z.reshape([z.shape[0], 32, -1]).select(2, 0));
  });
  const session = compile(model);
  const one = session.explain([1, 16, 8, 8]).packedBytes;
  // Sizes that whole vectors of pixels fill: every instruction set takes one algorithm for all.
  for (const size of [8, 12, 16]) {
    session.prepare([2, 16, size, size]);
    expect(session.explain([2, 16, size, size]).packedBytes).toBe(one);
  }
});

test('tied weights, under two names of one module too', () => {
  const shared = new nn.Parameter(noise(1, [4, 4]));
  const model = network({ a: shared, b: shared }, function (y) {
    return F.linear(F.linear(y, this.a), this.b);
  });
  const session = compile(model);
  const inputs = [noise(2, [2, 4]), noise(3, [3, 4])];
  const expected = inputs.map((input) => model.forward(input));
  expectSame(session.run(inputs[0]), expected[0]);
  model.b = new nn.Parameter(zeros([4, 4]));
  expectSame(session.run(inputs[1]), expected[1]);
  model.a.fill_(0);
  expectSame(session.run(noise(4, [2, 2, 4])), F.linear(F.linear(noise(4, [2, 2, 4]), noise(1, [4, 4])), noise(1, [4, 4]))); // prettier-ignore
});

test('tensors that are no parameters stay as they were first seen', () => {
  const offset = tensor([1, 2, 3]);
  const model = network({}, (y) => mul(y, offset));
  const session = compile(model);
  const input = noise(1, [2, 3]);
  const expected = model.forward(input);
  expectSame(session.run(input), expected);
  offset.fill_(0);
  expectSame(session.run(input), expected);
});

test('more shapes than a session keeps', () => {
  const model = new Net().eval();
  const session = compile(model);
  for (const round of [0, 1]) {
    for (let size = 3; size < 23; size++) {
      const input = noise(size + round, [1, 3, size, 3]);
      expectNear(session.run(input), model.forward(input));
    }
  }
  session.dispose();
});
