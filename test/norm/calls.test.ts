/** Normalisation layers reject what PyTorch rejects, accept what it accepts, print as it prints. */
import { nn, ones, randn, tensor, zeros } from '../../lib';
import { expectRejected, thrownBy } from '../support/errors';
import { type NormCall, normLayer, normTitle } from '../support/norm';
import { Store } from '../support/stored';

const store = new Store('norm');
type Called = NormCall & { mode: 'train' | 'eval' };
const rejected = store.read<Called & { error: string }>('rejected.json');
const accepted = store.read<Called & { shape: number[] }>('accepted.json');
const printed = store.read<NormCall & { text: string; state: string[] }>('repr.json');

const title = (c: Called) => `${normTitle(c)}, ${c.mode}`;

test.each(rejected.map((c) => [title(c), c] as const))('rejects %s', (_, c) => {
  expectRejected(
    () =>
      normLayer(c)
        .train(c.mode === 'train')
        .forward(ones(c.input)),
    /input|eps|num(Features|Groups|Channels)|normalizedShape|size|dim/,
  );
});

test.each(accepted.map((c) => [title(c), c] as const))('accepts %s', (_, c) => {
  const layer = normLayer(c).train(c.mode === 'train');
  expect(layer.forward(ones(c.input)).shape).toEqual(c.shape);
});

test.each(printed.map((c) => [c.text, c] as const))('%s', (text, c) => {
  const layer = normLayer(c);
  expect(String(layer)).toBe(text);
  expect(Object.keys(layer.stateDict())).toEqual(c.state);
});

test.each([
  ['features that are a string', () => new nn.BatchNorm2d('3' as never), 'ARG_TYPE'],
  ['no features', () => new nn.InstanceNorm2d(undefined as never), 'ARG_TYPE'],
  ['a fraction of features', () => new nn.BatchNorm2d(2.5), 'ARG_VALUE'],
  ['negative features', () => new nn.BatchNorm2d(-1), 'ARG_VALUE'],
  ['an eps that is a string', () => new nn.BatchNorm2d(3, { eps: '1' as never }), 'ARG_TYPE'],
  ['an eps of null', () => new nn.LayerNorm(3, { eps: null as never }), 'ARG_TYPE'],
  ['a momentum that is true', () => new nn.BatchNorm2d(3, { momentum: true as never }), 'ARG_TYPE'],
  ['affine: 1', () => new nn.BatchNorm2d(3, { affine: 1 as never }), 'ARG_TYPE'],
  ['a misspelled option', () => new nn.BatchNorm2d(3, { epsilon: 1 } as never), 'UNKNOWN_OPTION'],
  ['6 channels in 4 groups', () => new nn.GroupNorm(4, 6), 'ARG_VALUE'],
  ['0 groups', () => new nn.GroupNorm(0, 6), 'ARG_VALUE'],
  ['a normalized shape of []', () => new nn.LayerNorm([]), 'SHAPE'],
  ['a negative normalized shape', () => new nn.LayerNorm([-1]), 'SHAPE'],
  ['a size of 0', () => new nn.LocalResponseNorm(0), 'ARG_VALUE'],
  ['a dim that is a string', () => new nn.Softmax({ dim: '1' as never }), 'ARG_TYPE'],
  ['a dim for options', () => new nn.Softmax(1 as never), 'ARG_TYPE'],
  ['an array for a tensor', () => new nn.BatchNorm2d(3).forward([1] as never), 'ARG_TYPE'],
  [
    'evaluation without statistics',
    () => nn.functional.batchNorm(ones([2, 3]), null, null),
    'ARG_VALUE',
  ],
  [
    'a mean without a variance',
    () => nn.functional.batchNorm(ones([2, 3]), zeros([3]), null, null, null, { training: true }),
    'ARG_VALUE',
  ],
  [
    'statistics of another size',
    () => nn.functional.batchNorm(ones([2, 3]), zeros([2]), ones([3])),
    'SHAPE',
  ],
  [
    'a weight of another size',
    () => nn.functional.batchNorm(ones([2, 3]), zeros([3]), ones([3]), ones([2])),
    'SHAPE',
  ],
  [
    'instance norm by running statistics that are not there',
    () =>
      nn.functional.instanceNorm(ones([2, 3, 4]), null, null, null, null, { useInputStats: false }),
    'ARG_VALUE',
  ],
  [
    'a weight for each group',
    () => nn.functional.groupNorm(ones([2, 6, 2]), 3, ones([3])),
    'SHAPE',
  ],
  [
    'a weight that is no vector',
    () => nn.functional.groupNorm(ones([2, 6, 2]), 3, ones([2, 3])),
    'SHAPE',
  ],
  [
    'a weight of another shape',
    () => nn.functional.layerNorm(ones([2, 6, 2]), [6, 2], ones([12])),
    'SHAPE',
  ],
  [
    'a normalized shape that is a number',
    () => nn.functional.layerNorm(ones([2, 2]), 2 as never),
    'ARG_TYPE',
  ],
  [
    'a parameter of another shape',
    () => Object.assign(new nn.BatchNorm2d(3), { weight: ones([2]) }),
    'SHAPE',
  ],
])('refuses %s', (_, call, code) => {
  expect(thrownBy(call).code).toBe(`ERR_NNCONV_${code}`);
});

describe('a state dict', () => {
  test('has PyTorch names, dtypes and first values', () => {
    const state = new nn.BatchNorm2d(2).stateDict();
    expect(Object.keys(state)).toEqual([
      'weight',
      'bias',
      'running_mean',
      'running_var',
      'num_batches_tracked',
    ]);
    expect(state.running_var.toArray()).toEqual([1, 1]);
    expect(state.num_batches_tracked).toMatchObject({ dtype: 'int64', shape: [] });
  });

  test('of old checkpoints may lack num_batches_tracked', () => {
    const old = new nn.BatchNorm2d(2).stateDict();
    delete old.num_batches_tracked;
    const layer = new nn.BatchNorm2d(2);
    layer.forward(randn([2, 2, 3, 3]));
    expect(layer.loadStateDict(old)).toEqual({ missingKeys: [], unexpectedKeys: [] });
    expect(layer.numBatchesTracked!.item()).toBe(1);
    expect(layer.runningMean!.toArray()).toEqual([0, 0]);
  });

  test('may lack nothing else', () => {
    const state = new nn.BatchNorm2d(2).stateDict();
    delete state.running_mean;
    const message = thrownBy(() => new nn.BatchNorm2d(2).loadStateDict(state)).message;
    expect(message).toContain('Missing key(s) in state_dict: "running_mean"');
  });

  test('shows what training changed', () => {
    const layer = new nn.BatchNorm1d(1);
    const state = layer.stateDict();
    layer.forward(tensor([[0], [4]]));
    expect(state.running_mean.toArray()).toEqual([Math.fround(0.2)]);
    // 0.9 * 1 + 0.1 * 8: the unbiased variance
    expect(state.running_var.item()).toBeCloseTo(1.7, 6);
    expect(state.num_batches_tracked.item()).toBe(1);
  });
});

test('running statistics can be assigned, and reset', () => {
  const layer = new nn.BatchNorm1d(2).eval();
  layer.runningMean = tensor([1, 2]);
  layer.runningVar = tensor([4, 9]);
  const y = layer.forward(tensor([[3, 5]])).toArray() as number[][];
  expect(y[0][0]).toBeCloseTo(1, 5);
  expect(y[0][1]).toBeCloseTo(1, 5);
  layer.resetRunningStats();
  expect(layer.runningVar.toArray()).toEqual([1, 1]);
});

test('statistics stay as they are where a call fails', () => {
  const layer = new nn.BatchNorm1d(2);
  expectRejected(() => layer.forward(ones([1, 2])), /more than 1 value per channel/);
  expect(layer.numBatchesTracked!.item()).toBe(0);
});

test('eval leaves running statistics alone', () => {
  const layer = new nn.BatchNorm2d(3).eval();
  layer.forward(randn([2, 3, 4, 4]));
  expect(layer.runningMean!.toArray()).toEqual([0, 0, 0]);
  expect(layer.numBatchesTracked!.item()).toBe(0);
});
