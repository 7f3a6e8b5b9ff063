/** Compiled networks that keep tensors in blocks of channels. */
import { add, cat, compile, nn } from '../../lib';
import type { Tensor } from '../../lib';
import { expectNear, expectSame, network, noise, scramble } from '../support/graph';
import type { Outputs } from '../support/graph';

const F = nn.functional;
const SHAPE = [2, 16, 13, 11];

const parts = {
  stem: scramble(new nn.Conv2d(16, 32, 3, { padding: 2, dilation: 2, stride: 3 })),
  depthwise: scramble(new nn.Conv2d(32, 32, 5, { padding: 2, groups: 32 }), 2),
  strided: scramble(new nn.Conv2d(32, 32, 5, { padding: 3, stride: 2, groups: 32 }), 3),
  wide: scramble(new nn.Conv2d(32, 96, 1), 4),
  narrow: scramble(new nn.Conv2d(96, 32, 1, { bias: false }), 5),
  odd: scramble(new nn.Conv2d(32, 7, 1), 6),
  pool: new nn.AdaptiveAvgPool2d(1),
};
const { stem, depthwise, strided, wide, narrow, odd, pool } = parts;

const inverted = (x: Tensor): Tensor =>
  F.relu(add(narrow.forward(F.relu6(wide.forward(depthwise.forward(x)))), x));

const cases: [title: string, forward: (x: Tensor) => Outputs, blocked: number][] = [
  ['a chain', (x) => odd.forward(inverted(stem.forward(x))), 3],
  ['elementwise operations', (x) => pool.forward(strided.forward(F.silu(inverted(stem.forward(x))))), 5], // prettier-ignore
  ['a concatenation', (x) => {
    const y = stem.forward(x);
    return cat([inverted(y), F.silu(depthwise.forward(y)), depthwise.forward(y)], 1);
  }, 6], // prettier-ignore
  ['outputs on the way', (x) => {
    const y = inverted(stem.forward(x));
    return [y, depthwise.forward(y), y];
  }, 4], // prettier-ignore
  ['nothing to gain', (x) => F.silu(stem.forward(x)), 0],
];

test.each(cases)('%s', (_, forward, blocked) => {
  const model = network(parts, forward);
  const session = compile(model);
  expectNear(session.run<Outputs>(noise(1, SHAPE)), model.forward(noise(1, SHAPE)));
  const { steps } = session.explain(SHAPE);
  const inBlocks = steps.filter(
    ({ operation, layout }) => operation !== 'reorder' && layout !== 'NCHW',
  );
  expect(inBlocks.every(({ layout }) => /^NCHW(4|8|16)c$/.test(layout))).toBe(true);
  expect(inBlocks.length).toBeGreaterThanOrEqual(blocked);
  expect(steps.some(({ operation }) => operation === 'reorder')).toBe(blocked > 0);
  expect(String(session.explain(SHAPE))).toMatch(/ layout /);
});

test('results in blocks depend on neither batch nor threads', () => {
  const model = network(parts, cases[1][1]);
  const input = noise(2, SHAPE);
  const whole = compile(model, { threads: 2 }).run<Tensor>(input);
  const one = compile(model, { threads: 1 });
  expectSame(one.run<Tensor>(input), whole);
  for (const n of [0, 1]) {
    const image = input.select(0, n).reshape([1, ...SHAPE.slice(1)]);
    expectSame(one.run<Tensor>(image), whole.select(0, n).reshape([1, 32, 1, 1]));
  }
});
