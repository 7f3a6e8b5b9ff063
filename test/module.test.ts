/** Modules: parameters, buffers, state dicts, modes and hooks. */
import { inspect } from 'node:util';

import { nn, ones, type Tensor, tensor, zeros } from '../lib';
import { versionOf, wrap } from '../lib/tensor';
import { expectRejected, thrownBy } from './support/errors';
import { readFixture } from './support/json';
import { build, type Tree } from './support/tree';

interface Names {
  tree: Tree;
  state: string[];
  parameters: string[];
  buffers: string[];
  modules: string[];
  children: string[];
}

interface Load {
  tree: Tree;
  edits: ['remove' | 'add' | 'shape', key: string, shape: number[]][];
  strict: boolean;
  missing?: string[];
  unexpected?: string[];
  error?: string;
  loaded: string[];
}

const rows = readFixture<Names | Load>('state_dict.json');
const names = (pairs: Iterable<[string, unknown]>) => Array.from(pairs, ([name]) => name);

describe('as PyTorch', () => {
  const trees = rows.filter((row) => 'state' in row);
  test.each(trees.map((row) => [JSON.stringify(row.tree), row] as const))(
    'names and order of %s',
    (_, row) => {
      const module = build(row.tree);
      expect(Object.keys(module.stateDict())).toEqual(row.state);
      expect(names(module.namedParameters())).toEqual(row.parameters);
      expect(names(module.namedBuffers())).toEqual(row.buffers);
      expect(names(module.namedModules())).toEqual(row.modules);
      expect(names(module.namedChildren())).toEqual(row.children);
      expect([...module.parameters()]).toHaveLength(row.parameters.length);
      expect([...module.buffers()]).toHaveLength(row.buffers.length);
      expect([...module.modules()]).toHaveLength(row.modules.length);
      expect([...module.children()]).toHaveLength(row.children.length);
    },
  );

  const loads = rows.filter((row) => 'edits' in row);
  test.each(loads.map((row) => [JSON.stringify(row.edits), row.strict, row] as const))(
    'loading after %s, strict: %s',
    (_edits, strict, row) => {
      const module = build(row.tree);
      const state: Record<string, Tensor> = {};
      for (const [key, { shape }] of Object.entries(module.stateDict())) {
        state[key] = zeros(shape).fill_(5);
      }
      for (const [what, key, shape] of row.edits) {
        if (what === 'remove') delete state[key];
        else state[key] = zeros(shape).fill_(5);
      }
      const load = () => module.loadStateDict(state, { strict });
      if (row.error !== undefined) {
        const error = thrownBy(load);
        expect(error.message).toBe(row.error);
        expect(error).toMatchObject({ name: 'RangeError', code: 'ERR_NNCONV_STATE_DICT' });
      } else {
        expect(load()).toEqual({ missingKeys: row.missing, unexpectedKeys: row.unexpected });
      }
      const loaded = Object.entries(module.stateDict())
        .filter(([, t]) => t.clone().data.every((value) => value === 5))
        .map(([key]) => key);
      expect(loaded).toEqual(row.loaded);
    },
  );
});

class Net extends nn.Module {
  conv = new nn.Conv2d(1, 2, 3);
  scale = new nn.Parameter(ones([2]));
  plain = ones([2]);
  forward(x: Tensor): Tensor {
    return this.conv.forward(x);
  }
}

describe('parameters', () => {
  test('one that was merely assigned stays one', () => {
    const net = new Net();
    expect(names(net.namedParameters())).toEqual(['scale', 'conv.weight', 'conv.bias']);
    net.scale = tensor([3, 4]);
    expect(net.scale).toBeInstanceOf(nn.Parameter);
    expect(names(net.namedParameters())).toEqual(['scale', 'conv.weight', 'conv.bias']);
    expect(net.stateDict().scale.toArray()).toEqual([3, 4]);
    expectRejected(() => (net.scale = [1] as never), /scale/, 'ERR_NNCONV_ARG_TYPE');
  });

  test('share the elements of the tensor they are made of', () => {
    const t = zeros([2]);
    const parameter = new nn.Parameter(t);
    t.fill_(4);
    expect(parameter.toArray()).toEqual([4, 4]);
    expect(String(parameter)).toBe('Parameter containing:\ntensor([4., 4.])');
    expect(inspect(parameter)).toBe(String(parameter));
    expect(parameter.clone()).not.toBeInstanceOf(nn.Parameter);
    expectRejected(() => new nn.Parameter([1] as never), /tensor/, 'ERR_NNCONV_ARG_TYPE');
    const counts = tensor(new BigInt64Array(1)) as never;
    expectRejected(() => new nn.Parameter(counts), /int64/, 'ERR_NNCONV_ARG_TYPE');
  });

  test('a property that is deleted is gone, and can be made anew', () => {
    const net = new Net();
    void [...net.parameters()];
    delete (net as Partial<Net>).scale;
    expect(names(net.namedParameters())).toEqual(['conv.weight', 'conv.bias']);
    net.scale = ones([1]);
    expect(names(net.namedParameters())).toEqual(['conv.weight', 'conv.bias']);
    net.registerBuffer('count', zeros([]));
    expect(names(net.namedBuffers())).toEqual(['count']);
  });

  test('a bias can be taken away and given back', () => {
    const layer = new nn.Conv2d(1, 1, 1, { bias: false });
    layer.weight.fill_(2);
    layer.bias = tensor([3]);
    expect(layer.forward(ones([1, 1, 1])).item()).toBe(5);
    expect(Object.keys(layer.stateDict())).toEqual(['weight', 'bias']);
    layer.bias = null;
    expect(layer.forward(ones([1, 1, 1])).item()).toBe(2);
  });

  test('names are checked', () => {
    const net = new Net();
    const untyped = net as unknown as Record<string, (...args: unknown[]) => void>;
    for (const register of ['registerParameter', 'registerBuffer']) {
      for (const name of ['', 'a.b', 'conv', 'forward', 'plain', 'training']) {
        const call = () => untyped[register](name, null);
        expectRejected(call, new RegExp(`'${name}'`), 'ERR_NNCONV_ARG_VALUE');
      }
      expectRejected(() => untyped[register](3, null), /name.*3/, 'ERR_NNCONV_ARG_TYPE');
      expectRejected(() => untyped[register]('x', [1]), /x/, 'ERR_NNCONV_ARG_TYPE');
      expectRejected(() => untyped[register]('y', undefined), /y/, 'ERR_NNCONV_ARG_TYPE');
      untyped[register](`${register}ed`, zeros([1]));
      untyped[register](`${register}ed`, null);
    }
    expectRejected(
      () => net.registerBuffer('z', null, { persist: true } as never),
      /'persist'.*'persistent'/,
      'ERR_NNCONV_UNKNOWN_OPTION',
    );
  });
});

describe('buffers', () => {
  test('of any dtype, replaced by assignment', () => {
    const net = new Net() as Net & { count: Tensor<'int64'> };
    net.registerBuffer('count', wrap('int64', BigInt64Array.of(3n), []));
    expect(net.stateDict().count.dtype).toBe('int64');
    net.count = wrap('int64', BigInt64Array.of(4n), []);
    expect(net.stateDict().count.item()).toBe(4);
    expectRejected(() => (net.count = 5 as never), /count/, 'ERR_NNCONV_ARG_TYPE');
    // Loading converts to the dtype at hand.
    net.loadStateDict({ ...net.stateDict(), count: tensor([7.9]) });
    expect(net.stateDict().count.item()).toBe(7);
  });
});

describe('state dicts', () => {
  test('share their elements with the module', () => {
    const layer = new nn.Conv1d(1, 1, 1);
    const state = layer.stateDict();
    const version = versionOf(layer.weight);
    state.weight.fill_(9);
    expect(layer.weight.item()).toBe(9);
    expect(versionOf(layer.weight)).not.toBe(version);
    expect(state.weight).not.toBeInstanceOf(nn.Parameter);
  });

  test('are loaded by copy, from any object', () => {
    const source = new Net();
    const target = new Net();
    const { weight } = target.conv;
    target.loadStateDict(Object.assign(Object.create(null), source.stateDict()));
    expect(target.conv.weight).toBe(weight);
    expect(weight.toArray()).toEqual(source.conv.weight.toArray());
    source.conv.weight.fill_(1);
    expect(weight.toArray()).not.toEqual(source.conv.weight.toArray());
  });

  test('a module can load its own', () => {
    const net = new Net();
    const before = net.conv.weight.toArray();
    net.loadStateDict(net.stateDict());
    expect(net.conv.weight.toArray()).toEqual(before);
  });

  test('inherited and odd names are no keys', () => {
    const net = new Net();
    const state = net.stateDict();
    expect('toString' in state).toBe(false);
    const odd = JSON.parse('{"__proto__": 1, "constructor": 2}') as Record<string, never>;
    const result = net.loadStateDict(Object.assign(odd, { ...state }), { strict: false });
    expect(result.unexpectedKeys).toEqual(['__proto__', 'constructor']);
  });

  test('what is no tensor is named', () => {
    const net = new Net();
    const state: Record<string, unknown> = { ...net.stateDict(), scale: [1, 2] };
    const error = thrownBy(() => net.loadStateDict(state as never));
    expect(error.message).toBe(
      'Error(s) in loading state_dict for Net:\n\tWhile copying the parameter named "scale", ' +
        'expected torch.Tensor or Tensor-like object from checkpoint but received [1, 2]',
    );
  });

  test('wrong arguments', () => {
    const net = new Net();
    for (const value of [undefined, null, 1, 'x', [], new Map(), zeros([1]), () => 1]) {
      expectRejected(() => net.loadStateDict(value as never), /stateDict/, 'ERR_NNCONV_ARG_TYPE');
    }
    const state = net.stateDict();
    const load = (options: unknown) => () => net.loadStateDict(state, options as never);
    expectRejected(load({ strict: 0 }), /strict.*0/, 'ERR_NNCONV_ARG_TYPE');
    expectRejected(load(false), /options of loadStateDict.*false/, 'ERR_NNCONV_ARG_TYPE');
    expectRejected(load({ strct: false }), /'strct'.*'strict'/, 'ERR_NNCONV_UNKNOWN_OPTION');
  });
});

describe('sub-modules by name', () => {
  test('are added where names are made at run time', () => {
    const net = new Net();
    for (const i of [1, 2]) net.addModule(`layer${i}`, new nn.Conv2d(1, 1, 1, { bias: false }));
    expect(names(net.namedChildren())).toEqual(['conv', 'layer1', 'layer2']);
    const conv = new nn.Conv2d(1, 1, 1);
    net.addModule('conv', conv);
    expect(net.conv).toBe(conv);
    const untyped = net as unknown as { addModule: (...args: unknown[]) => void };
    for (const name of ['', 'a.b', 'scale', 'plain', 'forward', 'training', '__proto__']) {
      const call = () => untyped.addModule(name, conv);
      expectRejected(call, new RegExp(`'${name}'`), 'ERR_NNCONV_ARG_VALUE');
    }
    expectRejected(() => untyped.addModule(3, conv), /name.*3/, 'ERR_NNCONV_ARG_TYPE');
    for (const value of [null, {}, nn.Conv2d]) {
      expectRejected(() => untyped.addModule('x', value), /module/, 'ERR_NNCONV_ARG_TYPE');
    }
  });

  test('are found by dotted names', () => {
    const net = new nn.Sequential(['net', new Net()]);
    const found = net.getSubmodule('net.conv');
    expect(found).toBe((net.at(0) as Net).conv);
    expect(net.getSubmodule('')).toBe(net);
    for (const name of ['conv', 'net.', 'net.scale', 'net.conv.weight', 'net.toString', '.net']) {
      expectRejected(() => net.getSubmodule(name), /target/, 'ERR_NNCONV_ARG_VALUE');
    }
    expectRejected(() => net.getSubmodule(0 as never), /target/, 'ERR_NNCONV_ARG_TYPE');
  });

  test('not those in arrays or private fields, as in PyTorch', () => {
    class Hidden extends nn.Module {
      list = [new nn.Conv2d(1, 1, 1)];
      readonly #conv = new nn.Conv2d(1, 1, 1);
      forward(x: Tensor): Tensor {
        return this.#conv.forward(x);
      }
    }
    expect([...new Hidden().modules()]).toHaveLength(1);
  });
});

describe('modes and walks', () => {
  test('train and eval reach all modules', () => {
    const net = new Net();
    expect(net.eval()).toBe(net);
    expect([net.training, net.conv.training]).toEqual([false, false]);
    net.train();
    expect([net.training, net.conv.training]).toEqual([true, true]);
    expectRejected(() => net.train(1 as never), /mode.*1/, 'ERR_NNCONV_ARG_TYPE');
  });

  test('apply goes from the inside out', () => {
    const net = new Net();
    const seen: nn.Module[] = [];
    expect(net.apply((module) => void seen.push(module))).toBe(net);
    expect(seen).toEqual([net.conv, net]);
    expectRejected(() => net.apply(1 as never), /fn/, 'ERR_NNCONV_ARG_TYPE');
  });

  test('apply with nn.init, as in the tutorial', () => {
    const net = new Net();
    net.apply((module) => {
      if (module instanceof nn.Conv2d) nn.init.constant_(module.bias!, 0.1);
    });
    expect(net.conv.bias!.toArray()).toEqual([Math.fround(0.1), Math.fround(0.1)]);
  });
});

describe('forward hooks', () => {
  const x = ones([1, 3, 3]);

  test('see module, arguments and output, in the order they came', () => {
    const { conv } = new Net();
    const calls: unknown[][] = [];
    const first = conv.registerForwardHook((...args) => void calls.push(args));
    const second = conv.registerForwardHook(() => void calls.push(['second']));
    const y = conv.forward(x);
    expect(calls).toEqual([[conv, [x], y], ['second']]);
    first.remove();
    conv.forward(x);
    expect(calls).toHaveLength(3);
    second.remove();
    second.remove();
    conv.forward(x);
    expect(calls).toHaveLength(3);
    expect(Object.hasOwn(conv, 'forward')).toBe(false);
  });

  test('replace the output, also inside a network', () => {
    const net = new Net();
    net.conv.registerForwardHook((_, __, output) => (output as Tensor).reshape([-1]));
    expect(net.forward(x).shape).toEqual([2]);
    net.registerForwardHook(() => null);
    expect(net.forward(x)).toBeNull();
  });

  test('of nested modules come from the inside out, once for each forward', () => {
    class Outer extends Net {
      override forward(input: Tensor): Tensor {
        return super.forward(super.forward(input));
      }
    }
    const outer = new Outer();
    outer.conv = new nn.Conv2d(1, 1, 1);
    const seen: nn.Module[] = [];
    for (const module of outer.modules()) module.registerForwardHook((m) => void seen.push(m));
    outer.forward(ones([1, 1, 1]));
    expect(seen).toEqual([outer.conv, outer.conv, outer]);
  });

  test('may remove themselves, and the same function may come twice', () => {
    const { conv } = new Net();
    let count = 0;
    const hook = () => void count++;
    const once = conv.registerForwardHook(() => once.remove());
    const handles = [conv.registerForwardHook(hook), conv.registerForwardHook(hook)];
    conv.forward(x);
    expect(count).toBe(2);
    handles[0].remove();
    conv.forward(x);
    expect(count).toBe(3);
  });

  test('go around a forward that is an own property, and give it back', () => {
    class Arrow extends nn.Module {
      forward = (value: number) => value + 1;
    }
    const module = new Arrow();
    const { forward } = module;
    const handle = module.registerForwardHook((_, __, output) => (output as number) * 10);
    expect(module.forward(1)).toBe(20);
    handle.remove();
    expect(module.forward).toBe(forward);
  });

  test('are no part of the module otherwise', () => {
    const { conv } = new Net();
    const keys = Object.keys(conv);
    conv.registerForwardHook(() => {});
    expect(Object.keys(conv)).toEqual(keys);
    expectRejected(() => conv.registerForwardHook(1 as never), /hook/, 'ERR_NNCONV_ARG_TYPE');
  });
});
