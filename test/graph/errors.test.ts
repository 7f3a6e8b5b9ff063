/** What can't be compiled or run, and what is left behind then. */
import { add, cat, compile, full, matmul, mean, mul, nn, rand, tensor, zeros } from '../../lib';
import type { Session, Tensor } from '../../lib';
import { versionOf } from '../../lib/tensor';
import { thrownBy } from '../support/errors';
import { expectSame, network, noise, scramble } from '../support/graph';

const F = nn.functional;
const bad = <T>(value: unknown): T => value as T;
const x = noise(1, [2, 3, 4, 4]);

/** A layer of the user's that does something. */
class Odd extends nn.Module {
  constructor(readonly act: (input: Tensor) => unknown) {
    super();
  }
  override forward(input: Tensor): unknown {
    return this.act(input);
  }
}

class Outer extends nn.Module {
  body: nn.Module = new nn.Identity();
  override forward(input: Tensor): unknown {
    return this.body.forward(F.relu(input));
  }
}

/** A model whose layer 'body' does `act`. */
function odd(act: (input: Tensor) => unknown): Outer {
  const outer = new Outer();
  outer.body = new Odd(act);
  return outer.eval();
}

test.each<[string, (input: Tensor) => unknown, RegExp]>([
  ['data', (y) => y.data, /reads the values of a tensor/],
  ['item', (y) => mean(y).item(), /reads the values/],
  ['toArray', (y) => y.toArray(), /reads the values/],
  ['String', (y) => String(y), /reads the values/],
  ['control flow by values', (y) => (mean(y).item() > 0 ? y : mul(y, 2)), /reads the values/],
  ['fill_', (y) => y.fill_(0), /writes|values/],
  ['copy_', (y) => y.copy_(zeros([2, 3, 4, 4])), /writes|values/],
  ['copy_ into another', (y) => zeros([2, 3, 4, 4]).copy_(y), /values/],
  ['init', (y) => nn.init.uniform_(y), /writes|values/],
  ['a computed weight', (y) => F.conv2d(y, mean(y, 0).reshape([1, 3, 4, 4])), /convolves with computed weights/], // prettier-ignore
  ['a computed bias', (y) => F.conv2d(y, noise(1, [3, 3, 1, 1]), mean(y, [0, 2, 3])), /convolves with computed weights/], // prettier-ignore
  ['a computed weight of a constant', (y) => F.conv2d(zeros([1, 3, 5, 5]), mean(y, 0).reshape([1, 3, 4, 4])), /convolves with computed weights/], // prettier-ignore
  ['a computed matrix', (y) => F.linear(y, y.select(0, 0).select(0, 0)), /multiplies by computed weights/], // prettier-ignore
  ['computed statistics', (y) => F.batchNorm(y, mean(y, [0, 2, 3]), full([3], 1)), /calls batchNorm with a computed mean/], // prettier-ignore
  ['batch norm in training', (y) => F.batchNorm(y, zeros([3]), full([3], 1), null, null, { training: true }), /is in training mode.*call model\.eval\(\) first/], // prettier-ignore
  ['dropout in training', (y) => F.dropout(y), /is in training mode/],
  ['a number for an output', () => 3, /returns 3; only tensors, and arrays and plain objects/],
  ['no output', () => undefined, /returns undefined/],
  ['null among outputs', (y) => [y, { a: null }], /returns null/],
  ['a promise', (y) => Promise.resolve(y), /returns/],
  ['a map of outputs', (y) => new Map([['y', y]]), /returns/],
  ['an object of a class', (y) => new Odd(() => y), /returns/],
  ['a tensor of integers', (y) => [y, tensor(BigInt64Array.of(1n))], /returns a tensor of dtype int64/], // prettier-ignore
])('%s', (_, act, message) => {
  const model = odd(act);
  const thrown = thrownBy(() => compile(model).run(x)) as Error & { code: string };
  expect(thrown.message).toMatch(message);
  expect(thrown.code).toBe('ERR_NNCONV_TRACE');
  // Outputs are looked at when all modules have returned.
  if (!thrown.message.includes('returns'))
    expect(thrown.message).toMatch(/^module 'body' \(Odd\) /);
  else expect(thrown.message).toMatch(/^the model \(Outer\) /);
});

test('the innermost module is named, by its path', () => {
  const model = odd((y) => y);
  const inner = odd((y) => y.data);
  (model as unknown as { body: nn.Module }).body = inner;
  expect(() => compile(model).run(x)).toThrow(/^module 'body\.body' \(Odd\) reads the values/);
});

test('a layer in training mode is named', () => {
  const parts = { norm: new nn.BatchNorm2d(3), drop: new nn.Dropout() };
  const model = network(parts, (y) => parts.drop.forward(parts.norm.forward(y)));
  parts.norm.train();
  expect(() => compile(model).run(x)).toThrow(/^module 'norm' \(BatchNorm2d\) is in training mode/);
  parts.norm.eval();
  parts.drop.train();
  expect(() => compile(model).run(x)).toThrow(/^module 'drop' \(Dropout\) is in training mode/);
  // Statistics of the batch alone are the same in both modes.
  const alone = network(
    { norm: new nn.BatchNorm2d(3, { trackRunningStats: false }) },
    function (y) {
      return this.norm.forward(y);
    },
  ).train();
  expectSame(compile(alone).run(x), alone.forward(x));
});

test("an error of a layer is the layer's", () => {
  const model = network({ conv: new nn.Conv2d(3, 4, 3) }, function (y) {
    return this.conv.forward(y);
  });
  const session = compile(model);
  expect(() => session.run(noise(1, [2, 4, 5, 5]))).toThrow(
    expect.objectContaining({ code: 'ERR_NNCONV_SHAPE', message: (thrownBy(() => model.forward(noise(1, [2, 4, 5, 5]))) as Error).message }), // prettier-ignore
  );
  expect(() => session.run(noise(1, [2, 3, 2, 2]))).toThrow(/Kernel size: \[3, 3\]/);
  const mine = new Error('mine');
  const throwing = odd(() => { throw mine; }); // prettier-ignore
  expect(() => compile(throwing).run(x)).toThrow(mine);
});

test('a module without forward holds others, and is named when it is called', () => {
  class Bare extends nn.Module {
    declare forward: (y: Tensor) => Tensor;
    readonly relu = new nn.ReLU();
  }
  const holding = network({ bare: new Bare() }, function (y) {
    return this.bare.relu.forward(y);
  });
  expectSame(compile(holding).run(x), holding.forward(x));

  const message = /^Bare has no forward: call its modules, or override it in a subclass$/;
  const expected = expect.objectContaining({
    code: 'ERR_NNCONV_ARG_TYPE',
    message: expect.stringMatching(message) as string,
  }) as Error;
  expect(() => compile(new Bare()).run(x)).toThrow(expected);
  expect(() => new nn.Sequential(new Bare()).forward(x)).toThrow(expected);
  const calling = network({ bare: new Bare() }, function (y) {
    return this.bare.forward(y);
  });
  expect(() => compile(calling).profile(x)).toThrow(expected);
  expect(Object.hasOwn(calling.bare, 'forward')).toBe(false);
});

test('a model that catches an error goes on under its own name', () => {
  const model = odd((y) => y.data);
  const { body } = model;
  model.forward = (y: Tensor) => {
    try {
      body.forward(y);
    } catch {
      return [F.silu(y)];
    }
    return undefined;
  };
  const session = compile(model);
  expectSame(session.run<Tensor[]>(x), [F.silu(x)]);
  expect(session.explain(x.shape).steps[0].modules).toEqual(['']);
});

describe('what a compilation leaves behind', () => {
  const failing = (y: Tensor) => y.data;
  const working = (y: Tensor) => mul(y, 2);

  test.each([
    ['failed', failing],
    ['successful', working],
  ])('%s', (_, act) => {
    const model = odd(act);
    const arrow = new Odd((y) => y);
    const own = (y: Tensor) => act(y) as Tensor;
    Object.assign(model.body, { child: arrow, conv: scramble(new nn.Conv2d(3, 3, 1)) });
    arrow.forward = own;
    const calls: string[] = [];
    const hook = arrow.registerForwardHook(() => void calls.push('hook'));
    const before = [...model.modules()].map((module) => Object.getOwnPropertyDescriptors(module));
    const versions = [...model.parameters()].map((parameter) => versionOf(parameter));
    const session = compile(model);
    const attempt = (): unknown => session.run(x);
    for (let i = 0; i < 2; i++) {
      if (act === failing) expect(attempt).toThrow(/reads the values/);
      else attempt();
    }
    expect([...model.modules()].map((module) => Object.getOwnPropertyDescriptors(module))).toEqual(before); // prettier-ignore
    expect(Object.hasOwn(model, 'forward')).toBe(false);
    expect([...model.parameters()].map((parameter) => versionOf(parameter))).toEqual(versions);
    calls.length = 0;
    arrow.forward(x);
    expect(calls).toEqual(['hook']);
    hook.remove();
    expect(Object.getOwnPropertyDescriptor(arrow, 'forward')?.value).toBe(own);
  });
});

test('forward hooks are part of the network', () => {
  const relu = new nn.ReLU();
  const model = network({ relu }, (y) => add(relu.forward(y), 1));
  const shapes: (readonly number[])[] = [];
  const handle = relu.registerForwardHook((module, _, output) => {
    expect(module).toBe(relu);
    shapes.push((output as Tensor).shape);
    return mul(output as Tensor, 2);
  });
  const session = compile(model);
  const result = session.run(x);
  expect(shapes).toEqual([x.shape]);
  session.run(x);
  expect(shapes).toHaveLength(1);
  expectSame(result, model.forward(x));
  handle.remove();
  expectSame(session.run(x), result);
  expectSame(model.forward(x), add(F.relu(x), 1));

  relu.registerForwardHook((_, __, output) => void (output as Tensor).data);
  expect(() => compile(model).run(x)).toThrow(/^module 'relu' \(ReLU\) reads the values/);
});

describe('inputs', () => {
  const session = compile(network({}, (y, z) => [y, z ?? y]));

  test.each<[string, unknown[], string]>([
    ['an array', [[1, 2]], 'inputs[0] must be a Tensor'],
    ['a Float32Array', [x, new Float32Array(3)], 'inputs[1] must be a Tensor'],
    ['undefined', [undefined], 'inputs[0] must be a Tensor'],
    ['integers', [tensor(BigInt64Array.of(1n))], 'inputs[0] must be a Tensor of dtype float32'],
    ['a look-alike', [{ shape: [1], data: new Float32Array(1) }], 'inputs[0] must be a Tensor'],
  ])('%s', (_, inputs, message) => {
    for (const call of ['run', 'profile'] as const) {
      expect(() => session[call](...bad<Tensor[]>(inputs))).toThrow(
        expect.objectContaining({ code: 'ERR_NNCONV_ARG_TYPE', message: expect.stringContaining(message) }), // prettier-ignore
      );
    }
  });

  test('too few', () => {
    const two = compile(network({}, (y, z) => add(y, z)));
    expect(() => two.run(x)).toThrow(expect.objectContaining({ code: 'ERR_NNCONV_ARG_TYPE' }));
    expect(() => two.run()).toThrow(expect.objectContaining({ code: 'ERR_NNCONV_ARG_TYPE' }));
    expectSame(two.run(x, x), add(x, x));
  });

  test('none, for a model that needs none', () => {
    expectSame(compile(network({}, () => full([2], 3))).run(), full([2], 3));
  });

  test.each<[string, unknown, string]>([
    ['a number', 3, 'ERR_NNCONV_ARG_TYPE'],
    ['null', null, 'ERR_NNCONV_ARG_TYPE'],
    ['a fraction', [1.5], 'ERR_NNCONV_ARG_VALUE'],
    ['a negative size', [2, -1], 'ERR_NNCONV_SHAPE'],
    ['strings', ['1'], 'ERR_NNCONV_ARG_TYPE'],
    ['too much', [2 ** 30, 2 ** 30], 'ERR_NNCONV_ALLOC'],
  ])('shapes: %s', (_, shape, code) => {
    for (const call of ['prepare', 'explain'] as const) {
      expect(() => session[call](bad(shape))).toThrow(expect.objectContaining({ code }));
    }
    expect(() =>
      compile(
        network({}, (y) => y),
        { inputShapes: [bad(shape)] },
      ),
    ).toThrow(expect.objectContaining({ code }));
  });

  test('gone', () => {
    const gone = zeros([4]);
    structuredClone(gone.data.buffer, { transfer: [gone.data.buffer] });
    expect(() => session.run(gone)).toThrow(expect.objectContaining({ code: 'ERR_NNCONV_BUFFER' }));
  });

  test('weights that are gone', () => {
    const linear = new nn.Linear(2, 2);
    const { data } = linear.weight;
    structuredClone(data.buffer, { transfer: [data.buffer] });
    expect(() => compile(linear)).toThrow(expect.objectContaining({ code: 'ERR_NNCONV_BUFFER' }));
  });

  test('more than memory holds', () => {
    const growing = compile(network({}, (y) => matmul(y.reshape([-1, 1]), y.reshape([1, -1]))));
    expect(() => growing.run(zeros([2_000_000]))).toThrow(
      expect.objectContaining({ code: 'ERR_NNCONV_ALLOC' }),
    );
  });
});

describe('compile', () => {
  const model = network({}, (y) => cat([y, y]));

  test.each<[string, () => unknown, string]>([
    ['no model', () => compile(bad(undefined)), 'ARG_TYPE'],
    ['a function', () => compile(bad((y: Tensor) => y)), 'ARG_TYPE'],
    ['a class', () => compile(bad(Outer)), 'ARG_TYPE'],
    ['an unknown option', () => compile(model, bad({ thread: 1 })), 'UNKNOWN_OPTION'],
    ['a string for threads', () => compile(model, { threads: bad('2') }), 'ARG_TYPE'],
    ['no threads', () => compile(model, { threads: 0 }), 'ARG_VALUE'],
    ['too many threads', () => compile(model, { threads: 1025 }), 'ARG_VALUE'],
    ['half a thread', () => compile(model, { threads: 1.5 }), 'ARG_VALUE'],
    ['a number for shapes', () => compile(model, { inputShapes: bad(3) }), 'ARG_TYPE'],
    ['a shape for shapes', () => compile(model, { inputShapes: bad([1, 3]) }), 'ARG_TYPE'],
  ])('%s', (_, call, code) => {
    expect(call).toThrow(expect.objectContaining({ code: `ERR_NNCONV_${code}` }));
  });

  test('with shapes, errors come at once', () => {
    const reading = odd((y) => y.data);
    expect(() => compile(reading)).not.toThrow();
    expect(() => compile(reading, { inputShapes: [[1]] })).toThrow(/reads the values/);
    const calls = jest.fn((y: Tensor) => mul(y, 2));
    const session = compile(odd(calls), { inputShapes: [[2, 3]] });
    expect(calls).toHaveBeenCalledTimes(1);
    session.run(rand([2, 3]));
    expect(calls).toHaveBeenCalledTimes(1);
    expect(() => compile(model, { inputShapes: [] })).toThrow(/tensors\[0\] must be a Tensor/);
  });
});

describe('disposal', () => {
  const linear = scramble(new nn.Linear(4, 3)).eval();
  const input = noise(1, [2, 4]);

  test('ends a session', () => {
    const session = compile(linear);
    const result = session.run(input);
    session.dispose();
    session.dispose();
    for (const call of [
      () => session.run(input),
      () => session.profile(input),
      () => session.explain([2, 4]),
      () => session.prepare([9, 4]),
    ]) {
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_NNCONV_DISPOSED' }));
    }
    expectSame(result, linear.forward(input));
  });

  test('before the first run, and with many shapes', () => {
    compile(linear).dispose();
    const session = compile(network({}, (y) => F.silu(y)));
    for (let size = 1; size < 40; size++) session.run(zeros([size]));
    session.dispose();
    session.dispose();
  });

  test('by using', () => {
    let kept: Session;
    {
      using session = compile(linear);
      session.run(input);
      kept = session;
    }
    expect(() => kept.run(input)).toThrow(expect.objectContaining({ code: 'ERR_NNCONV_DISPOSED' }));
  });

  test('in the midst of recording', () => {
    const session = compile(odd((y) => { session.dispose(); return F.relu(y); })); // prettier-ignore
    expect(() => session.run(x)).toThrow(expect.objectContaining({ code: 'ERR_NNCONV_DISPOSED' }));
    expect(() => session.run(x)).toThrow(expect.objectContaining({ code: 'ERR_NNCONV_DISPOSED' }));
  });

  test('leaves other sessions alone', () => {
    const [a, b] = [compile(linear), compile(linear)];
    const result = a.run(input);
    a.dispose();
    expectSame(b.run(input), result);
  });
});

test('a session in a model that is compiled is no layer', () => {
  const inner = compile(odd((y) => F.relu(y)));
  const outer = odd((y) => inner.run(y));
  expectSame(outer.forward(x) as Tensor, F.relu(x));
  expect(() => compile(outer).run(x)).toThrow(/^module 'body' \(Odd\) reads the values/);
});

test('a tensor kept from one compilation is of no use in another', () => {
  let kept: Tensor | undefined;
  const model = odd((y) => {
    kept ??= y;
    return add(kept, y);
  });
  const session = compile(model);
  expectSame(session.run(x), add(F.relu(x), F.relu(x)));
  expect(() => session.run(noise(1, [1, 2]))).toThrow(/uses a tensor of another compilation/);
  expect(() => kept!.data).toThrow(expect.objectContaining({ code: 'ERR_NNCONV_TRACE' }));
  expect(() => mul(kept!, 2)).not.toThrow();
});

test('outputs that hold themselves', () => {
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  expect(() => compile(odd(() => cyclic)).run(x)).toThrow(
    expect.objectContaining({ code: 'ERR_NNCONV_TRACE' }),
  );
});
