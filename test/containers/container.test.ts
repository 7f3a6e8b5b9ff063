/** What containers do in JavaScript: running, walking, wrong arguments, subclasses. */
import { nn, ones, randn, type Tensor } from '../../lib';
import { expectRejected } from '../support/errors';

const conv = (channels = 1) => new nn.Conv2d(channels, 1, 1);
const modules = () => [conv(), new nn.MaxPool2d(2), new nn.Softmax({ dim: 0 })];

/** The sum of two tensors that are 1-d. */
class Add extends nn.Module {
  forward(a: Tensor, b: Tensor): Tensor {
    return nn.functional.conv1d(a.reshape([1, 1, -1]), b.reshape([1, 1, -1])).reshape([-1]);
  }
}

describe('Sequential', () => {
  test('runs its modules in turn', () => {
    const [first, pool, softmax] = modules();
    const chain = new nn.Sequential(first, pool, softmax);
    const x = randn([2, 1, 4, 6]);
    const expected = softmax.forward(pool.forward(first.forward(x)));
    const y: Tensor = chain.forward(x);
    expect(y.toArray()).toEqual(expected.toArray());
  });

  test('without modules it is the identity', () => {
    const x = ones([1]);
    expect(new nn.Sequential().forward(x)).toBe(x);
  });

  test('the first module may take several arguments', () => {
    const chain = new nn.Sequential<[Tensor, Tensor], Tensor>(
      new Add(),
      new nn.Softmax({ dim: 0 }),
    );
    expect(chain.forward(ones([3]), ones([3])).toArray()).toEqual([1]);
  });

  test('hooks of its modules are called, and may replace what the next one sees', () => {
    const [first, pool] = modules();
    const chain = new nn.Sequential(first, pool);
    const seen: number[][] = [];
    first.registerForwardHook((_, [x]) => void seen.push([...(x as Tensor).shape]));
    const handle = first.registerForwardHook(() => ones([1, 1, 8, 8]));
    chain.registerForwardHook((_, __, y) => void seen.push([...(y as Tensor).shape]));
    chain.forward(ones([1, 1, 4, 4]));
    handle.remove();
    chain.forward(ones([1, 1, 4, 4]));
    expect(seen).toEqual([
      [1, 1, 4, 4],
      [1, 1, 4, 4],
      [1, 1, 4, 4],
      [1, 1, 2, 2],
    ]);
  });

  test('a module that is there twice runs twice and is listed once', () => {
    const pool = new nn.MaxPool2d(2);
    const chain = new nn.Sequential(pool, pool);
    expect(chain.forward(ones([1, 1, 4, 4])).shape).toEqual([1, 1, 1, 1]);
    expect([chain.length, [...chain], [...chain.children()]]).toEqual([2, [pool, pool], [pool]]);
  });

  test('a subclass gives its modules, and may have others and its own forward', () => {
    class Block extends nn.Sequential {
      extra = new nn.MaxPool2d(2);
      constructor() {
        super(conv(), new nn.BatchNorm2d(1));
      }
    }
    const block = new Block();
    expect(Array.from(block.namedChildren(), ([name]) => name)).toEqual(['0', '1', 'extra']);
    expect([block.length, block.at(-1)]).toEqual([3, block.extra]);
    expect(block.forward(ones([1, 1, 4, 4])).shape).toEqual([1, 1, 2, 2]);
    const pool = new nn.MaxPool2d(4);
    block.set(2, pool);
    expect([block.extra, block.length]).toEqual([pool, 3]);
    expect(block.slice(0, 1)).toBeInstanceOf(nn.Sequential);
    expect(block.slice(0, 1)).not.toBeInstanceOf(Block);

    class Twice extends nn.Sequential {
      override forward(x: Tensor): Tensor {
        return super.forward(super.forward(x));
      }
    }
    expect(new Twice(pool).forward(ones([1, 1, 16, 16])).shape).toEqual([1, 1, 1, 1]);
  });

  test('a slice has the same modules', () => {
    const chain = new nn.Sequential(...modules());
    const head = chain.slice(0, -1);
    expect([...head]).toEqual([chain.at(0), chain.at(1)]);
    head.at(0).eval();
    expect(chain.at(0).training).toBe(false);
  });

  test('wrong arguments', () => {
    const wrong = [null, undefined, 1, 'conv', {}, nn.Conv2d, [conv(), conv()], [], ['x']];
    for (const value of wrong) {
      const call = () => new nn.Sequential(conv(), value as never);
      expectRejected(call, /module 1 of Sequential/, 'ERR_NNCONV_ARG_TYPE');
    }
    const pair = ['x', 3] as never;
    expectRejected(() => new nn.Sequential(pair), /'x'.*3/, 'ERR_NNCONV_ARG_TYPE');
    expectRejected(() => new nn.Sequential(['', conv()]), /name/, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(() => new nn.Sequential(['a.b', conv()]), /a\.b/, 'ERR_NNCONV_ARG_VALUE');
    const chain = new nn.Sequential(...modules());
    for (const index of [undefined, null, '0', 0n]) {
      expectRejected(() => chain.at(index as never), /index/, 'ERR_NNCONV_ARG_TYPE');
      expectRejected(() => chain.insert(index as never, conv()), /index/, 'ERR_NNCONV_ARG_TYPE');
      expectRejected(() => chain.set(index as never, conv()), /index/, 'ERR_NNCONV_ARG_TYPE');
    }
    for (const index of [3, -4, 0.5, NaN]) {
      expectRejected(() => chain.at(index), /index/, 'ERR_NNCONV_ARG_VALUE');
    }
    expectRejected(() => chain.append(3 as never), /3/, 'ERR_NNCONV_ARG_TYPE');
    expectRejected(() => chain.insert(0, 3 as never), /3/, 'ERR_NNCONV_ARG_TYPE');
    expectRejected(() => chain.set(0, 3 as never), /3/, 'ERR_NNCONV_ARG_TYPE');
    expectRejected(() => chain.slice('1' as never), /start/, 'ERR_NNCONV_ARG_TYPE');
    expectRejected(() => chain.slice(0, 1.5), /end/, 'ERR_NNCONV_ARG_VALUE');
    expect(chain.length).toBe(3);
  });
});

describe('ModuleList', () => {
  test('is walked, indexed and grown', () => {
    const list = new nn.ModuleList([conv(1), conv(2)]);
    const channels: number[] = Array.from(list, (layer) => layer.inChannels);
    expect(channels).toEqual([1, 2]);
    expect(
      list
        .append(conv(3))
        .extend([conv(4)])
        .insert(0, conv(5)),
    ).toBe(list);
    expect(Array.from(list, (layer) => layer.inChannels)).toEqual([5, 1, 2, 3, 4]);
    expect(list.at(-1).inChannels).toBe(4);
    list.extend(list);
    expect(list.length).toBe(10);
    expect(new nn.ModuleList(new Set(list)).length).toBe(5);
    expect([...list.slice(1, 3)]).toEqual([list.at(1), list.at(2)]);
    expect(list.train(false).at(3).training).toBe(false);
  });

  test('has no forward, but a subclass may', () => {
    class Branches extends nn.ModuleList<nn.Conv2d> {
      override forward(x: Tensor): Tensor[] {
        return Array.from(this, (branch) => branch.forward(x));
      }
    }
    const branches = new Branches([conv(), conv()]);
    expect(branches.forward(ones([1, 2, 2]))).toHaveLength(2);
    expectRejected(() => new nn.ModuleList().forward(), /ModuleList/, 'ERR_NNCONV_ARG_TYPE');
  });

  test('wrong arguments add nothing', () => {
    for (const value of [null, 3, 'x', {}, conv()]) {
      expectRejected(() => new nn.ModuleList(value as never), /modules/, 'ERR_NNCONV_ARG_TYPE');
    }
    const list = new nn.ModuleList();
    const mixed = [conv(), 3] as never;
    expectRejected(() => list.extend(mixed), /modules\[1\]/, 'ERR_NNCONV_ARG_TYPE');
    expect(list.length).toBe(0);
  });
});

describe('ModuleDict', () => {
  test('keeps its order, and is read like a Map', () => {
    const [a, b, c] = [conv(1), conv(2), conv(3)];
    const dict = new nn.ModuleDict([
      ['z', a],
      ['1', b],
    ]);
    expect(dict.add('0', c)).toBe(dict);
    expect([...dict.keys()]).toEqual(['z', '1', '0']);
    expect([...dict.values()]).toEqual([a, b, c]);
    expect([...dict]).toEqual([...dict.entries()]);
    const { inChannels } = dict.get('1');
    expect(inChannels).toBe(2);
    expect([dict.has('1'), dict.has('2'), dict.size]).toEqual([true, false, 3]);
    expect([dict.delete('1'), dict.delete('1'), dict.size]).toEqual([true, false, 2]);
    expectRejected(() => dict.get('1'), /'1'/, 'ERR_NNCONV_ARG_VALUE');
  });

  test('is made of an object, a Map or another one', () => {
    const [a, b] = [conv(), conv()];
    for (const source of [{ a, b }, new Map(Object.entries({ a, b }))]) {
      const dict = new nn.ModuleDict(source);
      expect([...new nn.ModuleDict(dict)]).toEqual([
        ['a', a],
        ['b', b],
      ]);
    }
    expect(new nn.ModuleDict().size).toBe(0);
  });

  test('odd names reach nothing else', () => {
    const dict = new nn.ModuleDict(Object.entries({ get: conv(), constructor: conv() }));
    dict.add('__proto__', conv());
    expect(dict.get('get')).toBeInstanceOf(nn.Conv2d);
    expect(Object.getPrototypeOf(dict)).toBe(nn.ModuleDict.prototype);
    expect(Object.keys(dict.stateDict())).toContain('__proto__.weight');
    expect(new nn.ModuleDict().has('toString')).toBe(false);
    dict.loadStateDict(dict.stateDict());
  });

  test('properties of a subclass belong to it', () => {
    class Heads extends nn.ModuleDict {
      last = conv();
      override forward(x: Tensor): Tensor[] {
        return Array.from(this.values(), (head) => head.forward(x) as Tensor);
      }
    }
    const heads = new Heads({ first: conv() });
    expect([...heads.keys()]).toEqual(['first', 'last']);
    expect(heads.forward(ones([1, 1, 1]))).toHaveLength(2);
    const other = conv();
    expect(heads.add('last', other).last).toBe(other);
    expect([heads.delete('last'), heads.size, 'last' in heads]).toEqual([true, 1, false]);
    heads.registerBuffer('mean', ones([1]));
    expectRejected(() => heads.add('mean', conv()), /mean/, 'ERR_NNCONV_ARG_VALUE');
    expect(heads.delete('mean')).toBe(false);
  });

  test('wrong arguments', () => {
    for (const value of [null, 3, 'x', conv(), new nn.ModuleList([conv()])]) {
      expectRejected(() => new nn.ModuleDict(value as never), /modules/, 'ERR_NNCONV_ARG_TYPE');
    }
    const bare = [conv()] as never;
    expectRejected(() => new nn.ModuleDict(bare), /modules\[0\]/, 'ERR_NNCONV_ARG_TYPE');
    const numbers = { a: 3 } as never;
    expectRejected(() => new nn.ModuleDict(numbers), /'a'.*3/, 'ERR_NNCONV_ARG_TYPE');
    expectRejected(() => new nn.ModuleDict().forward(), /ModuleDict/, 'ERR_NNCONV_ARG_TYPE');
  });
});
