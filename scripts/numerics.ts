/**
 * Writes docs/numerics.md: errors of each algorithm against float64, beside PyTorch's own.
 *
 *   npx ts-node scripts/numerics.ts [python with bench/peers/requirements.txt]
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import {
  manualSeed,
  nn,
  randn,
  runtimeInfo,
  setNumThreads,
  tensor,
  version,
  type Tensor,
} from '../lib';
import { binding } from '../lib/binding';
import { build, specOf, type ConvLayer, type LayerCase } from '../bench/layers';
import { PyTorch } from '../bench/peers/pytorch';

/** The defaults of torch.testing.assert_close for float32. */
const RTOL = 1.3e-6;
const ATOL = 1e-5;
const PYTORCH = 'PyTorch, float32';

type Runs = Map<string, Float32Array>;

interface Errors {
  max: number;
  rms: number;
  /** The largest error in terms of what assert_close allows there. */
  tolerance: number;
}

function errorsOf(result: Float32Array, exact: Float64Array): Errors {
  let max = 0;
  let squares = 0;
  let tolerance = 0;
  for (let i = 0; i < exact.length; i++) {
    const error = Math.abs(result[i] - exact[i]);
    max = Math.max(max, error);
    squares += error * error;
    tolerance = Math.max(tolerance, error / (ATOL + RTOL * Math.abs(exact[i])));
  }
  return { max, rms: Math.sqrt(squares / exact.length), tolerance };
}

/** The layer's result by each algorithm that can do it, the one that is chosen first. */
function runEach(layer: LayerCase, conv: ConvLayer, x: Tensor): Runs {
  const addon = binding();
  const handle = addon.convCreate(specOf(layer));
  const [weight, bias] = [conv.weight.clone().data, conv.bias!.clone().data];
  const runs: Runs = new Map();
  for (const algorithm of addon.convAlgorithms(handle, layer.input)) {
    const options = { algorithm };
    const { data } = addon.convForward(handle, x.data, layer.input, weight, 0, bias, options);
    runs.set(algorithm, data);
  }
  return runs;
}

/** Results of all sides, and the exact one. */
async function compare(
  pytorch: PyTorch,
  layer: LayerCase,
  conv: ConvLayer,
  x: Tensor,
): Promise<{ chosen: string; runs: Runs; exact: Float64Array }> {
  const runs = runEach(layer, conv, x);
  const [chosen] = runs.keys();
  await pytorch.load(layer, conv, x, { threads: 1, dtype: 'float32' });
  runs.set(PYTORCH, new Float32Array(await pytorch.result()));
  await pytorch.load(layer, conv, x, { threads: 1, dtype: 'float64' });
  return { chosen, runs, exact: new Float64Array(await pytorch.result()) };
}

function caseOf(
  layer: LayerCase['layer'],
  args: LayerCase['args'],
  options: LayerCase['options'],
  input: number[],
): LayerCase {
  return { name: '', network: '', layer, args, options, input };
}

const same = { padding: 1 };
const FAMILIES: { title: string; channels: number[]; layer: (c: number) => LayerCase }[] = [
  {
    title: '3x3, stride 1, C to C channels on 28x28',
    channels: [8, 16, 32, 64, 128, 256, 512],
    layer: (c) => caseOf('Conv2d', [c, c, 3], same, [1, c, 28, 28]),
  },
  {
    title: '3x3, stride 1, C to C channels on 224x224: more outputs, so rarer errors',
    channels: [64],
    layer: (c) => caseOf('Conv2d', [c, c, 3], same, [1, c, 224, 224]),
  },
  {
    title: '3x3, stride 2, C to C channels on 28x28',
    channels: [16, 64, 256],
    layer: (c) => caseOf('Conv2d', [c, c, 3], { ...same, stride: 2 }, [1, c, 28, 28]),
  },
  {
    title: '7x7, stride 2, C to 64 channels on 112x112',
    channels: [3, 16],
    layer: (c) => caseOf('Conv2d', [c, 64, 7], { padding: 3, stride: 2 }, [1, c, 112, 112]),
  },
  {
    title: '1x1, C to C channels on 28x28',
    channels: [16, 64, 256, 1024],
    layer: (c) => caseOf('Conv2d', [c, c, 1], {}, [1, c, 28, 28]),
  },
  {
    title: 'Depthwise 3x3, C channels on 28x28',
    channels: [32, 256],
    layer: (c) => caseOf('Conv2d', [c, c, 3], { ...same, groups: c }, [1, c, 28, 28]),
  },
  {
    title: '1-d, three taps, C to C channels on 512',
    channels: [16, 64, 256],
    layer: (c) => caseOf('Conv1d', [c, c, 3], same, [1, c, 512]),
  },
  {
    title: '3x3x3, C to C channels on 8x14x14',
    channels: [16, 64, 256],
    layer: (c) => caseOf('Conv3d', [c, c, 3], same, [1, c, 8, 14, 14]),
  },
  {
    title: 'Transposed 2x2, stride 2, C to C channels on 28x28',
    channels: [16, 64, 256],
    layer: (c) => caseOf('ConvTranspose2d', [c, c, 2], { stride: 2 }, [1, c, 28, 28]),
  },
  {
    title: 'Transposed 4x4, stride 2, C to C channels on 28x28',
    channels: [16, 64, 256],
    layer: (c) => caseOf('ConvTranspose2d', [c, c, 4], { ...same, stride: 2 }, [1, c, 28, 28]),
  },
];

const millionths = (error: number): string => (error * 1e6).toFixed(error < 1e-5 ? 2 : 1);
const row = (...cells: string[]): string => `| ${cells.join(' | ')} |`;

async function ordinary(pytorch: PyTorch): Promise<string[]> {
  const lines: string[] = [];
  for (const { title, channels, layer: layerOf } of FAMILIES) {
    lines.push('', `### ${title}`, '');
    lines.push(row('C', 'algorithm', 'max error', 'RMS error', 'of the tolerance'));
    lines.push('|--:|---|--:|--:|--:|');
    for (const c of channels) {
      manualSeed(0);
      const layer = layerOf(c);
      const conv = build(layer);
      nn.init.kaimingNormal_(conv.weight);
      const { chosen, runs, exact } = await compare(pytorch, layer, conv, randn(layer.input));
      for (const [name, result] of runs) {
        const { max, rms, tolerance } = errorsOf(result, exact);
        const title = name === chosen ? `**${name}**` : name;
        const share = `${(100 * tolerance).toFixed(0)}%`;
        lines.push(row(String(c), title, millionths(max), millionths(rms), share));
      }
    }
  }
  return lines;
}

/** What happens to inputs that Winograd is not made for. */
async function special(pytorch: PyTorch): Promise<string[]> {
  const size = 28;
  const c = 64;
  const layer = caseOf('Conv2d', [c, c, 3], same, [1, c, size, size]);
  manualSeed(0);
  const conv = build(layer);
  const integers = (shape: readonly number[], most: number): Tensor =>
    tensor(
      randn(shape).data.map((value) => Math.max(-most, Math.min(most, Math.round(2 * value)))),
      shape,
    );
  const at = 13;
  /** Pixels whose window holds the one that is special. */
  const meets = (index: number): boolean => {
    const [y, x] = [Math.floor(index / size) % size, index % size];
    return Math.abs(y - at) <= 1 && Math.abs(x - at) <= 1;
  };
  const withOne = (value: number): Tensor => {
    const { data } = randn(layer.input);
    data[at * size + at] = value;
    return tensor(data, layer.input);
  };

  nn.init.kaimingNormal_(conv.weight);
  const outlier = await compare(pytorch, layer, conv, withOne(1e6));
  const infinite = await compare(pytorch, layer, conv, withOne(Infinity));
  conv.loadStateDict({ weight: integers(conv.weight.shape, 4), bias: integers([c], 4) });
  const exact = await compare(pytorch, layer, conv, integers(layer.input, 8));

  const elsewhere = <T extends Float32Array | Float64Array>(values: T): T =>
    values.filter((_, i) => !meets(i)) as T;
  const lines = [
    row(
      'algorithm',
      'integers: max error',
      '1e6 elsewhere: max error',
      'Inf elsewhere: not finite',
    ),
    '|---|--:|--:|--:|',
  ];
  for (const [name, result] of exact.runs) {
    const far = errorsOf(elsewhere(outlier.runs.get(name)!), elsewhere(outlier.exact));
    const spoilt = elsewhere(infinite.runs.get(name)!).filter((value) => !Number.isFinite(value));
    const { max } = errorsOf(result, exact.exact);
    const title = name === exact.chosen ? `**${name}**` : name;
    lines.push(row(title, millionths(max), millionths(far.max), String(spoilt.length)));
  }
  return lines;
}

const page = (torch: string, tables: string[], corners: string[]): string => {
  const info = runtimeInfo();
  return `# Numbers

<!-- Written by scripts/numerics.ts; change the words there. -->

How far results are from exact ones, by algorithm and number of channels. Input is drawn from N(0, 1),
weights by \`nn.init.kaimingNormal_\`, so that outputs have a standard deviation near 1.4 (transposed
layers: less). Exact results are PyTorch's in float64, from the same float32 values. Errors are in units
of 1e-6; the rounding of a float32 near 1.4 alone is up to 0.06 of them. "Of the tolerance" is the
largest error as a part of what the defaults of \`torch.testing.assert_close\` allow
(1e-5 + 1.3e-6 |exact|): below 100%, a test with them passes.

nnconv ${version}, ${info.isa}, against PyTorch ${torch}. The algorithm in **bold** is the one that
nnconv chooses for the layer; the others are forced. \`reference\` adds up in double precision: its error
is the rounding of the result alone. Every algorithm gives the same bits at any number of threads and
any size of the batch.

## How to read it

- Direct sums and PyTorch's are within a factor of two of each other, either way, up to two thousand
  products or so. Beyond, PyTorch's error of 3x3 and 3x3x3 kernels grows on, and theirs does not.
- \`winograd_2x2\` is more accurate than a direct sum: it adds up fewer products.
- \`winograd_4x4\` and \`winograd_3x3\` have about twice the RMS error of a direct sum at any number
  of channels: more than PyTorch below some 200 channels, less above. The largest of many errors is near
  the tolerance, and with millions of outputs one of them may lie beyond it, as PyTorch's own do with many channels. Where
  that matters, ask for strict numerics.

## How errors are kept small

- **Direct sums** (\`direct_oc\`, \`direct_px\`, \`pointwise\`, \`depthwise\`) are fused multiply-adds
  into one accumulator for an output. After 512 products it is put aside and starts anew, so that the
  error of a long sum is that of a short one. \`direct_px_panel\` adds up in the order of \`direct_px\`,
  \`blocked_depthwise\` in that of \`depthwise\`.
- **Winograd's points.** F(4, 3) evaluates polynomials at five points and infinity. With the textbook's
  0, ±1, ±2 the transforms have entries up to 8, and rounding errors grow tenfold. nnconv takes 0, ±√½,
  ±√2, which keeps the entries below 3. F(2, 3) has 0, ±1. Weights are transformed in double
  precision, once; on planes of few tiles in single precision, each time, by additions and multiplications with
  ½, 2, √½ and √2 alone: what divides is part of the outputs' transform.
- **Winograd's sums** over input channels start anew every 32 channels, and the chunks are added up.
- **Tiles that are not finite.** Winograd mixes all pixels of a tile, and Inf - Inf is NaN: an infinite
  pixel would spoil outputs that never see it. Where a finished tile holds a value that is not finite,
  the tile is computed again as a direct sum, so Inf and NaN stay in the windows that hold them.
- **Strict numerics.** \`setStrictNumerics(true)\`, or \`{ strict: true }\` for a call, leaves Winograd
  out. Results are then exact on small integers, and a large value costs no precision in outputs whose
  windows don't hold it; with Winograd it does, as the corners show.

## Corners

3x3, 64 to 64 channels on 28x28. Small integers as input, weights and bias; one pixel that is 1e6, or
infinite, seen from the outputs whose windows don't hold it: their largest error, and how many are not
finite.

${corners.join('\n')}

## Ordinary values
${tables.join('\n')}
`;
};

async function main(): Promise<void> {
  const python = process.argv[2] ?? process.env.NNCONV_BENCH_PYTHON ?? 'python3';
  const pytorch = new PyTorch(python);
  try {
    setNumThreads(1);
    const torch = (await pytorch.version()).replace(/\+.*/, '');
    const text = page(torch, await ordinary(pytorch), await special(pytorch));
    fs.writeFileSync(path.join(__dirname, '..', 'docs', 'numerics.md'), text);
  } finally {
    await pytorch.close();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
