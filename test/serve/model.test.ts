/** On how many threads a model's requests run. */
import { compile, nn } from '../../lib';
import { threadsOf } from '../../lib/serve/model';

/** 3x3 over 16x16: 1.5 million multiply-accumulates a row. */
const model = () => new nn.Conv2d(16, 40, 3, { padding: 1 }).eval();

test.each([
  ['a free batch', [-1, 16, 16, 16], undefined],
  ['an example of several rows', [-1, 16, 16, 16], [4, 16, 16, 16]],
])('small requests run on one thread, however many share the run: %s', (_, shape, example) => {
  const session = compile(model());
  const threads = threadsOf(session, [{ name: 'x', shape, example }]);
  expect(threads(1, 1)).toBe(1);
  expect(threads(32, 32)).toBe(1);
  expect(threads(32, 1)).toBeUndefined();
  expect(threads(32 + 31, 32)).toBe(1);
  session.dispose();
});

test('the work of a model without a batch is that of its example', () => {
  const session = compile(model());
  const of = (rows: number) => threadsOf(session, [{ name: 'x', shape: [rows, 16, 16, 16] }])(1, 1);
  expect(of(1)).toBe(1);
  expect(of(16)).toBeUndefined();
  session.dispose();
});
