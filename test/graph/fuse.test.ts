/** What becomes one step, what has no step at all, and what must not be fused. */
import { add, cat, compile, flatten, mean, mul, nn, permute, sub } from '../../lib';
import type { Tensor } from '../../lib';
import { expectCompiled, network, noise, operations, scramble } from '../support/graph';
import type { Outputs } from '../support/graph';

const F = nn.functional;
const SHAPE = [1, 3, 8, 8];

const parts = {
  conv: scramble(new nn.Conv2d(3, 3, 3, { padding: 1 })),
  other: scramble(new nn.Conv2d(3, 3, 3, { padding: 1 }), 2),
  valid: scramble(new nn.Conv2d(3, 3, 3), 3),
  one: scramble(new nn.Conv2d(3, 1, 1), 4),
  up: scramble(new nn.ConvTranspose2d(3, 3, 2, { stride: 2 }), 5),
  norm: scramble(new nn.BatchNorm2d(3), 6).eval(),
  byBatch: scramble(new nn.BatchNorm2d(3, { trackRunningStats: false }), 7).eval(),
  instance: scramble(new nn.InstanceNorm2d(3, { affine: true, trackRunningStats: true }), 8).eval(),
  linear: scramble(new nn.Linear(8, 5), 9),
};
const { conv, other, valid, one, up, norm, byBatch, instance, linear } = parts;

const cases: [title: string, forward: (x: Tensor) => Outputs, steps: string[]][] = [
  ['a norm behind a convolution', (x) => norm.forward(conv.forward(x)), ['conv+batchNorm']],
  ['all of it', (x) => F.relu(add(norm.forward(conv.forward(x)), x)), ['conv+batchNorm+add+clamp']],
  ['an addend before', (x) => F.relu(add(x, norm.forward(conv.forward(x)))), ['conv+batchNorm+add+clamp']], // prettier-ignore
  ['an addend that is computed', (x) => add(conv.forward(x), norm.forward(other.forward(x))), ['conv+batchNorm', 'conv+add']], // prettier-ignore
  ['an addend that comes later', (x) => { const y = conv.forward(x); return F.relu6(add(y, F.silu(x))); }, ['silu', 'conv+add+clamp']], // prettier-ignore
  ['in place', (x) => { const y = conv.forward(x); F.relu(y, { inplace: true }); return y; }, ['conv+clamp']], // prettier-ignore
  ['clipping', (x) => F.relu6(conv.forward(x)), ['conv+clamp']],
  ['padding', (x) => valid.forward(F.pad(x, [1, 0, 2, 1])), ['pad+conv']],
  ['padding and all', (x) => F.relu(norm.forward(valid.forward(F.pad(x, [1, 1, 1, 1])))), ['pad+conv+batchNorm+clamp']], // prettier-ignore
  ['padding twice', (x) => conv.forward(F.pad(F.pad(x, [1, 1]), [0, 1])), ['pad', 'pad+conv']],
  ['a transposed convolution', (x) => F.relu(norm.forward(up.forward(x))), ['conv+batchNorm+clamp']], // prettier-ignore
  ['a dense layer', (x) => F.relu(linear.forward(x)), ['linear+clamp']],
  ['dropout and identity', (x) => F.relu(F.dropout(new nn.Identity().forward(conv.forward(x)), { training: false })), ['conv+clamp']], // prettier-ignore
  ['views', (x) => flatten(conv.forward(x).reshape([3, 64])), ['conv']],
  ['a concatenation in place', (x) => cat([conv.forward(x), F.relu(other.forward(x))], 1), ['conv', 'conv+clamp']], // prettier-ignore
  ['a concatenation that goes on', (x) => mean(cat([conv.forward(x), mul(x, x)], 1)), ['conv', 'mul', 'mean']], // prettier-ignore
  ['the same convolution twice', (x) => norm.forward(conv.forward(norm.forward(conv.forward(x)))), ['conv+batchNorm', 'conv+batchNorm']], // prettier-ignore
  ['what nobody reads', (x) => { conv.forward(x); return F.relu(x); }, ['clamp']], // prettier-ignore
  // What has to stay apart.
  ['a convolution read twice', (x) => { const y = conv.forward(x); return add(norm.forward(y), y); }, ['conv', 'batchNorm', 'add']], // prettier-ignore
  ['a convolution that is an output', (x) => { const y = conv.forward(x); return [y, norm.forward(y)]; }, ['conv', 'batchNorm']], // prettier-ignore
  ['an output before the activation', (x) => { const y = conv.forward(x); return [y, F.relu(y)]; }, ['conv', 'clamp']], // prettier-ignore
  ['an output before the sum', (x) => { const y = conv.forward(x); return { y, sum: add(y, x) }; }, ['conv', 'add']], // prettier-ignore
  ['a norm by the statistics of the batch', (x) => byBatch.forward(conv.forward(x)), ['conv', 'batchNorm']], // prettier-ignore
  ['a norm of another kind', (x) => instance.forward(conv.forward(x)), ['conv', 'instanceNorm']],
  ['two norms', (x) => norm.forward(norm.forward(conv.forward(x))), ['conv+batchNorm', 'batchNorm']], // prettier-ignore
  ['a norm behind a sum', (x) => norm.forward(add(conv.forward(x), x)), ['conv+add', 'batchNorm']],
  ['a norm behind an activation', (x) => norm.forward(F.relu(conv.forward(x))), ['conv+clamp', 'batchNorm']], // prettier-ignore
  ['a norm of a view', (x) => F.batchNorm(conv.forward(x).reshape([1, 8, 24]), noise(1, [8]), mul(noise(1, [8]), noise(1, [8]))), ['conv', 'batchNorm']], // prettier-ignore
  ['a sum with itself', (x) => { const y = conv.forward(x); return add(y, y); }, ['conv', 'add']], // prettier-ignore
  ['a sum behind an activation', (x) => add(F.relu(conv.forward(x)), x), ['conv+clamp', 'add']],
  ['a second sum', (x) => add(add(conv.forward(x), x), x), ['conv+add', 'add']],
  ['a sum that repeats the other', (x) => add(conv.forward(x), mean(x, 1, { keepdim: true })), ['conv', 'mean', 'add']], // prettier-ignore
  ['a sum that repeats the convolution', (x) => add(one.forward(x), x), ['conv', 'add']],
  ['a sum with one more dimension', (x) => add(conv.forward(x), x.reshape([1, 1, 3, 8, 8])), ['conv', 'add']], // prettier-ignore
  ['a sum with a number', (x) => add(conv.forward(x), 1), ['conv', 'add']],
  ['a difference', (x) => sub(conv.forward(x), x), ['conv', 'sub']],
  ['another activation', (x) => F.silu(conv.forward(x)), ['conv', 'silu']],
  ['two activations', (x) => F.relu(F.relu6(conv.forward(x))), ['conv+clamp', 'clamp']],
  ['padding by another value', (x) => valid.forward(F.pad(x, [1, 1, 1, 1], { value: 1 })), ['pad', 'conv']], // prettier-ignore
  ['padding by reflection', (x) => valid.forward(F.pad(x, [1, 1, 1, 1], { mode: 'reflect' })), ['pad', 'conv']], // prettier-ignore
  ['padding that crops', (x) => valid.forward(F.pad(x, [1, -1, 0, 0])), ['pad', 'conv']],
  ['padding of channels', (x) => F.conv2d(F.pad(x, [0, 0, 0, 0, 1, 0]), noise(1, [2, 4, 3, 3])), ['pad', 'conv']], // prettier-ignore
  ['padding read twice', (x) => { const y = F.pad(x, [1, 1]); return [valid.forward(y), mean(y)]; }, ['pad', 'conv', 'mean']], // prettier-ignore
  ['padding that is an output', (x) => { const y = F.pad(x, [1, 1]); return [valid.forward(y), y]; }, ['pad', 'conv']], // prettier-ignore
  ['padding of a transposed convolution', (x) => up.forward(F.pad(x, [1, 1])), ['pad', 'conv']],
  ['an input concatenated', (x) => cat([x, conv.forward(x)], 1), ['conv', 'cat']],
  ['a tensor concatenated twice', (x) => { const y = conv.forward(x); return cat([y, y], 1); }, ['conv', 'cat']], // prettier-ignore
  ['a tensor and its view', (x) => { const y = conv.forward(x); return cat([flatten(y), y.reshape([192])]); }, ['conv', 'cat']], // prettier-ignore
  ['a concatenation in the middle', (x) => cat([conv.forward(x), other.forward(x)], 2), ['conv', 'conv', 'cat']], // prettier-ignore
  ['what is an output too', (x) => { const y = conv.forward(x); return [y, cat([y, other.forward(x)], 1)]; }, ['conv', 'conv', 'cat']], // prettier-ignore
];

test.each(cases)('%s', (_, forward, steps) => {
  const model = network(parts, forward);
  const session = expectCompiled(model, [noise(1, SHAPE)]);
  expect(operations(session, SHAPE)).toEqual(steps);
});

test('a concatenation of a batch is a step', () => {
  const model = network(parts, (x) => cat([conv.forward(x), other.forward(x)], 1));
  const session = expectCompiled(model, [noise(1, [2, ...SHAPE.slice(1)])]);
  expect(operations(session, [2, 3, 8, 8])).toEqual(['conv', 'conv', 'cat']);
  expect(operations(session, SHAPE)).toEqual(['conv', 'conv']);
});

test('without a batch, a norm is not of channels', () => {
  const line = scramble(new nn.Conv1d(3, 4, 3));
  const by = scramble(new nn.BatchNorm1d(6)).eval();
  // (C, L) is taken for (N, C).
  const model = network({ line, by }, (x) => by.forward(line.forward(x)));
  const session = expectCompiled(model, [noise(1, [3, 8])]);
  expect(operations(session, [3, 8])).toEqual(['conv', 'batchNorm']);
});

describe('what is computed in the place of something else', () => {
  const forwards: [string, (x: Tensor) => Outputs][] = [
    ['a sum with a part of the same block', (x) => { const a = one.forward(x); return mul(sub(cat([a, F.silu(x)], 1), a), 2); }], // prettier-ignore
    ['a sum with a view of a part', (x) => { const a = one.forward(x); return F.silu(sub(cat([a, F.silu(x)], 1), a.reshape([8, 8]))); }], // prettier-ignore
    ['a part that is read later', (x) => { const a = F.silu(x); const c = F.tanh(cat([a, conv.forward(x)], 1)); return mul(mean(c), a); }], // prettier-ignore
    ['a chain over itself', (x) => F.tanh(F.silu(mul(F.sigmoid(mul(x, x)), 2)))],
    ['a tensor over which nothing may be computed', (x) => { const a = mul(x, x); const b = F.silu(a); return sub(F.tanh(b), a); }], // prettier-ignore
    ['a view over which nothing may be computed', (x) => { const a = mul(x, x); const v = flatten(a); return [mean(F.silu(v)), mean(a)]; }], // prettier-ignore
    ['nested concatenations', (x) => { const a = F.silu(x), b = conv.forward(x); const c = cat([a, b], 1); return mean(cat([c, b, cat([c, a], 1)], 1), [2, 3]); }], // prettier-ignore
    ['one tensor in two concatenations', (x) => { const a = F.silu(x), b = conv.forward(x); return [mean(cat([a, b], 1), 1), mean(cat([b, a], 1), 1)]; }], // prettier-ignore
    ['a concatenation of concatenations', (x) => { const a = F.silu(x), b = conv.forward(x), c = F.tanh(x); return cat([cat([a, b], 1), cat([c, mul(x, 2)], 1)], 1); }], // prettier-ignore
    ['the view of a concatenation in another', (x) => { const a = F.silu(x); const c = cat([a, conv.forward(x)], 1).reshape([1, 3, 16, 8]); return cat([c, cat([a, a], 2)], 1); }], // prettier-ignore
    ['an output that is also a part', (x) => { const a = F.silu(x); const c = cat([a, conv.forward(x)], 1); return [a, c, cat([c, a], 1)]; }], // prettier-ignore
    ['an addend that lies in the same concatenation', (x) => { const a = F.silu(x); return cat([a, add(conv.forward(x), a)], 1); }], // prettier-ignore
    ['an addend that is computed over', (x) => { const a = F.silu(x); const s = F.relu(add(conv.forward(x), a)); return F.tanh(s); }], // prettier-ignore
    ['a permuted tensor', (x) => { const a = permute(F.silu(x), [0, 2, 3, 1]); return F.tanh(permute(F.silu(a), [0, 3, 1, 2])); }], // prettier-ignore
  ];
  test.each(forwards)('%s', (_, forward) => {
    const model = network(parts, forward);
    expectCompiled(model, [noise(1, SHAPE)]);
    expectCompiled(model, [noise(2, SHAPE)], { threads: 2 });
  });
});

test('memory is used again', () => {
  const model = network({}, (x) => {
    let y = x;
    for (let i = 0; i < 50; i++) y = permute(y, [0, 1, 3, 2]);
    return F.silu(y);
  });
  const { arenaBytes } = compile(model).explain([1, 4, 32, 32]);
  expect(arenaBytes).toBeGreaterThan(0);
  expect(arenaBytes).toBeLessThanOrEqual(2 * 4 * 4 * 32 * 32);
});

test('explain names modules, algorithms and sizes, and prints as a table', () => {
  const model = network({ stem: parts.conv, norm: parts.norm, linear }, function (x) {
    return this.linear.forward(F.relu(this.norm.forward(this.stem.forward(x))));
  });
  const session = compile(model);
  const explanation = session.explain(SHAPE);
  expect(explanation.steps).toMatchObject([
    { operation: 'conv+batchNorm+clamp', modules: ['stem', 'norm', ''], outputShape: SHAPE, layout: 'NCHW', macs: 3 * 3 * 9 * 64 }, // prettier-ignore
    { operation: 'linear', modules: ['linear'], outputShape: [1, 3, 8, 5], macs: 24 * 8 * 5 },
  ]);
  expect(explanation.steps[0].algorithm).not.toBe('');
  expect(explanation.steps[0].bytes).toBe(2 * 4 * 3 * 64);
  expect(explanation.outputShapes).toEqual([[1, 3, 8, 5]]);
  // Dense weights are read where they lie.
  expect(explanation.packedBytes).toBeGreaterThanOrEqual(4 * 81);
  expect(String(explanation)).toMatch(/^operation +algorithm.*\n-+.*\nconv\+batchNorm\+clamp .*1x3x8x8.*\nlinear .*\n2 steps, /); // prettier-ignore

  const profile = session.profile(noise(1, SHAPE));
  expect(profile.seconds).toHaveLength(2);
  expect(profile.seconds.every((seconds) => seconds >= 0 && seconds < 1)).toBe(true);
  expect(profile.total).toBeCloseTo(profile.seconds[0] + profile.seconds[1], 12);
  expect(String(profile)).toMatch(/^ +ms +% +GFLOP\/s +operation[^]* ms$/);
});
