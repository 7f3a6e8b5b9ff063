import { compileFunction } from 'node:vm';

const { lazily } = require('../../scripts/lazy-modules.js') as {
  lazily: (text: string, file: string) => string;
};

const run = (text: string, require: (id: string) => unknown) => {
  const exports: Record<string, unknown> = {};
  const body = compileFunction(lazily(text, 'a.js'), ['exports', 'require', '__importStar']);
  body(exports, require, (module: unknown) => module);
  return exports;
};

describe('modules that load when they are needed', () => {
  const text = [
    'const conv_1 = require("./conv");',
    'const node_fs_1 = require("node:fs");',
    'var ops_1 = require("../ops");',
    'Object.defineProperty(exports, "add", { enumerable: true, get: function () { return ops_1.add; } });',
    'exports.nn = __importStar(require("./nn"));',
    'exports.make = (n) => new conv_1.Conv(n);',
    'exports.size = (n) => (0, conv_1.size)(n) + new conv_1.Conv(n).n + node_fs_1.one;',
  ].join('\n');
  const modules: Record<string, unknown> = {
    './conv': {
      Conv: class {
        constructor(readonly n: number) {}
      },
      size: (n: number) => 10 * n,
    },
    '../ops': { add: 'sum' },
    './nn': { Conv2d: 2 },
    'node:fs': { one: 100 },
  };

  test('each at its first use, packages at once', () => {
    const loaded: string[] = [];
    const exports = run(text, (id) => (loaded.push(id), modules[id]));
    expect(loaded).toEqual(['node:fs']);
    expect(Object.keys(exports)).toEqual(['add', 'nn', 'make', 'size']);
    expect(exports.add).toBe('sum');
    expect(exports.nn).toBe(modules['./nn']);
    expect(loaded).toEqual(['node:fs', '../ops', './nn']);
    expect((exports.make as (n: number) => { n: number })(3).n).toBe(3);
    expect((exports.size as (n: number) => number)(3)).toBe(133);
    expect(loaded).toEqual(['node:fs', '../ops', './nn', './conv']);
  });

  test('a module that is taken as a whole is refused', () => {
    const whole = 'const conv_1 = require("./conv");\nexports.all = { ...conv_1 };';
    expect(() => lazily(whole, 'a.js')).toThrow('a.js takes the whole of conv_1');
  });
});
