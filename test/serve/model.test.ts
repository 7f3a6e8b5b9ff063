/** On how many threads a model's requests run. */
import { compile, nn } from '../../lib';
import { threadsOf } from '../../lib/serve/model';

/** 3x3 over 16x16: 1.5 million multiply-accumulates a row. */
const model = () => new nn.Conv2d(16, 40, 3, { padding: 1 }).eval();
const request = (rows: number) => [
  { shape: [rows, 16, 16, 16], data: new Float32Array(rows * 16 ** 3) },
];

test.each([
  ['a free batch', [-1, 16, 16, 16], undefined],
  ['an example of several rows', [-1, 16, 16, 16], [4, 16, 16, 16]],
])('small requests run on one thread, however many share the run: %s', (_, shape, example) => {
  const session = compile(model());
  const threads = threadsOf(session, [{ name: 'x', shape, example }]);
  const one = request(1);
  expect(threads([one])).toBe(1);
  expect(threads(Array.from({ length: 32 }, () => one))).toBe(1);
  expect(threads([request(32)])).toBeUndefined();
  expect(threads([request(32), ...Array.from({ length: 31 }, () => one)])).toBe(1);
  session.dispose();
});

test('the work of a model without a batch is that of its example', () => {
  const session = compile(model());
  const of = (rows: number) =>
    threadsOf(session, [{ name: 'x', shape: [rows, 16, 16, 16] }])([request(rows)]);
  expect(of(1)).toBe(1);
  expect(of(16)).toBeUndefined();
  session.dispose();
});
