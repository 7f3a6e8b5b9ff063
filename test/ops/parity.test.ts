/** Activations, dense layers, arithmetic and shapes against PyTorch's float64 results. */
import { getNumThreads, nn, setNumThreads } from '../../lib';
import type { Tensor } from '../../lib';
import { expectSameBits } from '../support/close';
import {
  callOp,
  fillParameters,
  isLayer,
  type OpCall,
  opInputs,
  type OpLayer,
  opLayer,
  opTitle,
} from '../support/ops';
import { Store, type Stored } from '../support/stored';

interface Case extends OpCall {
  seed: number;
  result: Stored;
}

const store = new Store('ops');
const cases = store.read<Case>('cases.json');
const threads = getNumThreads();
afterEach(() => setNumThreads(threads));

const titled = (rows: Case[]) => rows.map((c) => [`${c.seed}: ${opTitle(c)}`, c] as const);

test.each(titled(cases))('%s', (title, c) => {
  setNumThreads(1);
  const inputs = opInputs(c);
  const result = callOp(c, inputs);
  store.expectResult(result, c.result, c.seed, title);
  setNumThreads(2);
  expectSameBits(callOp(c, inputs).data, result.data, `${title}, 2 threads against 1`);
  opInputs(c).forEach((input, i) => expectSameBits(inputs[i].data, input.data, `input ${i}`));
});

const F = nn.functional;

/** The functional twin on a layer's own parameters. */
function twin({ name, args, options }: Case, layer: OpLayer, x: Tensor): Tensor {
  switch (name) {
    case 'PReLU':
      return F.prelu(x, layer.weight!);
    case 'Linear':
      return F.linear(x, layer.weight!, layer.bias);
    default: {
      const key = name.replace(/^[A-Z]+?(?=[A-Z][a-z]|[a-z])/, (head) => head.toLowerCase());
      const f = F[(TWINS[name] ?? key) as 'relu'] as (...args: unknown[]) => Tensor;
      return f(x, ...args, ...(Object.keys(options).length > 0 ? [options] : []));
    }
  }
}

const TWINS: Record<string, string> = {
  ReLU: 'relu',
  ReLU6: 'relu6',
  LeakyReLU: 'leakyRelu',
  ELU: 'elu',
  SiLU: 'silu',
  GELU: 'gelu',
};

/** Layers of which PyTorch has no function in torch.nn.functional. */
const ALONE = ['Flatten', 'Unflatten', 'Identity'];

test.each(titled(cases.filter((c) => isLayer(c) && !ALONE.includes(c.name))))(
  'function equals layer: %s',
  (title, c) => {
    const layer = opLayer(c);
    fillParameters(layer, c.seed);
    const [x] = opInputs(c);
    expectSameBits(twin(c, layer, x).data, layer.forward(x).data, title);
  },
);

test.each(titled(cases.filter((c) => /ReLU6?$|ELU$|SiLU|Mish|Hard/.test(c.name))))(
  'in place: %s',
  (title, c) => {
    // Neither has it.
    if (c.name === 'PReLU' || c.name === 'GELU') return;
    const [x] = opInputs(c);
    const expected = opLayer(c).forward(x);
    const layer = opLayer({ ...c, options: { ...c.options, inplace: true } });
    expect(layer.forward(x)).toBe(x);
    expectSameBits(x.data, expected.data, title);
    const [y] = opInputs(c);
    expect(twin({ ...c, options: { ...c.options, inplace: true } }, layer, y)).toBe(y);
    expectSameBits(y.data, expected.data, title);
  },
);

test('every layer and function has cases', () => {
  const names = new Set(cases.map((c) => c.name));
  expect([...names].sort()).toEqual(
    [
      ...['ELU', 'GELU', 'Hardsigmoid', 'Hardswish', 'LeakyReLU', 'Mish', 'PReLU', 'ReLU', 'ReLU6'],
      ...['SiLU', 'Sigmoid', 'Tanh', 'Linear', 'Identity', 'Flatten', 'Unflatten'],
      ...['PixelShuffle', 'PixelUnshuffle', 'add', 'sub', 'mul', 'div', 'linear', 'matmul'],
      ...['cat', 'permute', 'mean', 'flatten'],
    ].sort(),
  );
});

test('a row of a dense layer is the same whatever rows stand beside it', () => {
  const layer = new nn.Linear(133, 21);
  const rows = opInputs({ name: '', args: [], options: {}, inputs: [[19, 133]], seed: 7 })[0];
  const all = layer.forward(rows);
  for (const row of [0, 1, 7, 18]) {
    expectSameBits(layer.forward(rows.select(0, row)).data, all.select(0, row).data, `row ${row}`);
  }
});
