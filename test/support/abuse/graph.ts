/** Networks that are wrong, huge, or changed by user code in mid-call. */
import assert from 'node:assert/strict';

import type { GraphHandle, GraphNodeSpec } from '../../../lib/binding';
import {
  addon,
  bias,
  convNode,
  detachedArray,
  foreignExternal,
  garbage,
  graph,
  graphExpected,
  graphNodes,
  handle,
  input,
  outcome,
  randomizer,
  raw,
  rightArgs,
  runGraph,
  shape,
  spec,
  stillRight,
  throws,
  transposed,
  weight,
} from './context';
import type { Scenarios } from './context';

type Node = Record<string, unknown>;

const HUGE = 2 ** 53 - 1;
const pair = (): Float32Array => Float32Array.of(0.5, 1.5);
const norm = { weight: pair(), bias: pair(), mean: pair(), var: pair(), eps: 1e-5 };
const relu = (value: number): GraphNodeSpec => ({
  op: 'activation',
  inputs: [value],
  kind: 'clamp',
  a: 0,
  b: Infinity,
});

/** A node of each kind that is right in everything, for inputs of `shape`. */
const kinds = (): Node[] => [
  { ...convNode },
  { ...convNode, inputs: [0, 0], adds: true, cut: [0, 6], spec: { ...spec, kernel: [1, 1], outChannels: 2 }, weight: new Float32Array(4), bias: null, norm }, // prettier-ignore
  { ...convNode, spec: transposed },
  { op: 'linear', inputs: [0], weight, bias: null, outFeatures: 6, inFeatures: 4, cut: [0, 1] },
  { op: 'batchNorm', inputs: [0], ...norm },
  { op: 'batchNorm', inputs: [0], ...norm, mean: null, var: null },
  { op: 'instanceNorm', inputs: [0], ...norm },
  { op: 'groupNorm', inputs: [0], numGroups: 2, ...norm },
  {
    op: 'layerNorm',
    inputs: [0],
    normalizedShape: [4, 4],
    weight: input.slice(16),
    bias: null,
    eps: 0,
  },
  { op: 'localResponseNorm', inputs: [0], size: 3, alpha: 1e-4, beta: 0.75, k: 1 },
  { op: 'pool', inputs: [0], spec: rightArgs().poolCheck[0] },
  { op: 'softmax', inputs: [0], dim: 1, log: true },
  { op: 'activation', inputs: [0], kind: 'leakyRelu', a: 0.5, b: 0 },
  { op: 'binary', inputs: [0, 0], kind: 'mul' },
  { op: 'matmul', inputs: [0, 0] },
  { op: 'constant', inputs: [], shape: [2], data: pair() },
  { op: 'cat', inputs: [0, 0], dim: 1 },
  { op: 'permute', inputs: [0], dims: [0, 2, 3, 1] },
  { op: 'pixelShuffle', inputs: [0], factor: 2, inverse: true },
  { op: 'mean', inputs: [0], dims: [1], keepdim: false },
  { op: 'reshape', inputs: [0], shape: [2, -1] },
  { op: 'select', inputs: [0], dim: 1, index: -1 },
  { op: 'pad', inputs: [0], spec: rightArgs().padCheck[0] },
  { op: 'resample', inputs: [0], spec: rightArgs().resampleCheck[0] },
];

const create = (nodes: unknown[], outputs: unknown = [nodes.length], inputs: unknown = 1) =>
  raw.graphCreate(inputs, nodes, outputs, null);
const runOf = (made: unknown, x: unknown = input, sizes: unknown = shape) =>
  raw.graphRun(made, [x], [sizes], 1) as { data: Float32Array; shape: number[] }[];

/** Plans a node, but runs nothing: what it asks for may be huge. */
function judge(node: Node, inputs = 1): unknown {
  outcome(() => raw.graphNodeShape(node, new Array(inputs).fill(shape)));
  return outcome(() => raw.graphExplain(create([node]), [shape]));
}

export const graphScenarios: Scenarios = {
  'each kind of node runs'() {
    for (const node of kinds()) {
      const [{ data, shape: sizes }] = runOf(create([node]));
      assert.deepEqual(
        sizes,
        raw.graphNodeShape(
          node,
          (node.inputs as number[]).map(() => shape),
        ),
      );
      assert.equal(
        data.length,
        sizes.reduce((product, size) => product * size, 1),
      );
    }
  },

  'each field of a node replaced by garbage, or missing'() {
    const values = garbage();
    for (const node of kinds()) {
      assert('returned' in (judge(node) as object), String(node.op));
      const { length } = node.inputs as number[];
      for (const [field, list] of Object.entries(node)) {
        const rest = { ...node };
        delete rest[field];
        judge(rest, length);
        for (const value of values) {
          judge({ ...node, [field]: value }, length);
          if (Array.isArray(list)) judge({ ...node, [field]: [...list.slice(1), value] }, length);
        }
      }
    }
    for (const field of Object.keys(norm)) {
      for (const value of values) judge({ ...kinds()[1], norm: { ...norm, [field]: value } });
    }
    stillRight();
  },

  'nodes that name no values, and lists of other lengths'() {
    for (const value of [1, 2, 99, HUGE, -1, -HUGE, NaN, 0.5, '0', null, undefined, [0], 0n]) {
      assert('code' in outcome(() => create([relu(value as number)])), String(value));
      assert(
        'code' in
          outcome(() => create([relu(0), relu(1)], [value === 1 || value === 2 ? 3 : value])),
      );
    }
    // A cycle, and itself.
    throws('ERR_NNCONV_ARG_VALUE', () => create([relu(2), relu(1)]));
    throws('ERR_NNCONV_ARG_VALUE', () => create([{ op: 'binary', kind: 'add', inputs: [0, 1] }]));
    for (const node of kinds()) {
      const inputs = node.inputs as number[];
      if (node.op === 'cat') continue;
      throws('ERR_NNCONV_ARG_VALUE', () => create([{ ...node, inputs: [...inputs, 0] }]));
      if (inputs.length > 0)
        throws('ERR_NNCONV_ARG_VALUE', () => create([{ ...node, inputs: [] }]));
      throws('ERR_NNCONV_ARG_VALUE', () =>
        raw.graphNodeShape(
          node,
          [...inputs, 0].map(() => shape),
        ),
      );
    }
    throws('ERR_NNCONV_ARG_VALUE', () => create([{ op: 'cat', inputs: [], dim: 0 }]));
    for (const count of [-1, 1025, HUGE])
      throws('ERR_NNCONV_ARG_VALUE', () => create([], [], count));
    throws('ERR_NNCONV_ARG_VALUE', () => create([{ op: 'convolution', inputs: [0] }]));
    throws('ERR_NNCONV_ARG_VALUE', () => create([relu(0)], new Array(70_000).fill(0)));
    const both = [{ op: 'cat', dim: 0, inputs: new Array(65_536).fill(0) }, relu(1)];
    assert.equal(raw.graphExplain(create(both), [[1]]).outputShapes[0][0], 65_536);
  },

  'no nodes, no inputs, no outputs'() {
    assert.deepEqual(runOf(create([], [])), []);
    assert.deepEqual(
      runOf(create([], [0, 0])).map(({ data }) => data),
      [input, input],
    );
    assert.deepEqual(raw.graphRun(create([], [], 0), [], [], 1), []);
    const constant = { op: 'constant', inputs: [], shape: [2], data: pair() };
    assert.deepEqual(raw.graphRun(create([constant], [0], 0), [], [], 1)[0].data, pair());
    throws('ERR_NNCONV_ARG_VALUE', () =>
      raw.graphRun(create([constant], [0], 0), [input], [shape], 1),
    );
    throws('ERR_NNCONV_ARG_VALUE', () => raw.graphRun(graph, [], [], 1));
    throws('ERR_NNCONV_ARG_VALUE', () => raw.graphRun(graph, [input, input], [shape], 1));
    throws('ERR_NNCONV_ARG_VALUE', () => raw.graphRun(graph, [input, input], [shape, shape], 1));
    // Steps that nobody needs run all the same.
    assert.deepEqual(runOf(create([relu(0), relu(1), relu(0)], [2]))[0].data, input.map((x) => Math.max(x, 0))); // prettier-ignore
    const empty = runOf(create([relu(0), { op: 'cat', inputs: [1, 1], dim: 0 }]), new Float32Array(0), [0, 3]); // prettier-ignore
    assert.deepEqual(empty, [{ data: new Float32Array(0), shape: [0, 3] }]);
  },

  'shapes and arrays that do not belong together'() {
    for (const sizes of [
      [1, 2, 4, 5],
      [32],
      [],
      [1, 2, 4, -4],
      [1, 3, 4, 4],
      new Array(65).fill(1),
    ]) {
      assert('code' in outcome(() => runOf(graph, input, sizes)), String(sizes));
    }
    for (const x of [
      input.slice(1),
      new Float32Array(33),
      detachedArray(32),
      new Float64Array(32),
    ]) {
      assert('code' in outcome(() => runOf(graph, x)));
    }
    for (const threads of [-1, 1025, 0.5, NaN, '1', null, HUGE]) {
      assert('code' in outcome(() => raw.graphRun(graph, [input], [shape], threads)));
    }
    stillRight();
  },

  'sizes beyond all memory'() {
    for (const sizes of [[HUGE], [2 ** 51], [0, HUGE, HUGE], [2 ** 30, 2 ** 30]]) {
      outcome(() => raw.graphExplain(create([relu(0), relu(1)]), [sizes]));
      outcome(() => raw.graphExplain(create([], [0]), [sizes]));
      outcome(() => runOf(create([relu(0), relu(1)]), input, sizes));
    }
    // Together more than 64 bits count.
    const many = Array.from({ length: 3000 }, () => relu(0));
    const all = { op: 'cat', inputs: many.map((_, i) => i + 1), dim: 0 };
    throws('ERR_NNCONV_ALLOC', () => raw.graphExplain(create([...many, all]), [[HUGE]]));
    const sums = many.map((_, i) => ({ op: 'binary', kind: 'add', inputs: [i === 0 ? 0 : 3000 + i, i + 1] })); // prettier-ignore
    throws('ERR_NNCONV_ALLOC', () => raw.graphExplain(create([...many, ...sums]), [[HUGE]]));
    // A small input that grows: 2^49 floats, 6000 of them.
    const pad = { mode: 'constant', padding: [0, 2 ** 49], value: 1 };
    const grown = Array.from({ length: 6000 }, () => ({ op: 'pad', inputs: [0], spec: pad }));
    const means = grown.map((_, i) => ({ op: 'binary', kind: 'add', inputs: [i === 0 ? 1 : 6000 + i, i + 1] })); // prettier-ignore
    const end = { op: 'select', inputs: [12_000], dim: 0, index: 0 };
    throws('ERR_NNCONV_ALLOC', () =>
      runOf(create([...grown, ...means, end]), new Float32Array(1), [1]),
    );
    throws('ERR_NNCONV_ALLOC', () => runOf(create([grown[0], { ...end, inputs: [1] }]), new Float32Array(1), [1])); // prettier-ignore
    stillRight();
  },

  'handles of others, and those that are disposed of'() {
    const made = addon.graphCreate(1, graphNodes(), [3], null);
    addon.graphDispose(made);
    addon.graphDispose(made);
    throws('ERR_NNCONV_ARG_VALUE', () => runOf(made));
    throws('ERR_NNCONV_ARG_VALUE', () => raw.graphExplain(made, [shape]));
    throws('ERR_NNCONV_ARG_VALUE', () => raw.graphProfile(made, [input], [shape], 1));
    throws('ERR_NNCONV_ARG_VALUE', () => raw.graphCreate(1, graphNodes(), [3], made));
    const others = [
      {},
      { ...graph },
      Object.create(graph),
      new Proxy(graph, {}),
      foreignExternal(),
    ];
    for (const fake of [...others, handle, addon, null, undefined, 1, raw.graphRun]) {
      throws('ERR_NNCONV_ARG_TYPE', () => runOf(fake));
      throws('ERR_NNCONV_ARG_TYPE', () => raw.graphDispose(fake));
      if (fake !== null) throws('ERR_NNCONV_ARG_TYPE', () => raw.graphCreate(1, [], [0], fake));
    }
    throws('ERR_NNCONV_ARG_TYPE', () => raw.convStats(graph));
    throws('ERR_NNCONV_ARG_TYPE', () => raw.convForward(graph, input, shape, weight, 1, bias));
    stillRight();
  },

  'weights that go, or change, after the network was made'() {
    const mine = weight.slice();
    const linear = { op: 'linear', inputs: [0], weight: mine, bias: null, outFeatures: 6, inFeatures: 4, cut: null }; // prettier-ignore
    const made = create([{ ...convNode, weight: mine }, linear], [1, 2]);
    const before = runOf(made);
    mine.fill(100);
    // Those of a convolution were packed, those of a dense layer are read in place.
    assert.deepEqual(runOf(made)[0], before[0]);
    assert.notDeepEqual(runOf(made)[1], before[1]);
    const like = raw.graphCreate(1, [{ ...convNode, weight: mine }, linear], [1, 2], made);
    outcome(() => runOf(like));
    structuredClone(mine.buffer, { transfer: [mine.buffer] });
    throws('ERR_NNCONV_BUFFER', () => runOf(made));
    throws('ERR_NNCONV_BUFFER', () => runOf(like));
    throws('ERR_NNCONV_BUFFER', () => raw.graphProfile(made, [input], [shape], 1));
    throws('ERR_NNCONV_BUFFER', () => raw.graphRunAsync(made, [input], [shape], 1));
    outcome(() => runOf(made, new Float32Array(2 * 400), [1, 2, 20, 20]));
    outcome(() => raw.graphCreate(1, [convNode], [1], made));
    throws('ERR_NNCONV_BUFFER', () => create([{ ...convNode, weight: mine }]));

    const late = weight.slice();
    const unplanned = create([{ ...convNode, weight: late }]);
    structuredClone(late.buffer, { transfer: [late.buffer] });
    throws('ERR_NNCONV_BUFFER', () => runOf(unplanned));
    const growable = new (ArrayBuffer as any)(96, { maxByteLength: 96 });
    const shrinking = create([{ ...convNode, weight: new Float32Array(growable) }]);
    growable.resize(8);
    throws('ERR_NNCONV_SHAPE', () => runOf(shrinking));
    stillRight();
  },

  'user code that disposes of the network, or detaches arrays, in mid-call'() {
    const made = (): GraphHandle => addon.graphCreate(1, graphNodes(), [3], null);
    const sly = (act: () => void): { at: number[]; lists: number[][]; inputs: unknown[] } => ({
      at: Object.defineProperty([...shape], 2, { get: () => (act(), 4) }),
      lists: Object.defineProperty([shape], 0, { get: () => (act(), shape) }),
      inputs: Object.defineProperty([input], 0, { get: () => (act(), input) }),
    });
    for (const planned of [false, true]) {
      for (const call of ['graphRun', 'graphProfile', 'graphExplain'] as const) {
        for (const where of ['at', 'lists', 'inputs'] as const) {
          const victim = made();
          if (planned) runOf(victim);
          const { at, lists, inputs } = sly(() => addon.graphDispose(victim));
          const sizes = where === 'lists' ? lists : [where === 'at' ? at : shape];
          const given = where === 'inputs' ? inputs : [input];
          const got = outcome(() =>
            call === 'graphExplain' ? raw[call](victim, sizes) : raw[call](victim, given, sizes, 1),
          );
          if (call === 'graphRun' && where === 'inputs') {
            assert.deepEqual(got, { code: 'ERR_NNCONV_ARG_VALUE' });
          }
        }
      }
    }
    // A dense layer, whose weights are read in the run itself.
    for (const call of ['graphRun', 'graphProfile', 'graphRunAsync'] as const) {
      for (const act of ['dispose', 'detach']) {
        const w = weight.slice();
        const dense = { op: 'linear', inputs: [0], weight: w, bias: null, outFeatures: 6, inFeatures: 4, cut: null }; // prettier-ignore
        const victim = create([dense]) as GraphHandle;
        const { inputs } = sly(() => {
          if (act === 'dispose') addon.graphDispose(victim);
          else if (w.length > 0) structuredClone(w.buffer, { transfer: [w.buffer] });
        });
        const got = outcome(() => raw[call](victim, inputs, [shape], 1));
        if (act === 'detach' && call !== 'graphRunAsync') {
          assert.deepEqual(got, { code: 'ERR_NNCONV_BUFFER' });
        }
      }
    }
    // Arrays are judged before a plan for such sizes is made, which would take hours.
    for (const call of ['graphRun', 'graphProfile', 'graphRunAsync'] as const) {
      throws('ERR_NNCONV_SHAPE', () => raw[call](made(), [input], [[1, 2, 2 ** 32 + 1, 4]], 1));
    }
    const x = input.slice();
    const second = Object.defineProperty([x, x], 1, {
      get() {
        if (x.length > 0) structuredClone(x.buffer, { transfer: [x.buffer] });
        return input;
      },
    });
    const two = create([{ op: 'binary', kind: 'add', inputs: [0, 1] }], [2], 2);
    throws('ERR_NNCONV_BUFFER', () => raw.graphRun(two, second, [shape, shape], 1));

    const shrinking: unknown[] = [input, input];
    Object.defineProperty(shrinking, 0, { get: () => ((shrinking.length = 1), input) });
    assert('code' in outcome(() => raw.graphRun(two, shrinking, [shape, shape], 1)));

    // While it is made: nodes that go, arrays that go, the model for it that goes.
    const model = made();
    const nodes: unknown[] = graphNodes();
    Object.defineProperty(nodes, 1, { get: () => ((nodes.length = 1), relu(1)) });
    outcome(() => raw.graphCreate(1, nodes, [1], model));
    const w = weight.slice();
    const detaching = Object.defineProperty({ ...convNode, weight: w }, 'inputs', {
      get: () => (structuredClone(w.buffer, { transfer: [w.buffer] }), [0]),
    });
    const odd = outcome(() => raw.graphCreate(1, [detaching], [1], null));
    if ('returned' in odd) throws('ERR_NNCONV_BUFFER', () => runOf(odd.returned));
    const disposing = Object.defineProperty([...graphNodes()], 0, { get: () => (addon.graphDispose(model), convNode) }); // prettier-ignore
    throws('ERR_NNCONV_ARG_VALUE', () => raw.graphCreate(1, disposing, [3], model));
    const fickle: number[] = [0, 0];
    Object.defineProperty(fickle, 0, { get: () => (fickle.push(0, 0, 0), 0) });
    outcome(() => runOf(create([{ op: 'cat', dim: 0, inputs: fickle }])));
    stillRight();
  },

  'weights that a network takes'() {
    const taking = (mine: Float32Array, more = {}) => ({ ...convNode, weight: mine, takesWeight: true, ...more }); // prettier-ignore
    for (const takesWeight of [1, 'yes', null, {}]) {
      throws('ERR_NNCONV_ARG_TYPE', () => create([{ ...convNode, takesWeight }]));
    }
    const [expected] = runOf(create([convNode]));
    const mine = weight.slice();
    const made = create([taking(mine), relu(1)], [1]);
    assert.deepEqual(runOf(made)[0], expected);
    assert.equal(mine.length, 0);
    for (const node of [-1, 2, 1e9]) {
      throws('ERR_NNCONV_ARG_VALUE', () => raw.graphKeepWeight(made, node));
    }
    for (const node of [0.5, NaN, '0', null]) {
      assert('code' in outcome(() => raw.graphKeepWeight(made, node)));
    }
    assert.equal(raw.graphKeepWeight(made, 1), null);
    const back = raw.graphKeepWeight(made, 0) as Float32Array;
    assert.deepEqual(back, weight);
    assert.equal(raw.graphKeepWeight(made, 0), null);
    assert.deepEqual(runOf(made)[0], expected);
    structuredClone(back.buffer, { transfer: [back.buffer] });
    assert.deepEqual(runOf(made)[0], expected); // it is packed

    // Before it is taken, after the network was disposed of, from one that is like it.
    const kept = weight.slice();
    const keeping = create([taking(kept)]);
    assert.equal(raw.graphKeepWeight(keeping, 0), null);
    assert.deepEqual(runOf(keeping)[0], expected);
    assert.deepEqual(kept, weight);
    const gone = create([taking(weight.slice())]);
    runOf(gone);
    addon.graphDispose(gone);
    throws('ERR_NNCONV_ARG_VALUE', () => runOf(gone));
    assert.deepEqual(raw.graphKeepWeight(gone, 0), weight);
    assert.equal(raw.graphKeepWeight(gone, 0), null);
    const first = create([taking(weight.slice())]);
    runOf(first);
    const like = raw.graphCreate(1, [taking(weight.slice())], [1], first);
    assert.deepEqual(runOf(like)[0], expected);

    // Part of a buffer, and an array that two nodes read.
    const wide = new Float32Array(weight.length + 1);
    wide.set(weight, 1);
    const part = wide.subarray(1);
    assert.deepEqual(runOf(create([taking(part)]))[0], expected);
    assert.deepEqual(part, weight);
    const both = weight.slice();
    throws('ERR_NNCONV_BUFFER', () => runOf(create([taking(both), taking(both)], [1, 2])));
    for (const fake of [{}, null, handle]) {
      throws('ERR_NNCONV_ARG_TYPE', () => raw.graphKeepWeight(fake, 0));
    }
    stillRight();
  },

  async 'weights that go while, and after, a network runs on another thread'() {
    const mine = weight.slice();
    const linear = { op: 'linear', inputs: [0], weight: mine, bias: null, outFeatures: 6, inFeatures: 4, cut: null }; // prettier-ignore
    const made = create([linear]);
    const [expected] = runOf(made);
    const run = raw.graphRunAsync(made, [input], [shape], 1);
    structuredClone(mine.buffer, { transfer: [mine.buffer] });
    assert.deepEqual((await run.promise)[0], expected);
    // It has a copy from then on.
    assert.deepEqual(runOf(made)[0], expected);
    assert.deepEqual((await raw.graphRunAsync(made, [input], [shape], 1).promise)[0], expected);
    stillRight();
  },

  'setters on prototypes that dispose of the network'() {
    const victims: GraphHandle[] = [];
    const set = () => {
      for (const victim of victims) addon.graphDispose(victim);
    };
    const names = [
      'node',
      'algorithm',
      'macs',
      'steps',
      'outputShapes',
      'data',
      'shape',
      'seconds',
    ];
    for (const name of names) Object.defineProperty(Object.prototype, name, { set, configurable: true }); // prettier-ignore
    Object.defineProperty(Array.prototype, 0, { set, configurable: true });
    const results: unknown[] = [];
    try {
      for (const call of ['graphExplain', 'graphRun', 'graphProfile'] as const) {
        victims.length = 0;
        const made = addon.graphCreate(1, graphNodes(), Array.of(3), null);
        Object.defineProperty(victims, 0, { value: made, configurable: true, writable: true });
        try {
          if (call === 'graphExplain') raw[call](made, Array.of(shape));
          else raw[call](made, Array.of(input), Array.of(shape), 1);
        } catch (error) {
          Object.defineProperty(results, 0, { value: error, configurable: true });
        }
      }
    } finally {
      for (const name of names) Reflect.deleteProperty(Object.prototype, name);
      Reflect.deleteProperty(Array.prototype, 0);
    }
    stillRight();
  },

  'random networks of random nodes'() {
    const random = randomizer(13);
    const made = kinds().filter(({ op }) => op !== 'matmul');
    let ran = 0;
    for (let i = 0; i < 6000; i++) {
      const nodes: GraphNodeSpec[] = [];
      for (let n = 1 + random(9); n > 0; n--) {
        const node = made[random(made.length)] as unknown as GraphNodeSpec;
        const values = () => (random(2) === 0 ? nodes.length : random(nodes.length + 1)); // the last, or any
        const inputs = node.op === 'cat' ? Array.from({ length: 1 + random(3) }, values) : node.inputs.map(values); // prettier-ignore
        const dim = random(3);
        const next = {
          ...node,
          inputs,
          ...(node.op === 'cat' || node.op === 'select' ? { dim } : {}),
        };
        nodes.push(next);
        if ('code' in outcome(() => raw.graphExplain(create(nodes), [shape]))) nodes.pop();
      }
      const all = Array.from({ length: nodes.length + 1 }, (_, value) => value);
      // Each value as it is while all are kept, and where memory is used again.
      const kept = runOf(raw.graphCreate(1, nodes, all, null));
      const some = all.filter(() => random(3) === 0);
      const reused = runOf(raw.graphCreate(1, nodes, [nodes.length, ...some], graph));
      [nodes.length, ...some].forEach((value, o) => {
        assert.deepEqual(reused[o], kept[value], JSON.stringify([nodes, value]));
      });
      ran += nodes.length;
    }
    assert(ran > 10_000, String(ran));
    stillRight();
  },

  async 'networks by the thousand are collected'() {
    const w = new Float32Array(256 * 256).fill(1);
    const wide = { ...spec, kernel: [1, 1], inChannels: 256, outChannels: 256 };
    const x = new Float32Array(256 * 4).fill(1);
    let before: GraphHandle | null = null;
    for (let i = 0; i < 6000; i++) {
      const node = { ...convNode, spec: wide, weight: w.slice(), bias: null };
      const made: GraphHandle = addon.graphCreate(1, [node], [1], i % 3 === 0 ? null : before);
      addon.graphRun(made, [x], [[1, 256, 2, 2]], 1);
      if (i % 7 === 0) addon.graphDispose(made);
      else before = made;
      // Node runs finalizers from its event loop.
      if (i % 50 === 0) await new Promise(setImmediate);
    }
    const megabytes = process.memoryUsage().rss / 2 ** 20;
    assert(megabytes < 1000, `${megabytes} MB`);
    assert.deepEqual(runGraph(), graphExpected);
  },
};
