/** Summaries of whole networks, row by row, against torchinfo's: scripts/fixtures/summary.py. */
import { models, nn } from '../../lib';
import { readFixture } from '../support/json';
import { digits, Shared } from './shared';

type Row = [
  varName: string,
  className: string,
  depth: number,
  index: number,
  recursive: boolean,
  kernelSize: number | number[] | null,
  inputShape: number[],
  outputShape: number[],
  parameters: number,
  ownParameters: number,
  multAdds: number,
];

interface Fixture {
  model: string;
  args: number[];
  shape: number[];
  layers: Row[];
  totals: {
    parameters: number;
    multAdds: number;
    passBytes: number;
    parameterBytes: number;
    inputMB: string;
  };
}

const fixtures = readFixture<Fixture>('summary/summary.json');

function build({ model, args }: Fixture): nn.Module {
  if (model === 'digits') return digits();
  if (model === 'shared') return new Shared();
  const found = model
    .split('.')
    .reduce<unknown>((object, name) => (object as Record<string, unknown>)[name], models);
  return nn.utils.skipInit(() => (found as (...args: number[]) => nn.Module)(...args));
}

test.each(fixtures.map((fixture) => [fixture.model, fixture] as const))(
  '%s: layers and totals are those of torchinfo',
  (_, fixture) => {
    const { layers, totals } = nn.summary(build(fixture), fixture.shape);
    const rows = layers.map((layer): Row => [
      layer.varName,
      layer.className,
      layer.depth,
      layer.index,
      layer.recursive,
      layer.kernelSize as Row[5],
      // torchinfo has empty lists for modules that are not called.
      [...(layer.inputShape ?? [])],
      [...(layer.outputShape ?? [])],
      layer.parameters,
      layer.ownParameters,
      layer.multAdds,
    ]);
    expect(rows).toEqual(fixture.layers);
    const { passBytes, inputMB, ...counts } = fixture.totals;
    expect(totals).toEqual({
      ...counts,
      forwardBytes: passBytes / 2,
      inputBytes: 4 * fixture.shape.reduce((a, b) => a * b, 1),
      totalBytes: totals.inputBytes + totals.forwardBytes + totals.parameterBytes,
    });
    expect((totals.inputBytes / 1e6).toFixed(2)).toBe(inputMB);
  },
);
