/** Previews in a terminal. */
import { nn, ones, tensor } from '../../lib';
import { kernels, toImage } from '../../lib/viz';
import { weighted } from '../support/pictures';

function twoByTwo() {
  const conv = new nn.Conv2d(1, 1, 2, { bias: false });
  conv.weight.copy_(tensor([0, 1, 0.5, 1], [1, 1, 2, 2]));
  return kernels(conv);
}

test('two pixels are one half block, the upper in front', () => {
  const picture = toImage(tensor([[[0, 1, 1]], [[0, 0, 1]], [[1, 0, 1]]].flat(2), [3, 1, 3]));
  // A single row has nothing below it; a narrow picture is enlarged.
  const text = picture.toTerminal({ color: true, columns: 3 });
  expect(text).toBe(
    '\x1b[38;2;0;0;255m\u2580\x1b[38;2;255;0;0m\u2580\x1b[38;2;255;255;255m\u2580\x1b[0m\n',
  );
  const square = toImage(tensor([1, 0, 0, 1], [1, 2, 2])).toTerminal({ color: true, columns: 2 });
  expect(square).toBe(
    '\x1b[38;2;255;255;255;48;2;0;0;0m\u2580\x1b[38;2;0;0;0;48;2;255;255;255m\u2580\x1b[0m\n',
  );
});

test('without colour it is ASCII, with the labels', () => {
  const text = twoByTwo().toTerminal({ color: false, columns: 40 });
  expect(text.split('\n').slice(-7)).toEqual([
    '0',
    '    @@@@',
    '    @@@@',
    '++++@@@@',
    '++++@@@@',
    '0 .. 1.0',
    '',
  ]);

  expect(text).toMatch(/^[\x20-\x7e\n]*$/);
});

test('panels stand side by side as far as the width goes', () => {
  const image = kernels(weighted(new nn.Conv2d(1, 16, 3), 1));
  for (const columns of [20, 40, 80, 200]) {
    for (const color of [false, true]) {
      const lines = image.toTerminal({ color, columns }).split('\n').slice(2);
      // eslint-disable-next-line no-control-regex
      const widths = lines.map((line) => line.replaceAll(/\x1b\[[\d;]*m/g, '').length);
      expect(Math.max(...widths)).toBeLessThanOrEqual(columns);
    }
  }
  const starts = (columns: number) =>
    image
      .toTerminal({ color: false, columns })
      .split('\n')
      .filter((line) => /^\d+( +\d+)*$/.test(line));
  expect(starts(80)).toHaveLength(4);
  expect(starts(20)).toHaveLength(16);
});

test('a picture that is too wide is reduced', () => {
  const lines = toImage(ones([1, 64, 300]))
    .toTerminal({ color: false, columns: 50 })
    .split('\n');
  expect(lines).toEqual([...new Array<string>(6).fill('@'.repeat(50)), '']);
});

describe('by default', () => {
  const { NO_COLOR, TERM } = process.env;
  const { isTTY, columns } = process.stdout;
  afterEach(() => {
    Object.assign(process.stdout, { isTTY, columns });
    for (const [name, value] of Object.entries({ NO_COLOR, TERM })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  const colored = (isTTY: boolean, env: Record<string, string>) => {
    Object.assign(process.stdout, { isTTY });
    delete process.env.NO_COLOR;
    Object.assign(process.env, { TERM: 'xterm' }, env);
    return twoByTwo().toTerminal().includes('\x1b');
  };

  test('colours are for terminals, unless they are not wanted', () => {
    expect(colored(true, {})).toBe(true);
    expect(colored(true, { NO_COLOR: '' })).toBe(true);
    expect(colored(true, { NO_COLOR: '1' })).toBe(false);
    expect(colored(true, { TERM: 'dumb' })).toBe(false);
    expect(colored(false, {})).toBe(false);
  });

  test('lines are as wide as the terminal, or 80', () => {
    const wide = () =>
      toImage(ones([1, 4, 300]))
        .toTerminal({ color: false })
        .split('\n')[0].length;
    Object.assign(process.stdout, { columns: 33 });
    expect(wide()).toBe(33);
    Object.assign(process.stdout, { columns: undefined });
    expect(wide()).toBe(80);
  });
});
