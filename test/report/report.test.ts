/** Reports without a browser: arguments, models that can't be compiled, what is left alone. */
import { nn, randn, type Tensor, tensor, zeros } from '../../lib';
import { report } from '../../lib/report';
import { expectRejected } from '../support/errors';
import { Careless } from '../summary/shared';

const conv = () => new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.Flatten());
const input = randn([1, 1, 3, 3]);

test('a model that needs values gets a page without diagram and times', () => {
  const model = new Careless(true);
  const html = report(model, { input: randn([1, 1, 8, 8]) });
  expect(html).toContain('can&#39;t be compiled');
  expect(html).not.toContain('id="time"');
  for (const id of ['input', 'network', 'kernels', 'features', 'summary']) {
    expect(html).toContain(`<section id="${id}"`);
  }
  expect([model.training, model.calls, model.seen.item()]).toEqual([true, 0, 1]);
});

test('predictions are the softmax of the output, or the output where it is probabilities', () => {
  class Fixed extends nn.Module {
    constructor(readonly values: number[]) {
      super();
    }
    forward(_x: Tensor): Tensor {
      return tensor(this.values, [1, this.values.length]);
    }
  }
  const shares = (values: number[]) =>
    [
      ...report(new Fixed(values), { input }).matchAll(
        /<th scope="row">(class \d)<\/th><td class="number">([\d.]+) %/g,
      ),
    ].map(([, label, share]) => `${label} ${share}`);
  expect(shares([0, Math.log(3)])).toEqual(['class 1 75.0', 'class 0 25.0']);
  expect(shares([0.25, 0.75])).toEqual(['class 1 75.0', 'class 0 25.0']);
  expect(shares([NaN, 1])).toEqual([]);
});

test('several inputs, sequences and volumes', () => {
  class Two extends nn.Module {
    a = new nn.Conv1d(1, 2, 3);
    b = new nn.Conv3d(1, 2, 2);
    forward(x: Tensor, y: Tensor): Tensor[] {
      return [this.a.forward(x), this.b.forward(y)];
    }
  }
  const html = report(new Two(), { input: [zeros([1, 1, 9]), randn([1, 1, 4, 5, 6])] });
  expect(html).toContain('input 1');
  expect(html).toContain('output 1');
  expect(html).toContain('<polyline');
});

test('arguments are checked', () => {
  const call = (...args: unknown[]) => (report as (...all: unknown[]) => unknown)(...args);
  expectRejected(() => call({}, { input }), /model/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(() => call(conv()), /input/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(() => call(conv(), { input: [] }), /input/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(() => call(conv(), { input, name: 'x' }), /'name'/, 'ERR_NNCONV_UNKNOWN_OPTION');
  expectRejected(() => call(conv(), { input, title: 3 }), /title/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(() => call(conv(), { input, labels: 'ab' }), /labels/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(() => call(conv(), { input, labels: ['a'] }), /labels.*1/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(() => call(conv(), { input, picture: input }), /picture/, 'ERR_NNCONV_SHAPE');
  expectRejected(() => call(conv(), { input: zeros([1, 2, 3, 3]) }), /2/, 'ERR_NNCONV_SHAPE');
});
