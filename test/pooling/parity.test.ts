/** Pooling against PyTorch's float64 results: test/fixtures/pooling, from scripts/fixtures. */
import { getNumThreads, setNumThreads } from '../../lib';
import { poolFunction, poolLayer, poolTitle, type PoolCall } from '../support/pooling';
import { expectLayer, Store, type StoredCall } from '../support/stored';

type Case = PoolCall & StoredCall;

const store = new Store('pooling');
const cases = store.read<Case>('cases.json');
const threads = getNumThreads();
afterEach(() => setNumThreads(threads));

test.each(cases.map((c) => [`${c.seed}: ${poolTitle(c)}`, c] as const))('%s', (title, c) => {
  expectLayer(store, c, title, poolLayer(c), (input) => poolFunction(c, input));
});

test('the fixtures have enough of each layer', () => {
  const counts = new Map<string, number>();
  for (const { layer } of cases) counts.set(layer, (counts.get(layer) ?? 0) + 1);
  expect(counts.size).toBe(12);
  for (const count of counts.values()) expect(count).toBeGreaterThanOrEqual(5);
});
