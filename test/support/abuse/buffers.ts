/** Typed arrays on odd buffers, and user code that runs in mid-call. */
import assert from 'node:assert/strict';
import vm from 'node:vm';
import {
  addon,
  raw,
  spec,
  shape,
  input,
  weight,
  bias,
  handle,
  expected,
  detachedArray,
  outcome,
  throws,
  forward,
  stillRight,
  specFields,
} from './context';
import type { Scenarios } from './context';

export const bufferScenarios: Scenarios = {
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

  'tensors to concatenate that change while they are read'() {
    const victim = new Float32Array(32);
    const inputs: unknown[] = [victim, null, input];
    Object.defineProperty(inputs, 1, {
      get() {
        structuredClone(victim.buffer, { transfer: [victim.buffer] });
        inputs.length = 2;
        return input;
      },
    });
    throws('ERR_NNCONV_BUFFER', () => raw.cat(inputs, [shape, shape, shape], 1));
    const shrinking: unknown[] = [shape, null, shape];
    Object.defineProperty(shrinking, 1, {
      get() {
        shrinking.length = 2;
        return shape;
      },
    });
    throws('ERR_NNCONV_ARG_TYPE', () => raw.cat([input, input, input], shrinking, 1));
    throws('ERR_NNCONV_ARG_VALUE', () => raw.cat([input], [shape, shape], 1));
    throws('ERR_NNCONV_SHAPE', () => raw.cat([input], [[1, 2, 4, 5]], 1));
  },

  'activations in place on odd buffers'() {
    const inPlace = (x: unknown) => raw.activation('clamp', x, 0, 1, true);
    throws('ERR_NNCONV_BUFFER', () => inPlace(new Float32Array(new SharedArrayBuffer(128))));
    throws('ERR_NNCONV_BUFFER', () => inPlace(detachedArray(32)));
    throws('ERR_NNCONV_ARG_TYPE', () => inPlace(new Float64Array(4)));
    const buffer = new Float32Array(40).fill(-7);
    const view = buffer.subarray(3, 36);
    assert.equal(inPlace(view), view);
    assert.deepEqual([...buffer], [-7, -7, -7, ...new Array(33).fill(0), -7, -7, -7, -7]);
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
    const foreign = vm.runInNewContext('new Float32Array(x)', { x: Array.from(input) });
    assert.deepEqual(raw.convForward(handle, foreign, shape, weight, 1, bias).data, expected);
  },

  'getters and proxies that throw'() {
    const mine = new Error('mine');
    for (const thrown of [mine, 5, undefined, null, 'text', Symbol('s'), {}]) {
      const explode = (): never => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- user code throws anything
        throw thrown;
      };
      const bomb = { get: explode };
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
      const sly = { valueOf: explode, toString: explode, [Symbol.toPrimitive]: explode };
      throws('ERR_NNCONV_ARG_TYPE', () => raw.convCreate({ ...spec, groups: sly }));
      throws('ERR_NNCONV_ARG_TYPE', () => raw.convOutputShape(handle, [1, sly, 4, 4]));
      const unread = Object.defineProperty(new Float32Array(32), 'length', bomb);
      assert(raw.convForward(handle, unread, shape, weight, 1, bias));
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
};
