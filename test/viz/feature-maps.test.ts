/** featureMaps: which outputs are shown, and that nothing is left behind. */
import { nn, type Tensor, tensor, zeros } from '../../lib';
import { decodeImage } from '../../lib/image';
import { featureMaps, type Image } from '../../lib/viz';
import { expectRejected } from '../support/errors';
import { uniform } from '../support/hashfill';
import { weighted } from '../support/pictures';
import { elements, parseXml } from '../support/xml';

class Net extends nn.Module {
  stem = weighted(new nn.Conv2d(1, 4, 3, { padding: 1 }), 1);
  act = new nn.ReLU({ inplace: true });
  body = new nn.Sequential(weighted(new nn.Conv2d(4, 4, 3, { padding: 1 }), 2), new nn.ReLU());
  pool = new nn.AdaptiveAvgPool2d(1);
  fc = new nn.Linear(4, 3);
  unused = new nn.Conv2d(1, 1, 1);

  forward(x: Tensor): Tensor {
    const y = this.act.forward(this.stem.forward(x));
    const twice = this.body.forward(this.body.forward(y));
    return this.fc.forward(this.pool.forward(twice).reshape([x.shape[0], 4]));
  }
}

const LAYERS = ['stem', 'act', 'body.0', 'fc'];
const input = tensor(uniform(3, 2 * 36, 1), [2, 1, 6, 6]);

/** The red of each value of each panel in gray, and the panels' labels. */
function panelsOf(image: Image): { texts: string[]; reds: number[] }[] {
  const groups = elements(parseXml(image.toSvg()), 'g').slice(1);
  return groups.map((group) => {
    const [picture] = elements(group, 'image');
    const bytes = Buffer.from(picture.attributes.href.split(',')[1], 'base64');
    const { shape, data } = decodeImage(bytes);
    return {
      texts: elements(group, 'text').map(({ text }) => text),
      reds: Array.from(data.subarray(0, shape[1] * shape[2]), (value) => Math.round(value * 255)),
    };
  });
}

function grays(values: ArrayLike<number>): number[] {
  const list = Array.from(values);
  const [low, high] = [Math.min(...list), Math.max(...list)];
  return list.map((value) => Math.min(255, Math.floor(((value - low) / (high - low)) * 256)));
}

test('layers come in the order in which they ran, a second run with #2', () => {
  const maps = featureMaps(new Net(), input, { layers: LAYERS });
  expect([...maps.keys()]).toEqual(['stem', 'act', 'body.0', 'body.0#2', 'fc']);
  expect(maps.get('stem')!.title).toBe('stem [4, 6, 6]');
});

test('each panel is a channel of the sample, before a later layer works in place', () => {
  const net = new Net();
  const expected = net.stem.forward(input);
  const maps = featureMaps(net, input, { layers: ['stem'], sample: 1, colormap: 'gray' });
  const panels = panelsOf(maps.get('stem')!);
  expect(panels).toHaveLength(4);
  panels.forEach(({ texts, reds }, c) => {
    const { data } = expected.select(0, 1).select(0, c);
    expect(texts[0]).toBe(String(c));
    expect(Number(texts[1])).toBeCloseTo(Math.min(...data), 1);
    expect(Number(texts[1])).toBeLessThan(0); // ReLU would have made it 0
    expect(reds).toEqual(grays(data));
  });
});

test('without layers it is every convolution that there is', () => {
  const model = new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.ReLU(), new nn.Conv2d(2, 20, 3));
  const maps = featureMaps(model, input);
  expect([...maps.keys()]).toEqual(['0', '2']);
  expect(panelsOf(maps.get('2')!)).toHaveLength(16);
  expect(maps.get('2')!.description).toContain('the first 16 of 20 channels');
  expect(panelsOf(featureMaps(model, input, { maxChannels: 3 }).get('2')!)).toHaveLength(3);
});

test('the model itself is the layer without a name', () => {
  const model = new nn.Sequential(new nn.Conv2d(1, 2, 3));
  expect(featureMaps(model, input, { layers: '' }).get('')!.title).toBe('Sequential [2, 4, 4]');
});

test('signals and features are lines, volumes rows of slices', () => {
  const only = (model: nn.Module, x: Tensor) => {
    return parseXml(featureMaps(model, x, { layers: '' }).get('')!.toSvg());
  };
  const signal = only(new nn.Conv1d(1, 3, 3), zeros([1, 1, 10]));
  expect(elements(signal, 'polyline').length).toBeGreaterThanOrEqual(3);
  const features = only(new nn.Linear(4, 5), tensor(uniform(1, 4, 1), [1, 4]));
  expect(elements(features, 'circle')).toHaveLength(5);
  const volume = only(new nn.Conv3d(1, 2, 1), tensor(uniform(2, 36, 1), [1, 1, 4, 3, 3]));
  const images = elements(volume, 'image');
  expect(images).toHaveLength(8);
  expect(new Set(images.map(({ attributes }) => attributes.x)).size).toBe(4);
});

test('one range for all channels where it is asked for', () => {
  const model = new nn.Conv2d(1, 2, 1, { bias: false });
  model.weight.copy_(tensor([1, 4], [2, 1, 1, 1]));
  const x = tensor([0, 1], [1, 1, 1, 2]);
  const options = { layers: '', colormap: 'gray', scaleEach: false } as const;
  expect(panelsOf(featureMaps(model, x, options).get('')!).map(({ reds }) => reds)).toEqual([
    [0, 64],
    [0, 255],
  ]);
});

test('several inputs are passed on', () => {
  class Sum extends nn.Module {
    conv = new nn.Conv2d(1, 1, 1);
    forward(a: Tensor, b: Tensor): Tensor {
      expect(b.shape).toEqual([1, 1, 2, 2]);
      return this.conv.forward(a);
    }
  }
  const pair = [zeros([1, 1, 3, 3]), zeros([1, 1, 2, 2])];
  expect([...featureMaps(new Sum(), pair).keys()]).toEqual(['conv']);
});

describe('hooks are gone afterwards', () => {
  // Where a module has hooks, its forward is an own property.
  const hooked = (model: nn.Module) =>
    [...model.modules()].filter((module) => Object.hasOwn(module, 'forward'));

  test('when all went well', () => {
    const net = new Net();
    featureMaps(net, input, { layers: LAYERS });
    expect(hooked(net)).toEqual([]);
  });

  test('when forward throws', () => {
    const net = new Net();
    expect(() => featureMaps(net, zeros([1, 2, 6, 6]), { layers: LAYERS })).toThrow(/2 channels/);
    expect(hooked(net)).toEqual([]);
  });

  test('when an output can’t be shown', () => {
    const net = new Net();
    expect(() => featureMaps(net, input, { layers: LAYERS, sample: 2 })).toThrow(/sample/);
    expect(hooked(net)).toEqual([]);
  });

  test('but for those of others', () => {
    const net = new Net();
    let calls = 0;
    net.stem.registerForwardHook(() => void calls++);
    featureMaps(net, input, { layers: LAYERS });
    net.forward(input);
    expect(calls).toBe(2);
  });
});

test('what is wrong is refused by name', () => {
  const net = new Net();
  const call = (options: any, model: any = net, x: any = input) => {
    return () => featureMaps(model, x, options);
  };
  const VALUE = 'ERR_NNCONV_ARG_VALUE';
  const TYPE = 'ERR_NNCONV_ARG_TYPE';
  expectRejected(call({}, {}), /model must be a Module/, TYPE);
  expectRejected(call({}, net, 'x'), /input/, TYPE);
  expectRejected(call({ layers: 'stm' }), /stm/, VALUE);
  expectRejected(call({ layers: 7 }), /layers must be/, TYPE);
  expectRejected(call({ layers: [7] }), /target|layers/, TYPE);
  expectRejected(call({ layers: [] }), /at least one/, VALUE);
  expectRejected(call({ layers: 'unused' }), /'unused' did not run/, VALUE);
  expectRejected(call({}, new nn.ReLU()), /without convolutions/, VALUE);
  expectRejected(call({ layers: 'fc', sample: 5 }), /sample must be below 2/, VALUE);
  expectRejected(call({ sample: -1 }), /sample/, VALUE);
  expectRejected(call({ maxChannels: 0 }), /maxChannels/, VALUE);
  expectRejected(call({ nrow: 0 }), /nrow/, VALUE);
  expectRejected(call({ scale: 0.5 }), /scale/, VALUE);
  expectRejected(call({ colormap: 'jet' }), /colormap/, VALUE);
  expectRejected(call({ scaleEach: 0 }), /scaleEach/, TYPE);
  expectRejected(call({ layer: 'fc' }), /did you mean 'layers'/, 'ERR_NNCONV_UNKNOWN_OPTION');
  class Pair extends nn.Module {
    forward(x: Tensor): unknown {
      return [x, x];
    }
  }
  expectRejected(call({ layers: '' }, new Pair()), /float32 Tensor/, TYPE);
  const flat = new nn.Flatten({ startDim: 0 });
  expectRejected(call({ layers: '' }, flat), /\[72\]/, 'ERR_NNCONV_SHAPE');
});
