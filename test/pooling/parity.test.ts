/** Pooling against PyTorch's float64 results: test/fixtures/pooling, from scripts/fixtures. */
import { getNumThreads, setNumThreads, tensor } from '../../lib';
import { expectSameBits } from '../support/close';
import { poolFunction, poolLayer, poolTitle, type PoolCall } from '../support/pooling';
import { numbers, Store, type Stored } from '../support/stored';

interface Case extends PoolCall {
  seed: number;
  nonFinite?: [index: number, value: string][];
  result: Stored;
}

const store = new Store('pooling');
const cases = store.read<Case>('cases.json');
const threads = getNumThreads();
afterEach(() => setNumThreads(threads));

test.each(cases.map((c) => [`${c.seed}: ${poolTitle(c)}`, c] as const))('%s', (title, c) => {
  const { data } = numbers(c.seed, 0, c.input);
  for (const [index, value] of c.nonFinite ?? []) data[index] = Number(value);
  const input = tensor(data, c.input);
  const layer = poolLayer(c);
  setNumThreads(1);
  const one = layer.forward(input);
  store.expectResult(one, c.result, c.seed, title);
  expect(layer.outputShape(c.input)).toEqual(c.result.shape);
  setNumThreads(2);
  expectSameBits(layer.forward(input).data, one.data, '2 threads against 1');
  expectSameBits(poolFunction(c, input).data, one.data, 'function against layer');
});

test('the fixtures have enough of each layer', () => {
  const counts = new Map<string, number>();
  for (const { layer } of cases) counts.set(layer, (counts.get(layer) ?? 0) + 1);
  expect(counts.size).toBe(12);
  for (const count of counts.values()) expect(count).toBeGreaterThanOrEqual(5);
});
