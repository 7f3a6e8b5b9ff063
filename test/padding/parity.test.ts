/** Padding against PyTorch: test/fixtures/padding, from scripts/fixtures. */
import { getNumThreads, setNumThreads, tensor } from '../../lib';
import { expectSameBits } from '../support/close';
import { isLayer, padFunction, padLayer, padTitle, type PadCall } from '../support/padding';
import { inputOf, Store, type StoredCall } from '../support/stored';

type Case = PadCall & StoredCall;

const store = new Store('padding');
const cases = store.read<Case>('cases.json');
const threads = getNumThreads();
afterEach(() => setNumThreads(threads));

test.each(cases.map((c) => [`${c.seed}: ${padTitle(c)}`, c] as const))('%s', (title, c) => {
  const input = inputOf(c);
  setNumThreads(1);
  const one = padFunction(c, input);
  store.expectResult(one, c.result, c.seed, title);
  setNumThreads(2);
  expectSameBits(padFunction(c, input).data, one.data, '2 threads against 1');
  if (!isLayer(c)) return;
  const layer = padLayer(c);
  expectSameBits(layer.forward(input).data, one.data, 'layer against function');
  expect(layer.outputShape(c.input)).toEqual(c.result.shape);
});

test('the fixtures have enough of each layer', () => {
  const counts = new Map<string, number>();
  for (const { layer } of cases) counts.set(layer, (counts.get(layer) ?? 0) + 1);
  expect(counts.size).toBe(16);
  for (const count of counts.values()) expect(count).toBeGreaterThanOrEqual(8);
});

test('large tensors on several threads', () => {
  const input = tensor(
    Float32Array.from({ length: 3 * 200 * 300 }, (_, i) => i),
    [3, 200, 300],
  );
  for (const mode of ['constant', 'reflect', 'replicate', 'circular'] as const) {
    const call = { layer: 'pad', args: [[7, 9, 11, 3], { mode }], input: [] };
    setNumThreads(1);
    const one = padFunction(call, input);
    setNumThreads(2);
    expectSameBits(padFunction(call, input).data, one.data, mode);
    expect(one.shape).toEqual([3, 214, 316]);
    expect(one.data[11 * 316 + 7]).toBe(0);
    expect(one.data[(214 + 11) * 316 + 8]).toBe(60001);
  }
});
