/** Resampling against PyTorch: test/fixtures/resampling, from scripts/fixtures. */
import { getNumThreads, nn, setNumThreads, tensor } from '../../lib';
import { expectSameBits } from '../support/close';
import {
  resampleFunction,
  resampleLayer,
  resampleTitle,
  type ResampleCall,
} from '../support/resampling';
import { expectLayer, numbers, Store, type StoredCall } from '../support/stored';

type Case = ResampleCall & StoredCall;

interface Nearest {
  options: nn.InterpolateOptions;
  input: number[];
  /** Of the last dimension of the input. */
  elements: number[];
}

const store = new Store('resampling');
const cases = store.read<Case>('cases.json');
const nearest = store.read<Nearest>('nearest.json');
const threads = getNumThreads();
afterEach(() => setNumThreads(threads));

test.each(cases.map((c) => [`${c.seed}: ${resampleTitle(c)}`, c] as const))('%s', (title, c) => {
  expectLayer(store, c, title, resampleLayer(c), (input) => resampleFunction(c, input));
});

test('the fixtures have enough of each mode', () => {
  const counts = new Map<string, number>();
  for (const { layer, options } of cases) {
    const name = `${layer} ${options.mode}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const mode of ['nearest', 'nearest-exact', 'linear', 'bilinear', 'trilinear', 'bicubic']) {
    expect(counts.get(`Upsample ${mode}`)).toBeGreaterThanOrEqual(20);
  }
});

test.each(nearest.map((c) => [`${JSON.stringify(c.options)} of ${c.input.at(-1)!}`, c] as const))(
  'takes the elements that PyTorch takes: %s',
  (_, { options, input, elements }) => {
    const indices = Float32Array.from({ length: input.at(-1)! }, (_unused, i) => i);
    const result = nn.functional.interpolate(tensor(indices, input), options);
    expect(Array.from(result.data)).toEqual(elements);
  },
);

test('large tensors on several threads', () => {
  const input = numbers(1, 0, [2, 3, 90, 110]);
  const volume = numbers(1, 1, [1, 3, 20, 40, 30]);
  for (const mode of ['nearest', 'nearest-exact', 'bilinear', 'bicubic', 'trilinear'] as const) {
    const x = mode === 'trilinear' ? volume : input;
    setNumThreads(1);
    const one = nn.functional.interpolate(x, { scaleFactor: 2.3, mode });
    setNumThreads(2);
    const two = nn.functional.interpolate(x, { scaleFactor: 2.3, mode });
    expectSameBits(two.data, one.data, mode);
  }
});

test('an image alone is what it is in a batch', () => {
  const batch = numbers(2, 0, [3, 2, 17, 19]);
  for (const mode of ['nearest', 'bilinear', 'bicubic'] as const) {
    const all = nn.functional.interpolate(batch, { scaleFactor: 1.7, mode });
    const last = nn.functional.interpolate(
      tensor(batch.data.slice(2 * 2 * 17 * 19), [1, 2, 17, 19]),
      { scaleFactor: 1.7, mode },
    );
    expectSameBits(all.data.slice(-last.numel), last.data, mode);
  }
});

test('factors that give back the size copy', () => {
  const x = numbers(3, 0, [1, 2, 5, 6]);
  for (const alignCorners of [false, true]) {
    const same = nn.functional.interpolate(x, { scaleFactor: 1.1, mode: 'bilinear', alignCorners });
    expectSameBits(same.data, x.data, 'bilinear');
  }
});
