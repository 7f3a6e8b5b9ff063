/** Results don't depend on batch size, position in the batch, or number of threads: bit for bit. */
import fc from 'fast-check';

import { getNumThreads, nn, setNumThreads, tensor } from '../../lib';
import { problem } from '../support/arbitrary';
import { expectSameBits } from '../support/close';
import { normal } from '../support/hashfill';
import { check, runner } from '../support/run';
import { product } from '../support/spec';

const BATCH = 8;
const THREADS = [1, 2, 4];

const defaultThreads = getNumThreads();
afterEach(() => setNumThreads(defaultThreads));

test('batch 1 equals each row of batch 8, for every algorithm and number of threads', () => {
  check(
    80,
    fc.property(problem(), (p) => {
      const row = product(p.shape.slice(1));
      const input = normal(p.seed, BATCH * row);
      const shape = (batch: number) => [batch, ...p.shape.slice(1)];
      const { algorithms, run } = runner(p);
      const options = [...algorithms.map((algorithm) => ({ algorithm })), {}, { strict: true }];
      for (const option of options) {
        const what = JSON.stringify(option);
        setNumThreads(1);
        const rows = Array.from({ length: BATCH }, (_, i) =>
          run(option, { input: input.subarray(i * row, (i + 1) * row) }, shape(1)),
        );
        for (const threads of THREADS) {
          setNumThreads(threads);
          const { data } = run(option, { input }, shape(BATCH));
          const length = data.length / BATCH;
          rows.forEach(({ data: alone }, i) => {
            const together = data.subarray(i * length, (i + 1) * length);
            expectSameBits(together, alone, `${what}, ${threads} threads, row ${i}`);
          });
        }
      }
    }),
  );
});

test('1, 2 and 4 threads give the same bits, batch 1 to 3', () => {
  check(
    80,
    fc.property(problem(), (p) => {
      const { algorithms, run } = runner(p);
      for (const algorithm of algorithms) {
        const [one, ...more] = THREADS.map((threads) => {
          setNumThreads(threads);
          return run({ algorithm });
        });
        for (const other of more) expectSameBits(other.data, one.data, algorithm);
      }
    }),
  );
});

// Layers of real networks, large enough that threads share one image.
test.each([
  ['stem', new nn.Conv2d(3, 64, 7, { stride: 2, padding: 3 }), [3, 56, 56]],
  ['3x3', new nn.Conv2d(64, 64, 3, { padding: 1 }), [64, 28, 28]],
  ['3x3 small', new nn.Conv2d(256, 64, 3, { padding: 1 }), [256, 7, 7]],
  ['1x1', new nn.Conv2d(64, 128, 1), [64, 28, 28]],
  ['depthwise', new nn.Conv2d(96, 96, 3, { padding: 1, groups: 96 }), [96, 28, 28]],
  ['reflect', new nn.Conv2d(32, 32, 3, { padding: 1, paddingMode: 'reflect' }), [32, 28, 28]],
  ['1-d', new nn.Conv1d(64, 128, 3, { dilation: 4 }), [64, 500]],
  ['3-d', new nn.Conv3d(8, 16, 3, { padding: 1 }), [8, 8, 16, 16]],
  ['transposed', new nn.ConvTranspose2d(64, 32, 4, { stride: 2, padding: 1 }), [64, 14, 14]],
  ['transposed 2x2', new nn.ConvTranspose2d(32, 16, 2, { stride: 2 }), [32, 28, 28]],
  ['transposed 3-d', new nn.ConvTranspose3d(16, 8, 2, { stride: 2 }), [16, 8, 8, 8]],
] as const)('%s through the library', (_, layer, shape) => {
  const row = product(shape);
  const input = normal(1, BATCH * row);
  setNumThreads(1);
  const rows = Array.from({ length: BATCH }, (_, i) =>
    layer.forward(tensor(input.subarray(i * row, (i + 1) * row), [1, ...shape])),
  );
  for (const threads of THREADS) {
    setNumThreads(threads);
    const { data } = layer.forward(tensor(input, [BATCH, ...shape]));
    const length = data.length / BATCH;
    rows.forEach((alone, i) => {
      const together = data.subarray(i * length, (i + 1) * length);
      expectSameBits(together, alone.data, `${threads} threads, row ${i}`);
    });
  }
});
