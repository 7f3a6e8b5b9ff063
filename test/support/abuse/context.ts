/** What the scenarios share: a call that is right in everything, garbage, and the judge of outcomes. */
import assert from 'node:assert/strict';
import vm from 'node:vm';

import { addonPath } from '../addon';
import type {
  AsyncRun,
  Binding,
  ConvRunOptions,
  ConvSpec,
  GraphNodeSpec,
  PadSpec,
  PoolSpec,
  ResampleSpec,
} from '../../../lib/binding';

type Functions = Record<keyof Binding | 'graphCreate', (...args: any[]) => any>;
const loaded = require(addonPath);
export const addon: Binding = loaded;
/** The same without types, for calls that the compiler would not let through. */
export const raw: Functions = loaded;

export const spec: ConvSpec = {
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
export const transposed: ConvSpec = { ...spec, transposed: true, stride: [2, 2] };
export const shape = [1, 2, 4, 4];
export const input = Float32Array.from({ length: 32 }, (_, i) => i - 16);
export const weight = Float32Array.from({ length: 24 }, (_, i) => i % 5);
export const bias = Float32Array.of(1, 2, 3);
export const handle = addon.convCreate(spec);
export const expected = addon.convForward(handle, input, shape, weight, 1, bias).data;

const poolSpec: PoolSpec = {
  kind: 'max',
  kernel: [2, 2],
  stride: [2, 2],
  padding: [1, 1],
  dilation: [1, 1],
  ceilMode: false,
};
const padSpec: PadSpec = { mode: 'reflect', padding: [1, 2, -1, 3], value: 0 };
const resampleSpec: ResampleSpec = {
  mode: 'bilinear',
  size: null,
  scaleFactor: [2, 1.5],
  alignCorners: false,
  recomputeScaleFactor: false,
};
/** A value for each of the two channels. */
const pair = (): Float32Array => Float32Array.of(0.5, 1.5);

/** A convolution in a network, what is added to it, and a cut: `handle`'s results, changed. */
export const convNode: GraphNodeSpec = {
  op: 'conv',
  inputs: [0],
  spec,
  weight,
  bias,
  norm: null,
  strict: false,
  adds: false,
  cut: null,
};
export const graphNodes = (): GraphNodeSpec[] => [
  { ...convNode },
  { op: 'activation', inputs: [1], kind: 'clamp', a: -3, b: 30 },
  { op: 'binary', inputs: [1, 2], kind: 'add' },
];
export const graph = addon.graphCreate(1, graphNodes(), [3], null);
const disposed = addon.graphCreate(1, graphNodes(), [3], null);
addon.graphDispose(disposed);
export const runGraph = () => addon.graphRun(graph, [input], [shape], 0)[0].data;
export const graphExpected = runGraph();

/** A fresh call that is right in everything. */
export const rightArgs = (): Record<keyof Binding, unknown[]> => ({
  convCreate: [{ ...spec }],
  convOutputShape: [handle, shape, {}],
  convForward: [handle, input, shape, weight, 1, bias, {}],
  convForwardAsync: [handle, input, shape, weight, 1, bias, {}],
  convExplain: [handle, shape, {}],
  convStats: [handle],
  convAlgorithms: [handle, shape],
  poolCheck: [{ ...poolSpec }],
  poolOutputShape: [{ ...poolSpec }, shape],
  poolForward: [{ ...poolSpec }, input, shape],
  padCheck: [{ ...padSpec }],
  padOutputShape: [{ ...padSpec }, shape],
  padForward: [{ ...padSpec }, input, shape],
  resampleCheck: [{ ...resampleSpec }],
  resampleOutputShape: [{ ...resampleSpec }, shape],
  resampleForward: [{ ...resampleSpec }, input, shape],
  batchNorm: [input, shape, null, null, pair(), pair(), true, 0.1, 1e-5],
  instanceNorm: [input, shape, null, null, pair(), pair(), false, 0.1, 1e-5],
  groupNorm: [input, shape, 2, pair(), pair(), 1e-5],
  layerNorm: [input, shape, [4, 4], null, null, 1e-5],
  localResponseNorm: [input, shape, 3, 1e-4, 0.75, 1],
  softmax: [input, shape, 1, false],
  // It may be told to work in place.
  activation: ['leakyRelu', input.slice(), 0.5, 0, false],
  binary: ['add', input, shape, pair(), [1, 2, 1, 1]],
  linear: [input, shape, weight, [6, 4], null],
  matmul: [input, [1, 2, 4, 4], input, [1, 2, 4, 4]],
  cat: [[input, input], [shape, shape], 1],
  permute: [input, shape, [0, 2, 3, 1]],
  mean: [input, shape, [1, 3], false],
  pixelShuffle: [input, [1, 8, 2, 2], 2, false],
  graphCreate: [1, graphNodes(), [3], graph],
  graphDispose: [disposed],
  graphKeepWeight: [graph, 0],
  graphNodeShape: [{ ...convNode }, [shape]],
  graphExplain: [graph, [shape]],
  graphRun: [graph, [input], [shape], 2],
  graphProfile: [graph, [input], [shape], 2],
  graphRunAsync: [graph, [input], [shape], 2],
  randomFill: ['normal', new Uint32Array(625), new Float32Array(32), 0, 1],
  cancelTask: [task],
  queueInfo: [],
  setNumThreads: [2],
  getNumThreads: [],
  runtimeInfo: [],
  fmaPeak: [1e-4],
});

/** A run that settles as it likes. */
export function queued(): AsyncRun<unknown> {
  const run = addon.convForwardAsync(handle, input, shape, weight, 1, bias);
  run.promise.catch(() => undefined);
  return run;
}
const { task } = queued();

class Mine extends Array<number> {}

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

export function detachedArray(length: number): Float32Array {
  const array = new Float32Array(length);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

/** An External that another part of the process made. */
export function foreignExternal(): unknown {
  const { TCP } = (process as any).binding('tcp_wrap');
  return new TCP(0)._externalStream;
}

export function garbage(): unknown[] {
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  return [
    ...[undefined, null, true, false, '', 'x', '3', Symbol('s'), 1n, 2n ** 70n],
    ...[0, -0, 1, -1, 0.5, 1e300, NaN, Infinity, -Infinity],
    ...[2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1, 2 ** 53, -(2 ** 53)],
    ...[{}, Object.create(null), [], [1], ['1'], [NaN], [[]], new Array(3), new Array(1e6), cyclic],
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
export function outcome(call: () => unknown): Outcome {
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

export function throws(code: string, call: () => unknown): void {
  assert.deepEqual(outcome(call), { code });
}

export const forward = (options?: ConvRunOptions) =>
  addon.convForward(handle, input, shape, weight, 1, bias, options);

/** The addon still computes what it did before. */
export function stillRight(): void {
  assert.deepEqual(forward().data, expected);
  assert.deepEqual(runGraph(), graphExpected);
}

export function* specFields(): Generator<keyof ConvSpec> {
  yield* Object.keys(spec) as (keyof ConvSpec)[];
}

/** Small, repeatable random numbers. */
export function randomizer(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export type Scenarios = Record<string, () => void | Promise<void>>;
