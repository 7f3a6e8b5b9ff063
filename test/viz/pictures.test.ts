/** What is drawn, pixel by pixel and element by element. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { decodeImage } from '../../lib/image';
import { hasInk, textWidth } from '../../lib/viz/font';
import { short } from '../../lib/viz/range';
import { expectRejected } from '../support/errors';
import { PICTURES, pictures } from '../support/pictures';
import { type Element, elements, parseXml } from '../support/xml';

const golden = (name: string) => readFileSync(path.join(PICTURES, name));
const names = Object.keys(pictures);

describe.each(names)('%s', (name) => {
  const image = pictures[name]();

  test('has the pixels that were looked at', () => {
    const drawn = decodeImage(image.toPng({ scale: 1 }));
    const expected = decodeImage(golden(`${name}.png`));
    expect(drawn.shape).toEqual(expected.shape);
    expect(Buffer.from(drawn.data.buffer).equals(Buffer.from(expected.data.buffer))).toBe(true);
    expect(drawn.shape).toEqual([3, image.height, image.width]);
  });

  test('has the same text in SVG and in a terminal', () => {
    expect(image.toTerminal({ color: false, columns: 80 })).toBe(golden(`${name}.txt`).toString());
    expect(image.toTerminal({ color: true, columns: 80 })).toBe(golden(`${name}.ansi`).toString());
    // Pixels in an SVG are PNGs, which may be compressed otherwise by another zlib.
    const [drawn, expected] = [image.toSvg({ theme: 'auto' }), golden(`${name}.svg`).toString()];
    const [a, b] = [drawn, expected].map(withoutPixels);
    expect(a).toBe(b);
  });

  test('is the same each time', () => {
    const again = pictures[name]();
    expect(Buffer.from(image.toPng()).equals(again.toPng())).toBe(true);
    expect(image.toSvg()).toBe(again.toSvg());
  });

  test('is four times the pixels at scale 2', () => {
    const { width, height } = image;
    const two = decodeImage(image.toPng());
    expect(two.shape).toEqual([3, 2 * height, 2 * width]);
    if (name === 'lines') return; // their edges are smooth
    const small = decodeImage(image.toPng({ scale: 1 })).data;
    const large = two.data;
    const stride = 2 * width;
    let wrong = 0;
    for (let row = 0; row < 3 * height; row++) {
      for (let x = 0; x < stride; x++) {
        const value = small[row * width + (x >> 1)];
        if (large[2 * row * stride + x] !== value) wrong++;
        if (large[(2 * row + 1) * stride + x] !== value) wrong++;
      }
    }
    expect(wrong).toBe(0);
  });

  test('is an SVG that needs nothing else', () => {
    const svg = parseXml(image.toSvg());
    const { attributes } = svg;
    expect(svg.name).toBe('svg');
    expect(attributes).toMatchObject({
      xmlns: 'http://www.w3.org/2000/svg',
      role: 'img',
      width: String(image.width),
      height: String(image.height),
      viewBox: `0 0 ${image.width} ${image.height}`,
    });
    const byId = (id: string) => svg.children.find((child) => child.attributes.id === id);
    expect(byId(attributes['aria-labelledby'])).toMatchObject({ name: 'title', text: image.title });
    expect(byId(attributes['aria-describedby'])).toMatchObject({
      name: 'desc',
      text: image.description,
    });
    for (const { attributes } of elements(svg, 'image')) {
      expect(attributes.href).toMatch(/^data:image\/png;base64,[A-Za-z0-9+/]+=*$/);
    }
  });

  test('keeps everything inside', () => {
    const svg = parseXml(image.toSvg());
    for (const text of elements(svg, 'text')) {
      const [x, length] = [Number(text.attributes.x), Number(text.attributes.textLength)];
      const left = text.attributes['text-anchor'] === 'end' ? x - length : x;
      expect(left).toBeGreaterThanOrEqual(10);
      expect(left + length).toBeLessThanOrEqual(image.width - 10);
    }
    for (const { attributes } of [...elements(svg, 'image'), ...elements(svg, 'rect')]) {
      const [x = 0, y = 0] = [attributes.x, attributes.y].map((value) => Number(value ?? 0));
      expect(x + Number(attributes.width)).toBeLessThanOrEqual(image.width);
      expect(y + Number(attributes.height)).toBeLessThanOrEqual(image.height);
    }
  });
});

function withoutPixels(svg: string): string {
  // The ids are made from all of the content.
  return svg.replaceAll(/base64,[^"]*/g, '').replaceAll(/nnconv-[0-9a-f]{8}/g, 'id');
}

describe('the pixels in an SVG', () => {
  test.each(['gray', 'rgb', 'diverging', 'slices', 'maps', 'odd'])(
    'are those of the PNG: %s',
    (name) => {
      const image = pictures[name]();
      const drawing = decodeImage(image.toPng({ scale: 1 })).data;
      const [plane, width] = [image.width * image.height, image.width];
      const panels = elements(parseXml(image.toSvg()), 'image');
      expect(panels.length).toBeGreaterThan(0);
      for (const { attributes } of panels) {
        const pixels = decodeImage(Buffer.from(attributes.href.split(',')[1], 'base64'));
        const [channels, rows, columns] = pixels.shape;
        const { data } = pixels;
        const cell = Number(attributes.width) / columns;
        const drawn: number[][] = [];
        const stored: number[][] = [];
        for (let i = 0; i < rows * columns; i++) {
          const x = Number(attributes.x) + (i % columns) * cell + Math.floor(cell / 2);
          const y = Number(attributes.y) + Math.floor(i / columns) * cell + Math.floor(cell / 2);
          drawn.push([0, 1, 2].map((c) => drawing[c * plane + y * width + x]));
          stored.push([0, 1, 2].map((c) => data[(channels === 1 ? 0 : c) * rows * columns + i]));
        }
        expect(drawn).toEqual(stored);
      }
    },
  );
});

describe('themes', () => {
  const image = pictures.gray();
  const style = (svg: string): string => elements(parseXml(svg), 'style')[0].text;
  const corner = (png: Uint8Array) => Array.from(decodeImage(png).data.subarray(0, 1));

  test('light, dark, or what the reader prefers', () => {
    expect(style(image.toSvg())).toContain('.background{fill:#ffffff');
    expect(style(image.toSvg())).not.toContain('prefers-color-scheme');
    expect(style(image.toSvg({ theme: 'dark' }))).toContain('.background{fill:#0d1117');
    expect(style(image.toSvg({ theme: 'auto' }))).toMatch(
      /fill:#ffffff.*@media \(prefers-color-scheme: dark\)\{.*fill:#0d1117/,
    );
    expect(corner(image.toPng())).toEqual([1]);
    expect(corner(image.toPng({ theme: 'dark' }))).toEqual([Math.fround(0x0d / 255)]);
  });

  test('two pictures in one page don’t share ids', () => {
    const ids = ['gray', 'rgb'].flatMap((name) =>
      [pictures[name]().toSvg(), pictures[name]().toSvg({ theme: 'dark' })].flatMap((svg) => {
        const root = parseXml(svg);
        return [root, ...root.children].map(({ attributes }: Element) => attributes.id);
      }),
    );
    const given = ids.filter((id) => id !== undefined);
    expect(new Set(given).size).toBe(given.length);
  });
});

test('options are judged', () => {
  const image = pictures.odd();
  const png = (options: any) => () => image.toPng(options);
  expectRejected(png({ scale: 0 }), /scale must be from 1 to 16/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(png({ scale: 1.5 }), /scale/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(png({ scale: '2' }), /scale/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(png({ theme: 'auto' }), /theme/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(png({ size: 2 }), /'size'/, 'ERR_NNCONV_UNKNOWN_OPTION');
  expectRejected(() => image.toSvg({ theme: 'blue' as any }), /theme/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(() => image.toSvg({ scale: 1 } as any), /scale/, 'ERR_NNCONV_UNKNOWN_OPTION');
  const text = (options: any) => () => image.toTerminal(options);
  expectRejected(text({ columns: 0 }), /columns/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(text({ color: 'yes' }), /color/, 'ERR_NNCONV_ARG_TYPE');
});

test('every printable character has a glyph of its own, inside its box', () => {
  const glyphs = Array.from({ length: 95 }, (_, i) => {
    const character = String.fromCharCode(32 + i);
    let bits = '';
    for (let y = 0; y < 9; y++) for (let x = 0; x < 5; x++) bits += hasInk(character, x, y) ? 1 : 0;
    return bits;
  });
  expect(new Set(glyphs).size).toBe(95);
  expect(glyphs[0]).toBe('0'.repeat(45));
  expect(hasInk('\u00e9', 2, 0)).toBe(hasInk('?', 2, 0));
  expect([textWidth(''), textWidth('a'), textWidth('ab')]).toEqual([0, 5, 11]);
});

test('numbers in labels are short', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [-0, '0'],
    [1, '1.0'],
    [-0.3456, '-0.35'],
    [0.0996, '0.10'],
    [0.0123, '0.012'],
    [0.0099, '9.9e-3'],
    [0.00123, '1.2e-3'],
    [99.4, '99'],
    [99.6, '100'],
    [1234.5, '1235'],
    [12345, '1.2e4'],
    [-1e-30, '-1.0e-30'],
    [NaN, 'nan'],
    [-Infinity, '-inf'],
  ];
  for (const [value, text] of cases) expect(short(value)).toBe(text);
});
