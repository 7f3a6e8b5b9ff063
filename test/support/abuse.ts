/**
 * Calls the addon with all that can go wrong, for test/binding.test.ts. Runs in a process of its
 * own: `node -r ts-node/register/transpile-only abuse.ts <name of a scenario>`, so that a crash is
 * a failed test. A scenario throws when the addon does anything but return or throw a coded error.
 */
import assert from 'node:assert/strict';
import vm from 'node:vm';
import { Worker } from 'node:worker_threads';

import { addonPath } from './addon';
import type { Binding, ConvHandle, ConvRunOptions, ConvSpec } from '../../lib/binding';

// eslint-disable-next-line @typescript-eslint/no-require-imports -- a .node file
const addon = require(addonPath) as Binding;
type Functions = Record<keyof Binding, (...args: any[]) => any>;
const raw = addon as unknown as Functions;

const spec: ConvSpec = {
  transposed: false,
  inChannels: 2,
  outChannels: 3,
  groups: 1,
  kernel: [2, 2],
  stride: [1, 1],
  dilation: [1, 1],
  padLow: [0, 0],
  padHigh: [0, 0],
  outputPadding: [0, 0],
  paddingMode: 'zeros',
};
const transposed: ConvSpec = { ...spec, transposed: true, stride: [2, 2] };
const shape = [1, 2, 4, 4];
const input = Float32Array.from({ length: 32 }, (_, i) => i - 16);
const weight = Float32Array.from({ length: 24 }, (_, i) => i % 5);
const bias = Float32Array.of(1, 2, 3);
const handle = addon.convCreate(spec);
const expected = addon.convForward(handle, input, shape, weight, 1, bias).data;

/** A fresh call that is right in everything. */
const rightArgs = (): Record<keyof Binding, unknown[]> => ({
  convCreate: [{ ...spec }],
  convOutputShape: [handle, shape, {}],
  convForward: [handle, input, shape, weight, 1, bias, {}],
  convExplain: [handle, shape, {}],
  convStats: [handle],
  convAlgorithms: [handle, shape],
  setNumThreads: [2],
  getNumThreads: [],
  runtimeInfo: [],
});

class Mine extends Array<number> {}

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function detachedArray(length: number): Float32Array {
  const array = new Float32Array(length);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

/** An External that another part of the process made. */
function foreignExternal(): unknown {
  const { TCP } = (process as any).binding('tcp_wrap');
  return new TCP(0)._externalStream;
}

function garbage(): unknown[] {
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  return [
    ...[undefined, null, true, false, '', 'x', '3', Symbol('s'), 1n, 2n ** 70n],
    ...[0, -0, 1, -1, 0.5, 1e300, NaN, Infinity, -Infinity],
    ...[2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1, 2 ** 53, -(2 ** 53)],
    ...[{}, Object.create(null), [], [1], ['1'], [NaN], [[]], [,], new Array(1e6), cyclic],
    ...[() => 1, class {}, new Date(), /x/, new Map(), new Error('mine'), Promise.resolve()],
    ...[new Float32Array(0), new Float32Array(3), new Float64Array(32), new Uint8Array(128)],
    ...[
      new Int32Array(4),
      new BigInt64Array(2),
      Buffer.alloc(128),
      new DataView(new ArrayBuffer(8)),
    ],
    ...[new ArrayBuffer(128), new SharedArrayBuffer(128), new WeakRef({}), new Number(3)],
    ...[new Float32Array(new SharedArrayBuffer(128)), detachedArray(32), detachedArray(0)],
    ...[new Proxy({}, {}), new Proxy([], {}), new Proxy(input, {}), new Proxy(handle, {})],
    ...[revoked({}), revoked([]), revoked(() => 1), Object.create(handle), { ...handle }],
    ...[Mine.of(1, 2, 4, 4), vm.runInNewContext('new Float32Array(32)'), foreignExternal()],
    ...[Object.create(Float32Array.prototype), Object.create(Array.prototype), globalThis, addon],
  ];
}

type Outcome = { returned: unknown } | { code: string };

/** Errors must have a code of ours; only V8's own complaint about a revoked proxy has none. */
function outcome(call: () => unknown): Outcome {
  try {
    return { returned: call() };
  } catch (error) {
    assert(error instanceof Error, `not an Error: ${String(error)}`);
    const { code } = error as { code?: string };
    if (/proxy that has been revoked/.test(error.message)) return { code: 'revoked' };
    assert.match(code ?? 'no code', /^ERR_NNCONV_/, error.message);
    assert(error instanceof TypeError || error instanceof RangeError, `${error.name} ${code}`);
    assert(error.message.length > 10, error.message);
    assert(error.message.length < 500, error.message.slice(0, 600));
    return { code: code! };
  }
}

function throws(code: string, call: () => unknown): void {
  assert.deepEqual(outcome(call), { code });
}

const forward = (options?: ConvRunOptions) =>
  addon.convForward(handle, input, shape, weight, 1, bias, options);

/** The addon still computes what it did before. */
function stillRight(): void {
  assert.deepEqual(forward().data, expected);
}

function* specFields(): Generator<keyof ConvSpec> {
  yield* Object.keys(spec) as (keyof ConvSpec)[];
}

/** Small, repeatable random numbers. */
function randomizer(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const scenarios: Record<string, () => void | Promise<void>> = {
  'each argument replaced by garbage'() {
    for (const name of Object.keys(rightArgs()) as (keyof Binding)[]) {
      const count = rightArgs()[name].length;
      for (let position = 0; position < count; position++) {
        for (const value of garbage()) {
          const args = rightArgs()[name];
          args[position] = value;
          outcome(() => raw[name](...args));
        }
      }
      stillRight();
    }
    addon.setNumThreads(2);
  },

  'too few arguments, too many, and a foreign this'() {
    for (const name of Object.keys(rightArgs()) as (keyof Binding)[]) {
      const args = rightArgs()[name];
      for (let count = 0; count < args.length; count++)
        outcome(() => raw[name](...args.slice(0, count)));
      outcome(() => raw[name](...args, ...garbage()));
      for (const self of garbage()) outcome(() => raw[name].apply(self, args));
      outcome(() => new raw[name](...(args as [])));
    }
    stillRight();
  },

  'two to four arguments replaced by garbage'() {
    const random = randomizer(7);
    const values = garbage();
    const names = Object.keys(rightArgs()) as (keyof Binding)[];
    for (let i = 0; i < 20_000; i++) {
      const name = names[random(names.length)];
      const args = rightArgs()[name];
      for (let n = 2 + random(3); n > 0 && args.length > 0; n--) {
        args[random(args.length)] = values[random(values.length)];
      }
      outcome(() => raw[name](...args));
    }
    addon.setNumThreads(2);
    stillRight();
  },

  'each field of a spec replaced by garbage, or missing'() {
    for (const base of [spec, transposed]) {
      for (const field of specFields()) {
        const { [field]: _, ...rest } = base;
        assert('code' in outcome(() => raw.convCreate(rest)), `${field} missing`);
        for (const value of garbage()) {
          outcome(() => raw.convCreate({ ...base, [field]: value }));
          const list = base[field];
          if (!Array.isArray(list)) continue;
          outcome(() => raw.convCreate({ ...base, [field]: [list[0], value] }));
        }
      }
    }
  },

  'wrong kinds are TypeErrors, bad values are RangeErrors'() {
    const kinds = [undefined, null, '2', true, {}, 2n, Symbol('s'), () => 2];
    const values = [NaN, Infinity, 1.5, -1, 2 ** 31, 2 ** 53, 1e300];
    for (const field of ['inChannels', 'outChannels', 'groups'] as const) {
      for (const value of kinds) {
        throws('ERR_NNCONV_ARG_TYPE', () => raw.convCreate({ ...spec, [field]: value }));
      }
      for (const value of values) {
        throws('ERR_NNCONV_ARG_VALUE', () => raw.convCreate({ ...spec, [field]: value }));
      }
    }
    for (const field of ['kernel', 'stride', 'dilation', 'padLow', 'padHigh'] as const) {
      for (const value of [...kinds, 3]) {
        throws('ERR_NNCONV_ARG_TYPE', () => raw.convCreate({ ...spec, [field]: value }));
      }
      for (const value of kinds) {
        throws('ERR_NNCONV_ARG_TYPE', () => raw.convCreate({ ...spec, [field]: [1, value] }));
      }
      for (const value of values) {
        throws('ERR_NNCONV_ARG_VALUE', () => raw.convCreate({ ...spec, [field]: [1, value] }));
      }
      for (const value of [[], [1, 1, 1, 1], new Array(1e6).fill(1)]) {
        throws('ERR_NNCONV_ARG_VALUE', () => raw.convCreate({ ...spec, [field]: value }));
      }
    }
    for (const value of kinds.filter((kind) => kind !== true)) {
      throws('ERR_NNCONV_ARG_TYPE', () => raw.convCreate({ ...spec, transposed: value }));
    }
    for (const value of [0, 1025, -1, 1.5, NaN, 2 ** 32 + 1, 1e300]) {
      throws('ERR_NNCONV_ARG_VALUE', () => raw.setNumThreads(value));
    }
    for (const value of kinds) throws('ERR_NNCONV_ARG_TYPE', () => raw.setNumThreads(value));
    throws('ERR_NNCONV_ARG_VALUE', () => raw.convCreate({ ...spec, paddingMode: 'mirror' }));
    throws('ERR_NNCONV_ARG_TYPE', () => raw.convCreate({ ...spec, paddingMode: 1 }));
  },

  'lying shapes and wrong lengths'() {
    const run = (s: unknown, x = input, w = weight, b: Float32Array | null = bias) =>
      raw.convForward(handle, x, s, w, 1, b);
    const lies = [
      [2, 2, 4, 4],
      [0, 2, 4, 4],
      [1, 2, 4, 5],
      [1, 2, 8, 2 ** 10],
      [2, 4, 5],
    ];
    for (const lie of lies) throws('ERR_NNCONV_SHAPE', () => run(lie));
    // Products that wrap around to something small, or to the true length.
    const huge = [
      [2 ** 32, 2, 4, 4],
      [2 ** 53 - 1, 2, 4, 4],
      [1, 2, 2 ** 32, 2 ** 32],
      [2 ** 27, 2, 2 ** 32, 4],
      [2 ** 40, 2, 2 ** 40, 2 ** 40],
      [2 ** 31 + 1, 2, 2 ** 31 + 1, 2 ** 31 + 1],
    ];
    for (const lie of huge) assert('code' in outcome(() => run(lie)), String(lie));
    for (const lie of [
      [-1, 2, 4, 4],
      [1, 2, -4, -4],
      [1, 2, NaN, 4],
      [1, 2, 0.5, 4],
    ]) {
      throws('ERR_NNCONV_ARG_VALUE', () => run(lie));
    }
    for (const lie of [[], [4], [4, 4], [1, 1, 2, 4, 4], [1, 3, 4, 4], [1, 2, 0, 4]]) {
      throws('ERR_NNCONV_SHAPE', () => run(lie));
    }
    for (const length of [0, 1, 31, 33, 64]) {
      throws('ERR_NNCONV_SHAPE', () => run(shape, new Float32Array(length)));
    }
    for (const length of [0, 1, 23, 25]) {
      throws('ERR_NNCONV_SHAPE', () => run(shape, input, new Float32Array(length)));
    }
    for (const length of [0, 2, 4]) {
      throws('ERR_NNCONV_SHAPE', () => run(shape, input, weight, new Float32Array(length)));
    }
    stillRight();
  },

  'a shape is judged before memory is asked for'() {
    // Far more output than the machine has, for an input that isn't there.
    throws('ERR_NNCONV_SHAPE', () =>
      raw.convForward(handle, input, [1e9, 2, 4, 4], weight, 1, bias),
    );
  },

  'sizes that overflow or that nobody has'() {
    const alloc = (s: Partial<ConvSpec>, inputShape: number[], values: Float32Array) => {
      const made = addon.convCreate({ ...spec, inChannels: 1, outChannels: 1, ...s });
      const w = new Float32Array(4);
      throws('ERR_NNCONV_ALLOC', () => addon.convForward(made, values, inputShape, w, 1, null));
    };
    const one = new Float32Array(1);
    const pads = { padLow: [2 ** 25, 2 ** 25], padHigh: [2 ** 25, 2 ** 25] };
    alloc(pads, [1, 1, 1, 1], one);
    alloc({ ...pads, paddingMode: 'replicate' }, [1, 1, 1, 1], one);
    const top = 2 ** 31 - 1;
    alloc({ padLow: [top, top], padHigh: [top, top] }, [1, 1, 1, 1], one);
    alloc({ transposed: true, dilation: [top, top] }, [1, 1, 1, 1], one);
    alloc({ transposed: true, stride: [top, top] }, [1, 1, 2, 2], new Float32Array(4));
    const dims = { kernel: [top, top], stride: [1, 1] };
    throws('ERR_NNCONV_ALLOC', () => addon.convCreate({ ...spec, ...dims }));
    const wide = { inChannels: top, outChannels: top };
    throws('ERR_NNCONV_ALLOC', () => addon.convCreate({ ...spec, ...wide, kernel: [9, 9] }));
    // Weights that count as possible, and that can't be there: never touched.
    const big = addon.convCreate({ ...spec, inChannels: 2 ** 20, outChannels: 2 ** 20 });
    throws('ERR_NNCONV_SHAPE', () => raw.convForward(big, input, shape, weight, 1, null));
    outcome(() => addon.convExplain(big, [1, 2 ** 20, 2 ** 10, 2 ** 10]));
    outcome(() => addon.convAlgorithms(big, [2 ** 20, 2 ** 20, 2 ** 4, 2 ** 4]));
  },

  'large padding and stride with a small output'() {
    const cases: [Partial<ConvSpec>, number[]][] = [];
    for (const paddingMode of ['zeros', 'replicate'] as const) {
      for (const far of [2 ** 12, 2 ** 20, 2 ** 26]) {
        const pads = { padLow: [far, far], padHigh: [far, far], stride: [far, far], paddingMode };
        cases.push([{ ...pads, kernel: [1, 1] }, [1, 1, 4, 4]]);
        cases.push([{ ...pads, kernel: [3, 3] }, [1, 1, 4, 4]]);
      }
    }
    for (const far of [2 ** 12, 2 ** 20, 2 ** 26, 2 ** 30]) {
      const dilation = [far, far];
      cases.push([{ dilation, padLow: dilation, padHigh: dilation, kernel: [3, 3] }, [1, 1, 4, 4]]);
      cases.push([{ dilation, kernel: [1, 1] }, [1, 1, 4, 4]]);
      const crop = { transposed: true, padLow: [far, far], padHigh: [far, far], kernel: [3, 3] };
      cases.push([{ ...crop, dilation }, [1, 1, 4, 4]]);
      cases.push([{ ...crop, stride: [far, far] }, [1, 1, 3, 3]]);
    }
    for (const [fields, inputShape] of cases) {
      const made = addon.convCreate({ ...spec, inChannels: 1, outChannels: 1, ...fields });
      const values = new Float32Array(inputShape[2] * inputShape[3]).fill(1);
      const w = new Float32Array(fields.kernel![0] ** 2).fill(1);
      const result = outcome(() => addon.convOutputShape(made, inputShape));
      if ('code' in result) continue;
      const sizes = result.returned as number[];
      if (sizes[2] * sizes[3] > 2 ** 24) continue;
      for (const algorithm of addon.convAlgorithms(made, inputShape)) {
        const ran = outcome(() =>
          addon.convForward(made, values, inputShape, w, 1, null, { algorithm }),
        );
        if ('code' in ran) assert.equal(ran.code, 'ERR_NNCONV_ALLOC', JSON.stringify(fields));
      }
    }
    stillRight();
  },

  'arrays of other kinds'() {
    const arrays = (length: number) => [
      ...[Float64Array, Int32Array, Uint8Array, Int8Array, Uint16Array].map((A) => new A(length)),
      ...[
        new BigInt64Array(length),
        Buffer.alloc(4 * length),
        new DataView(new ArrayBuffer(4 * length)),
      ],
      ...[Array.from({ length }, () => 0), new ArrayBuffer(4 * length), { length }],
    ];
    for (const x of arrays(32)) {
      throws('ERR_NNCONV_ARG_TYPE', () => raw.convForward(handle, x, shape, weight, 1, bias));
    }
    for (const w of arrays(24)) {
      throws('ERR_NNCONV_ARG_TYPE', () => raw.convForward(handle, input, shape, w, 1, bias));
    }
    for (const b of arrays(3)) {
      throws('ERR_NNCONV_ARG_TYPE', () => raw.convForward(handle, input, shape, weight, 1, b));
    }
  },

  'buffers that are shared or detached'() {
    const shared = (length: number) => new Float32Array(new SharedArrayBuffer(4 * length));
    for (const make of [shared, detachedArray]) {
      throws('ERR_NNCONV_BUFFER', () => raw.convForward(handle, make(32), shape, weight, 1, bias));
      throws('ERR_NNCONV_BUFFER', () => raw.convForward(handle, input, shape, make(24), 1, bias));
      throws('ERR_NNCONV_BUFFER', () => raw.convForward(handle, input, shape, weight, 1, make(3)));
      throws('ERR_NNCONV_BUFFER', () =>
        raw.convForward(handle, make(0), [0, 2, 4, 4], weight, 1, bias),
      );
    }
    stillRight();
  },

  'buffers that grow and shrink'() {
    const growable = new (ArrayBuffer as any)(128, { maxByteLength: 256 });
    const tracking = new Float32Array(growable);
    tracking.set(input);
    const run = () => addon.convForward(handle, tracking, shape, weight, 1, bias);
    assert.deepEqual(run().data, expected);
    growable.resize(256);
    throws('ERR_NNCONV_SHAPE', run);
    growable.resize(64);
    throws('ERR_NNCONV_SHAPE', run);
    growable.resize(128);
    const fixed = new Float32Array(growable, 0, 32);
    growable.resize(64); // out of bounds: its length is 0 now
    assert('code' in outcome(() => addon.convForward(handle, fixed, shape, weight, 1, bias)));
    growable.resize(0);
    assert('code' in outcome(run));
    stillRight();
  },

  'views into a larger buffer'() {
    const buffer = new ArrayBuffer(4 * 200);
    const view = (offset: number, values: Float32Array) => {
      const result = new Float32Array(buffer, 4 * offset, values.length);
      result.set(values);
      return result;
    };
    for (const offset of [0, 1, 2, 3, 5, 17]) {
      const x = view(offset, input);
      const w = view(offset + 33, weight);
      const b = view(offset + 58, bias);
      for (const algorithm of addon.convAlgorithms(handle, shape)) {
        const { data } = addon.convForward(handle, x, shape, w, -1, b, { algorithm });
        assert.deepEqual(data, expected, `${algorithm} at ${offset}`);
      }
    }
    assert.deepEqual(
      addon.convForward(
        handle,
        vm.runInNewContext('x.constructor && new Float32Array(x)', {
          x: Array.from(input),
        }),
        shape,
        weight,
        1,
        bias,
      ).data,
      expected,
    );
  },

  'getters and proxies that throw'() {
    const mine = new Error('mine');
    for (const thrown of [mine, 5, undefined, null, 'text', Symbol('s'), {}]) {
      const bomb = {
        get(): never {
          throw thrown;
        },
      };
      const calls: (() => unknown)[] = [];
      for (const field of specFields()) {
        calls.push(() => raw.convCreate(Object.defineProperty({ ...spec }, field, bomb)));
        const list = spec[field];
        if (!Array.isArray(list)) continue;
        const trapped = Object.defineProperty([...(list as number[])], 1, bomb);
        calls.push(() => raw.convCreate({ ...spec, [field]: trapped }));
      }
      calls.push(() => raw.convCreate(new Proxy(spec, bomb)));
      const trappedShape = Object.defineProperty([...shape], 2, bomb);
      for (const key of ['algorithm', 'strict', 'outputPadding']) {
        const options = Object.defineProperty({}, key, bomb);
        calls.push(() => raw.convForward(handle, input, shape, weight, 1, bias, options));
        calls.push(() => raw.convExplain(handle, shape, options));
      }
      calls.push(() => raw.convForward(handle, input, trappedShape, weight, 1, bias));
      calls.push(() => raw.convOutputShape(handle, trappedShape));
      for (const call of calls) {
        let caught: unknown = 'nothing';
        try {
          call();
        } catch (error) {
          caught = error;
        }
        assert.equal(caught, thrown, String(call));
      }
      // Numbers are taken as they are: no valueOf, no toString.
      const sly = { valueOf: bomb.get, toString: bomb.get, [Symbol.toPrimitive]: bomb.get };
      throws('ERR_NNCONV_ARG_TYPE', () => raw.convCreate({ ...spec, groups: sly }));
      throws('ERR_NNCONV_ARG_TYPE', () => raw.convOutputShape(handle, [1, sly, 4, 4]));
      const nothing = Object.defineProperty(new Float32Array(32), 'length', bomb);
      assert.equal(
        'returned' in outcome(() => raw.convForward(handle, nothing, shape, weight, 1, bias)),
        true,
      );
    }
    stillRight();
  },

  'getters that detach, shrink or re-enter in mid-call'() {
    for (let victim = 0; victim < 3; victim++) {
      for (const at of ['shape', 'strict', 'outputPadding', 'algorithm'] as const) {
        const arrays = [input.slice(), weight.slice(), bias.slice()];
        const detach = () => {
          const { buffer } = arrays[victim];
          if (buffer.byteLength > 0) structuredClone(buffer, { transfer: [buffer] });
          return undefined;
        };
        const options = at === 'shape' ? {} : Object.defineProperty({}, at, { get: detach });
        const sly = [...shape];
        if (at === 'shape') Object.defineProperty(sly, 3, { get: () => (detach(), 4) });
        throws('ERR_NNCONV_BUFFER', () =>
          raw.convForward(handle, arrays[0], sly, arrays[1], 1, arrays[2], options),
        );
      }
    }
    const growable = new (ArrayBuffer as any)(128, { maxByteLength: 128 });
    const shrinking = Object.defineProperty([...shape], 0, { get: () => (growable.resize(8), 1) });
    throws('ERR_NNCONV_SHAPE', () =>
      raw.convForward(handle, new Float32Array(growable), shrinking, weight, 1, bias),
    );

    let depth = 0;
    const reentrant = {
      get strict(): boolean {
        if (depth++ < 20) assert.deepEqual(forward(reentrant).data, expected);
        addon.setNumThreads(1 + (depth % 4));
        stillRight();
        return false;
      },
    };
    assert.deepEqual(forward(reentrant).data, expected);
    addon.setNumThreads(2);

    // An array that is shorter, or longer, by the time its elements are read.
    const fickle = [...shape];
    Object.defineProperty(fickle, 0, { get: () => ((fickle.length = 1), 1) });
    outcome(() => raw.convOutputShape(handle, fickle));
    const growing = [1, 2, 4, 4];
    Object.defineProperty(growing, 3, { get: () => (growing.push(...new Array(1000).fill(1)), 4) });
    outcome(() => raw.convOutputShape(handle, growing));
    let reads = 0;
    const moody = new Proxy(spec, { get: (target: any, key) => (reads++ % 3 ? target[key] : [9]) });
    outcome(() => raw.convCreate(moody));
    stillRight();
  },

  'handles of others'() {
    const fakes = [
      {},
      { ...handle },
      Object.create(handle),
      new Proxy(handle, {}),
      foreignExternal(),
    ];
    for (const fake of [...fakes, addon, null, undefined, 1, 'conv', raw.convCreate]) {
      throws('ERR_NNCONV_ARG_TYPE', () => raw.convStats(fake));
      throws('ERR_NNCONV_ARG_TYPE', () => raw.convForward(fake, input, shape, weight, 1, bias));
    }
    const mine = addon.convCreate(spec) as ConvHandle & { extra?: number };
    mine.extra = 1;
    Object.setPrototypeOf(mine, null);
    assert.deepEqual(addon.convForward(mine, input, shape, weight, 1, bias).data, expected);
    Object.freeze(mine);
    assert.deepEqual(addon.convForward(mine, input, shape, weight, 1, bias).data, expected);
  },

  'options that are not understood'() {
    for (const algorithm of ['', 'Direct', 'nothing', 'reference\0', 'x'.repeat(1e6)]) {
      assert('code' in outcome(() => forward({ algorithm })), algorithm.slice(0, 20));
    }
    for (const algorithm of [1, null, {}, Symbol('s'), true]) {
      throws('ERR_NNCONV_ARG_TYPE', () => forward({ algorithm: algorithm as string }));
    }
    for (const strict of [0, 1, 'true', null, {}]) {
      throws('ERR_NNCONV_ARG_TYPE', () => forward({ strict: strict as boolean }));
    }
    throws('ERR_NNCONV_ARG_VALUE', () => forward({ outputPadding: [0, 0] }));
    const made = addon.convCreate(transposed);
    const w = new Float32Array(24);
    const extra = (outputPadding: any) =>
      raw.convForward(made, input, shape, w, 1, bias, { outputPadding });
    for (const bad of [
      [-1, 0],
      [2, 0],
      [0, 2 ** 31],
      [0],
      [0, 0, 0],
      [NaN, 0],
      [0.5, 0],
      [1e300, 0],
    ]) {
      throws('ERR_NNCONV_ARG_VALUE', () => extra(bad));
    }
    for (const bad of [null, 1, '00', ['0', 0], [null, 0], {}]) {
      throws('ERR_NNCONV_ARG_TYPE', () => extra(bad));
    }
    for (const version of [NaN, Infinity, 0.5, 2 ** 53]) {
      throws('ERR_NNCONV_ARG_VALUE', () =>
        raw.convForward(handle, input, shape, weight, version, bias),
      );
    }
    for (const version of [undefined, null, '1', 1n, {}]) {
      throws('ERR_NNCONV_ARG_TYPE', () =>
        raw.convForward(handle, input, shape, weight, version, bias),
      );
    }
  },

  'a forced algorithm that cannot do the problem'() {
    const all = new Set<string>();
    const problems: [ConvSpec, number[]][] = [
      [spec, shape],
      [transposed, shape],
      [{ ...spec, inChannels: 4, outChannels: 4, groups: 4, kernel: [3, 3] }, [1, 4, 5, 5]],
      [{ ...spec, kernel: [1, 1] }, shape],
      [
        {
          ...spec,
          inChannels: 2,
          outChannels: 4,
          groups: 2,
          paddingMode: 'reflect',
          padLow: [1, 1],
          padHigh: [1, 1],
        },
        shape,
      ],
      [
        { ...spec, kernel: [3, 3], outChannels: 32, padLow: [1, 1], padHigh: [1, 1] },
        [1, 2, 16, 16],
      ],
    ];
    for (const [s, size] of problems) {
      for (const name of addon.convAlgorithms(addon.convCreate(s), size)) all.add(name);
    }
    for (const [s, size] of problems) {
      const made = addon.convCreate(s);
      const names = addon.convAlgorithms(made, size);
      const x = new Float32Array(size.reduce((a, b) => a * b));
      const perGroup = s.transposed ? s.outChannels / s.groups : s.inChannels / s.groups;
      const rows = s.transposed ? s.inChannels : s.outChannels;
      const w = new Float32Array(rows * perGroup * s.kernel.reduce((a, b) => a * b));
      for (const algorithm of all) {
        const call = () => addon.convForward(made, x, size, w, 1, null, { algorithm });
        if (names.includes(algorithm)) assert('returned' in outcome(call), algorithm);
        else throws('ERR_NNCONV_UNSUPPORTED', call);
      }
    }
  },

  'many threads'() {
    for (const threads of [1024, 1, 64, 3, 1024, 2]) {
      addon.setNumThreads(threads);
      stillRight();
      const made = addon.convCreate({ ...spec, kernel: [1, 1], outChannels: 64 });
      const x = new Float32Array(2 * 64 * 64).fill(1);
      const w = new Float32Array(128).fill(0.5);
      const { data } = addon.convForward(made, x, [2, 64, 64], w, 1, null);
      assert(data.every((value) => value === 1));
    }
  },

  async 'handles by the thousand are collected'() {
    const w = new Float32Array(256 * 256).fill(1);
    const x = new Float32Array(256 * 4).fill(1);
    const wide = { ...spec, kernel: [1, 1], inChannels: 256, outChannels: 256 };
    for (let i = 0; i < 8000; i++) {
      const made = addon.convCreate(wide);
      addon.convForward(made, x, [1, 256, 2, 2], w, 1, null);
      // Node runs finalizers from its event loop.
      if (i % 50 === 0) await new Promise(setImmediate);
    }
    // 8000 packed copies are 2 GB.
    const megabytes = process.memoryUsage().rss / 2 ** 20;
    assert(megabytes < 1000, `${megabytes} MB`);
  },

  async 'workers that come, compute, and are terminated'() {
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const addon = require(workerData.addonPath);
      const { spec, shape, input, weight, bias, forever } = workerData;
      const handle = addon.convCreate(spec);
      do {
        const { data } = addon.convForward(handle, input, shape, weight, 1, bias);
        addon.setNumThreads(1 + Math.floor(Math.random() * 3));
        parentPort.postMessage(data);
      } while (forever);
    `;
    const start = (forever: boolean) =>
      new Worker(code, {
        eval: true,
        workerData: { addonPath, spec, shape, input, weight, bias, forever },
      });
    for (let round = 0; round < 4; round++) {
      const running = [true, false, true, false].map(start);
      await Promise.all(
        running.map(async (worker, i) => {
          const data = await new Promise((resolve, reject) => {
            worker.once('message', resolve).once('error', reject);
          });
          assert.deepEqual(data, expected);
          stillRight();
          if (i % 2 === 0) await worker.terminate();
          else await new Promise((resolve) => worker.once('exit', resolve));
        }),
      );
    }
    addon.setNumThreads(2);
    stillRight();
  },

  'exit with a worker in mid-run'() {
    const code = `
      const { workerData } = require('node:worker_threads');
      const addon = require(workerData.addonPath);
      const spec = { ...workerData.spec, kernel: [1, 1], inChannels: 64, outChannels: 256 };
      const handle = addon.convCreate(spec);
      const x = new Float32Array(64 * 128 * 128);
      const w = new Float32Array(64 * 256);
      for (;;) {
        addon.convForward(handle, x, [64, 128, 128], w, 1, null);
        require('node:worker_threads').parentPort.postMessage(1);
      }
    `;
    const worker = new Worker(code, { eval: true, workerData: { addonPath, spec } });
    worker.once('message', () => process.exit(0));
  },
};

export const names = Object.keys(scenarios);

if (require.main === module) {
  void Promise.resolve(scenarios[process.argv[2]]()).catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
}
