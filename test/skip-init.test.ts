import { manualSeed, models, nn, rand, tensor, zeros } from '../lib';
import { expectRejected } from './support/errors';

test('weights stay zero, constants are written, nothing is drawn', () => {
  manualSeed(4);
  const model = nn.utils.skipInit(() => models.resnet18({ numClasses: 3 }));
  const next = rand([1]).item();
  manualSeed(4);
  expect(rand([1]).item()).toBe(next);
  for (const [name, parameter] of model.namedParameters()) {
    const value = /bn\d?\.weight|downsample\.1\.weight/.test(name) ? 1 : 0;
    expect([name, new Set(parameter.data)]).toEqual([name, new Set([value])]);
  }
});

test('a model that loads its weights is the same as ever', () => {
  const build = () =>
    new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.Flatten(), new nn.Linear(8, 2));
  const model = build();
  const other = nn.utils.skipInit(build);
  other.loadStateDict(model.stateDict());
  const x = rand([1, 1, 4, 4]);
  expect(other.forward(x).data).toEqual(model.forward(x).data);
});

test('every function of nn.init that draws, and only until the end', () => {
  const { init } = nn;
  const start = tensor([1, 2, 3, 4], [2, 2]);
  const draw = [
    () => init.uniform_(start),
    () => init.normal_(start),
    () => init.xavierUniform_(start),
    () => init.xavierNormal_(start),
    () => init.kaimingUniform_(start),
    () => init.kaimingNormal_(start),
    () => init.truncNormal_(start),
    () => init.orthogonal_(start),
    () => init.sparse_(start, 0.5),
  ];
  nn.utils.skipInit(() => draw.map((call) => expect(call()).toBe(start)));
  expect(start.toArray()).toEqual([[1, 2], [3, 4]]); // prettier-ignore
  nn.utils.skipInit(() => {
    nn.utils.skipInit(() => undefined);
    init.uniform_(start);
    // Wrong calls are as wrong as ever.
    expectRejected(() => init.uniform_(start, 2, 1), /a must be/, 'ERR_NNCONV_ARG_VALUE');
    expectRejected(() => init.normal_(start, 0, -1), /std/, 'ERR_NNCONV_ARG_VALUE');
    init.ones_(start);
  });
  expect(start.toArray()).toEqual([[1, 1], [1, 1]]); // prettier-ignore
  expect(() =>
    nn.utils.skipInit(() => {
      throw new Error('mine');
    }),
  ).toThrow('mine');
  expect(init.uniform_(zeros([4])).toArray()).not.toEqual([0, 0, 0, 0]);
  expectRejected(
    () => nn.utils.skipInit(nn.Conv2d.prototype as never),
    /build/,
    'ERR_NNCONV_ARG_TYPE',
  );
});
