/** Which weights a picture of kernels shows, and where. */
import { nn, tensor } from '../../lib';
import { decodeImage } from '../../lib/image';
import { type AnyConv, type KernelOptions, kernels } from '../../lib/viz';
import { expectRejected } from '../support/errors';
import { weighted } from '../support/pictures';
import { elements, parseXml } from '../support/xml';

interface Panel {
  title: string;
  texts: string[];
  /** Red, green and blue of each weight. */
  colors: number[][];
}

/** The panels of a picture, read back from its SVG. */
function panelsOf(conv: AnyConv, options?: KernelOptions): Panel[] {
  const svg = parseXml(kernels(conv, options).toSvg());
  const groups = elements(svg, 'g').filter((group) => elements(group, 'title').length > 0);
  return groups.map((group) => {
    const [image] = elements(group, 'image');
    const pixels = decodeImage(Buffer.from(image.attributes.href.split(',')[1], 'base64'));
    const plane = pixels.shape[1] * pixels.shape[2];
    return {
      title: elements(group, 'title')[0].text,
      texts: elements(group, 'text').map(({ text }) => text),
      colors: Array.from({ length: plane }, (_, i) =>
        [0, 1, 2].map((c) => Math.round(pixels.data[c * plane + i] * 255)),
      ),
    };
  });
}

/** The gray that matplotlib's `imshow(values, cmap='gray')` gives each value. */
function grays(values: number[], low = Math.min(...values), high = Math.max(...values)): number[] {
  return values.map((value) => Math.min(255, Math.floor(((value - low) / (high - low)) * 256)));
}

const weightsOf = (conv: AnyConv, ...index: number[]): number[] =>
  Array.from(index.reduce((part, i) => part.select(0, i), conv.weight.clone()).data);
const reds = ({ colors }: Panel) => colors.map(([red]) => red);

test('a kernel is weight[i, 0] in gray, with its index, minimum and maximum', () => {
  const conv = weighted(new nn.Conv2d(2, 16, 3), 1);
  const panels = panelsOf(conv);
  expect(panels).toHaveLength(16);
  panels.forEach((panel, i) => {
    const values = weightsOf(conv, i, 0);
    expect(reds(panel)).toEqual(grays(values));
    const [index, low, high] = panel.texts;
    expect(index).toBe(String(i));
    expect(Number(low)).toBeCloseTo(Math.min(...values), 2);
    expect(Number(high)).toBeCloseTo(Math.max(...values), 2);
    expect(panel.title).toBe(`kernel ${i}: ${low} to ${high}`);
  });
});

test('16 kernels are four by four, and nrow changes that', () => {
  const conv = weighted(new nn.Conv2d(1, 16, 3), 1);
  const columns = (options?: KernelOptions) => {
    const images = elements(parseXml(kernels(conv, options).toSvg()), 'image');
    return new Set(images.map(({ attributes }) => attributes.x)).size;
  };
  expect(columns()).toBe(4);
  expect(columns({ nrow: 8 })).toBe(8);
});

test('channel chooses the input channel, or their mean, or all three in colour', () => {
  const conv = weighted(new nn.Conv2d(3, 2, 2), 2);
  expect(reds(panelsOf(conv, { channel: 2 })[1])).toEqual(grays(weightsOf(conv, 1, 2)));
  const parts = [0, 1, 2].map((c) => weightsOf(conv, 1, c));
  const mean = parts[0].map((_, k) => Math.fround((parts[0][k] + parts[1][k] + parts[2][k]) / 3));
  expect(reds(panelsOf(conv, { channel: 'mean' })[1])).toEqual(grays(mean));
  const all = parts.flat();
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const expected = parts[0].map((_, k) =>
    parts.map((part) => Math.floor(((part[k] - low) / (high - low)) * 255 + 0.5)),
  );
  expect(panelsOf(conv, { channel: 'rgb' })[1].colors).toEqual(expected);
});

test('a transposed layer has the kernels of its output channels, group by group', () => {
  const conv = weighted(new nn.ConvTranspose2d(4, 6, 2, { groups: 2 }), 3); // weight (4, 3, 2, 2)
  const panels = panelsOf(conv, { channel: 1 });
  expect(panels).toHaveLength(6);
  // Output 4 is the second of group 1, whose inputs are 2 and 3.
  expect(reds(panels[4])).toEqual(grays(weightsOf(conv, 3, 1)));
  expect(reds(panels[2])).toEqual(grays(weightsOf(conv, 1, 2)));
});

test('a 3-d layer has a row of slices for each kernel, all by the kernel’s range', () => {
  const conv = weighted(new nn.Conv3d(1, 2, [3, 2, 2]), 4);
  const panels = panelsOf(conv);
  expect(panels.map(({ texts }) => texts[0])).toEqual([
    '0 z0',
    '0 z1',
    '0 z2',
    '1 z0',
    '1 z1',
    '1 z2',
  ]);
  const whole = weightsOf(conv, 1, 0);
  const range = [Math.min(...whole), Math.max(...whole)] as const;
  expect(reds(panels[5])).toEqual(grays(weightsOf(conv, 1, 0, 2), ...range));
  const images = elements(parseXml(kernels(conv).toSvg()), 'image');
  expect(new Set(images.map(({ attributes }) => attributes.x)).size).toBe(3);
  expect(new Set(images.map(({ attributes }) => attributes.y)).size).toBe(2);
});

test('a 1-d layer has lines through its weights', () => {
  const conv = weighted(new nn.Conv1d(1, 2, 5), 5);
  const groups = elements(parseXml(kernels(conv).toSvg()), 'g').slice(1);
  expect(groups).toHaveLength(2);
  const values = weightsOf(conv, 1, 0);
  const dots = elements(groups[1], 'circle').map(({ attributes }) => Number(attributes.cy));
  expect(dots).toHaveLength(5);
  // Higher weights are higher up, in proportion.
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const [top, bottom] = [Math.min(...dots), Math.max(...dots)];
  const position = (value: number) => bottom - ((value - low) / (high - low)) * (bottom - top);
  values.forEach((value, i) => expect(dots[i]).toBeCloseTo(position(value), 1));
  const [, curve] = elements(groups[1], 'polyline');
  expect(curve.attributes.points.split(' ')).toHaveLength(5);
});

test('one range for all, and symmetric around 0 where the colormap diverges', () => {
  const conv = new nn.Conv2d(1, 2, [1, 2], { bias: false });
  conv.weight.copy_(tensor([0, 1, -4, 0], [2, 1, 1, 2]));
  expect(panelsOf(conv, { scaleEach: false }).map(reds)).toEqual([
    [204, 255],
    [0, 204],
  ]);
  const colors = panelsOf(conv, { colormap: 'coolwarm' }).map((panel) => panel.colors);
  expect(colors[0][0]).toEqual([221, 220, 219]);
  expect(colors[1][1]).toEqual([221, 220, 219]);
  expect(colors[0][1]).toEqual([179, 3, 38]);
  expect(colors[1][0]).toEqual([58, 76, 192]);
});

test('the first kernels of many are shown, and the picture says so', () => {
  const conv = weighted(new nn.Conv2d(1, 100, 1), 6);
  expect(panelsOf(conv)).toHaveLength(64);
  expect(kernels(conv).description).toContain('The first 64 of 100 kernels');
  expect(kernels(conv).toTerminal({ columns: 80 })).toContain('64 of 100, channel 0');
  expect(panelsOf(conv, { maxKernels: 100 })).toHaveLength(100);
});

test('weights are shown as they are, and not handed out', () => {
  const conv = weighted(new nn.Conv2d(1, 1, [1, 2]), 7);
  conv.weight.copy_(tensor([NaN, 3], [1, 1, 1, 2]));
  const [panel] = panelsOf(conv);
  expect(panel.colors[0]).toEqual([255, 0, 255]);
  expect(panel.title).toBe('kernel 0: 3.0 to 3.0, 1 of 2 values not finite');
});

test('an Image tells what it is', () => {
  const conv = weighted(new nn.Conv2d(1, 4, 3), 8);
  const image = kernels(conv);
  expect(image.title).toBe(String(conv));
  expect(String(image)).toBe(`Image(${image.width}x${image.height}, ${String(conv)})`);
  expect(kernels(conv, { scale: 50 }).width).toBe(2 * 150 + 12 + 2 * 12);
});

test('what is wrong is refused by name', () => {
  const conv = new nn.Conv2d(3, 4, 3);
  const call = (options: any, layer: any = conv) => {
    return () => kernels(layer, options);
  };
  expectRejected(call({}, new nn.Linear(2, 2)), /conv must be a layer/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(call({}, null), /conv/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(call({ channel: 3 }), /channel must be from 0 to 2/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ channel: -1 }), /channel/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ channel: 'red' }), /channel/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ channel: null }), /channel/, 'ERR_NNCONV_ARG_TYPE');
  const rgb = { channel: 'rgb' };
  expectRejected(call(rgb, new nn.Conv2d(2, 2, 3)), /3 input channels/, 'ERR_NNCONV_SHAPE');
  expectRejected(call(rgb, new nn.Conv3d(3, 2, 3)), /2-d layer/, 'ERR_NNCONV_SHAPE');
  expectRejected(call({ ...rgb, colormap: 'gray' }), /colormap/, 'ERR_NNCONV_ARG_VALUE');
  const lines = new nn.Conv1d(1, 1, 3);
  expectRejected(call({ colormap: 'gray' }, lines), /line plots/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ colormap: 'hot' }), /colormap/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ nrow: 0 }), /nrow/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ scale: 0 }), /scale/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ scale: 257 }), /scale must be at most 256/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ maxKernels: 0 }), /maxKernels/, 'ERR_NNCONV_ARG_VALUE');
  expectRejected(call({ scaleEach: 1 }), /scaleEach/, 'ERR_NNCONV_ARG_TYPE');
  expectRejected(call({ cmap: 'gray' }), /'cmap'/, 'ERR_NNCONV_UNKNOWN_OPTION');
});
