/** Normalisation and softmax against PyTorch's float64 results, training and not. */
import { getNumThreads, nn, setNumThreads } from '../../lib';
import type { Tensor } from '../../lib';
import { expectSameBits } from '../support/close';
import { fill, type NormCall, type NormLayer, normLayer, normTitle } from '../support/norm';
import { numbers, Store, type Stored } from '../support/stored';

interface Case extends NormCall {
  /** One call each. */
  modes: ('train' | 'eval')[];
  seed: number;
  scale?: number;
  offset?: number;
  nonFinite?: [index: number, value: string][];
  results: Stored[];
  runningMean?: Stored;
  runningVar?: Stored;
  batches?: number;
}

const store = new Store('norm');
const cases = store.read<Case>('cases.json');
const threads = getNumThreads();
afterEach(() => setNumThreads(threads));

function inputOf(c: Case, call: number): Tensor {
  const x = numbers(c.seed, call, c.input, c.scale, c.offset);
  for (const [index, value] of c.nonFinite ?? []) x.data[index] = Number(value);
  return x;
}

/** The layer after all calls, and their results. */
function run(c: Case): { layer: NormLayer; results: Tensor[] } {
  const layer = normLayer(c);
  fill(layer, c.seed);
  const results = c.modes.map((mode, call) =>
    layer.train(mode === 'train').forward(inputOf(c, call)),
  );
  return { layer, results };
}

test.each(cases.map((c) => [`${c.seed}: ${normTitle(c)}`, c] as const))('%s', (title, c) => {
  setNumThreads(1);
  const { layer, results } = run(c);
  results.forEach((result, call) =>
    store.expectResult(result, c.results[call], c.seed, `${title}, call ${call}, ${c.modes[call]}`),
  );
  if (c.runningMean && c.runningVar) {
    store.expectResult(layer.runningMean!, c.runningMean, c.seed, 'running mean');
    store.expectResult(layer.runningVar!, c.runningVar, c.seed, 'running variance');
    expect(layer.numBatchesTracked!.item()).toBe(c.batches);
  }
  setNumThreads(2);
  const again = run(c);
  results.forEach((result, call) =>
    expectSameBits(again.results[call].data, result.data, `${title}, 2 threads against 1`),
  );
  if (layer.runningMean && layer.runningVar) {
    expectSameBits(again.layer.runningMean!.data, layer.runningMean.data, 'running mean');
    expectSameBits(again.layer.runningVar!.data, layer.runningVar.data, 'running variance');
  }
});

const F = nn.functional;

/** The functional twin on a layer's own parameters. */
function twin(c: Case, layer: NormLayer, x: Tensor): Tensor {
  const { weight, bias, runningMean = null, runningVar = null } = layer;
  const { eps } = layer as nn.GroupNorm;
  const momentum = (layer as nn.BatchNorm1d).momentum ?? 0;
  switch (c.layer.replace(/\dd$/, '')) {
    case 'BatchNorm':
      return F.batchNorm(x, runningMean, runningVar, weight, bias, {
        training: layer.training || runningMean === null,
        momentum,
        eps,
      });
    case 'InstanceNorm':
      return F.instanceNorm(x, runningMean, runningVar, weight, bias, {
        useInputStats: layer.training || runningMean === null,
        momentum,
        eps,
      });
    case 'GroupNorm':
      return F.groupNorm(x, (layer as nn.GroupNorm).numGroups, weight, bias, { eps });
    case 'LayerNorm':
      return F.layerNorm(x, (layer as nn.LayerNorm).normalizedShape, weight, bias, { eps });
    case 'LocalResponseNorm':
      return F.localResponseNorm(x, c.args[0] as number, c.options);
    default:
      return c.layer === 'Softmax' ? F.softmax(x, c.options) : F.logSoftmax(x, c.options);
  }
}

const batched = cases.filter(
  (c) => !(c.layer.startsWith('InstanceNorm') && c.input.length === Number(c.layer.at(-2)) + 1),
);

test.each(batched.map((c) => [`${c.seed}: ${normTitle(c)}`, c] as const))(
  'function equals layer: %s',
  (title, c) => {
    // A momentum of null averages in the layer only.
    if (c.options.momentum === null) return;
    const [one, other] = [normLayer(c), normLayer(c)];
    for (const layer of [one, other]) {
      fill(layer, c.seed);
      layer.train(c.modes[0] === 'train');
    }
    const x = inputOf(c, 0);
    expectSameBits(twin(c, other, x).data, one.forward(x).data, title);
    if (one.runningMean) expectSameBits(other.runningMean!.data, one.runningMean.data, title);
    if (one.runningVar) expectSameBits(other.runningVar!.data, one.runningVar.data, title);
  },
);

test('every layer has cases, in training too where it differs', () => {
  const layers = new Set(cases.map((c) => c.layer));
  expect(layers.size).toBe(11);
  const training = new Set(cases.filter((c) => c.modes.includes('train')).map((c) => c.layer));
  expect(training.size).toBe(6);
});
