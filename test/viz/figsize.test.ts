/** A figure of a given size, as matplotlib's figsize. */
import { nn } from '../../lib';
import { kernels } from '../../lib/viz';
import { expectRejected } from '../support/errors';

const conv = new nn.Conv2d(3, 16, 3);

test.each([
  [10, 5],
  [6.5, 12],
])('is %i by %i inches of 100 units', (width, height) => {
  const image = kernels(conv, { nrow: 4, figsize: [width, height] });
  expect([image.width, image.height]).toEqual([100 * width, 100 * height]);
});

test('is refused where the kernels need more', () => {
  const needed = /need \d+x\d+ units, more than the 400x300 of the figure/;
  expectRejected(() => kernels(conv, { nrow: 4, figsize: [4, 3] }).width, needed);
});

test.each([[[10]], [[10, 5, 1]], [10], ['10x5'], [[10, '5']], [[0, 5]], [[10, -1]], [[10, 1e6]], [[NaN, 5]]])(
  '%j is refused',
  (figsize: any) => expectRejected(() => kernels(conv, { figsize }), /figsize/),
); // prettier-ignore
