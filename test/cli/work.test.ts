/** What the commands do to models, pictures and tensors. */
import fs from 'node:fs';
import path from 'node:path';
import { load, nn, randn, save, tensor, type Tensor } from '../../lib';
import { decodeNpy, encodeNpy } from '../../lib/cli/npy';
import { openModel } from '../../lib/hub';
import { decodeImage } from '../../lib/image';
import { useProgram } from './support/program';

const program = useProgram();
const digits = path.join(__dirname, '../../examples/digits');
const pictures = path.join(digits, 'pictures');
const seven = path.join(pictures, '07-7.png');

/** Runs what must work without a remark; the JSON it prints. */
async function json(...args: string[]): Promise<any> {
  const { code, stdout, stderr } = await program.run([...args, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

/** Runs what must fail at run time, with one line; that line. */
async function failure(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await program.run(args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^nnconv: [^\n]+\n$/);
  return stderr;
}

/** Doubles what it gets: a model of which every result is known. */
const DOUBLE = `
const { nn } = require('nnconv');
module.exports = () => {
  const conv = new nn.Conv2d(1, 1, 1, { bias: false });
  conv.weight.fill_(2);
  return conv;
};
module.exports.inputShape = [-1, 1, -1, -1];
`;

describe('run: pictures', () => {
  test('the likeliest classes', async () => {
    const { code, stdout, stderr } = await program.run(['run', 'digits', '-i', seven]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^9\d\.\d % {2}7\n( ?\d+\.\d % {2}\d\n){4}$/);
  });

  test('several, with the probabilities of PyTorch', async () => {
    const expected = JSON.parse(
      fs.readFileSync(path.join(digits, 'expected.json'), 'utf8'),
    ).pictures.slice(0, 3);
    const files = expected.map(({ file }: { file: string }) => path.join(pictures, file));
    const { model, weights, results } = await json('run', 'digits', '-k', '10', '-i', ...files);
    expect([model, weights]).toEqual(['digits', 'own']);
    expect(results.map(({ input }: any) => input)).toEqual(files);
    expected.forEach(({ logits }: { logits: number[] }, i: number) => {
      const powers = logits.map((value) => Math.exp(value));
      const total = powers.reduce((a, b) => a + b);
      const [top] = results[i].top;
      expect(top).toHaveLength(10);
      for (const { index, label, probability } of top) {
        expect(label).toBe(String(index));
        expect(probability).toBeCloseTo(powers[index] / total, 5);
      }
    });
  });

  test('from a pipe', async () => {
    const { code, stdout } = await program.run(['run', 'digits', '-i', '-', '-k', '1'], {
      input: fs.readFileSync(seven),
    });
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^9\d\.\d % {2}7\n$/)]);
  });

  test('random weights are told', async () => {
    const args = ['run', 'squeezenet1_1', '-i', seven, '--json'];
    const { code, stdout, stderr } = await program.run(args);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ weights: 'random' });
    expect(stderr).toBe(
      'nnconv: squeezenet1_1 has random weights: pass --weights for results that mean something\n',
    );
  });

  const png = fs.readFileSync(seven);
  const flipped = Buffer.from(png);
  flipped[60] ^= 255;
  test.each<[string, Uint8Array, RegExp]>([
    ['cut.png', png.subarray(0, png.length >> 1), /'.*cut\.png' can't be read: /],
    ['flipped.png', flipped, /'.*flipped\.png' can't be read: /],
    ['start.png', png.subarray(0, 9), /'.*start\.png' can't be read: /],
    ['bad.jpg', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]), /'.*bad\.jpg' can't be read: /],
    ['empty.png', Buffer.alloc(0), /'.*empty\.png' is empty/],
    ['moving.png', Buffer.from('GIF89a....'), /is a GIF picture; convert it to PNG or JPEG/],
    ['text.png', Buffer.from('hello'), /is neither a picture \(PNG, JPEG\) nor a tensor/],
  ])('%s is refused', async (name, bytes, reason) => {
    expect(await failure('run', 'digits', '-i', program.write(name, bytes))).toMatch(reason);
  });

  test('what is no file is refused', async () => {
    expect(await failure('run', 'digits', '-i', 'no.png')).toContain(
      "there is no file 'no.png'; check the path",
    );
    expect(await failure('run', 'digits', '-i', pictures)).toMatch(/the path '.*' is a folder/);
  });
});

describe('run: tensors', () => {
  const x = randn([2, 1, 28, 28]);
  const expected = async () =>
    Array.from(((await openModel({ model: 'digits' })).module.forward(x) as Tensor).data);
  const close = (found: ArrayLike<number>, wanted: readonly number[]) => {
    expect(found.length).toBe(wanted.length);
    wanted.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 4));
  };

  test('.npy in, .npy, .safetensors and .json out', async () => {
    const input = program.write('x.npy', encodeNpy(x));
    const wanted = await expected();
    for (const name of ['y.npy', 'y.safetensors', 'y.json']) {
      const args = ['run', 'digits', '-i', input, '-o', program.file(name)];
      const { code, stdout, stderr } = await program.run(args);
      expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
      expect(stderr).toMatch(/^nnconv: wrote .*\n$/);
    }
    const npy = decodeNpy(fs.readFileSync(program.file('y.npy')), 'y');
    expect(npy.shape).toEqual([2, 10]);
    close(npy.data, wanted);
    close((load(program.file('y.safetensors')).output as Tensor).data, wanted);
    const { shape, data } = JSON.parse(fs.readFileSync(program.file('y.json'), 'utf8'));
    expect(shape).toEqual([2, 10]);
    close(data.flat(), wanted);
  });

  test('through pipes, without the batch dimension', async () => {
    program.write('double.js', DOUBLE);
    const cube = tensor([[[1, -2, 0.5]]]);
    const args = ['run', './double.js', '-i', '-', '-o', '-'];
    const { code, stdout, stderr } = await program.run(args, { input: encodeNpy(cube) });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const found = decodeNpy(Buffer.from(stdout, 'latin1'), 'y');
    expect([found.shape, Array.from(found.data)]).toEqual([
      [1, 1, 1, 3],
      [2, -4, 1],
    ]);
  });

  test('a file with several tensors', async () => {
    program.write('double.js', DOUBLE);
    const input = program.file('two.safetensors');
    save(input, { a: tensor([[[[1]]]]), b: tensor([[[[3]]]]) });
    const several = await program.run(['run', './double.js', '-i', input]);
    expect(several.code).toBe(2);
    expect(several.stderr).toContain('holds 2 tensors; name one with --tensor: a, b');
    const { results } = await json('run', './double.js', '-i', input, '--tensor', 'b');
    expect(results[0].output).toEqual({ shape: [1, 1, 1, 1], data: [[[[6]]]] });
  });

  test('integers of numpy, printed', async () => {
    program.write('double.js', DOUBLE);
    const numpy = path.join(__dirname, '../fixtures/npy/fortran-int16.npy');
    program.write('relu.js', "exports.model = new (require('nnconv').nn.ReLU)()");
    const { stdout } = await program.run(['run', './relu.js', '-i', numpy]);
    expect(stdout).toMatch(/^output \(2, 3, 4\)\ntensor\(\[\[\[ 0\., {2}1\., {2}2\., {2}3\.\],/);
  });

  test('a damaged file, and one of a shape that does not fit', async () => {
    const cut = program.write('cut.npy', encodeNpy(x).subarray(0, 200));
    expect(await failure('run', 'digits', '-i', cut)).toMatch(/cut\.npy' is a damaged \.npy file/);
    const wrong = program.write('wrong.npy', encodeNpy(randn([1, 3, 28, 28])));
    expect(await failure('run', 'digits', '-i', wrong)).toContain('[1, 3, 28, 28]');
  });

  test('--top-k for tensors, and where it makes no sense', async () => {
    const input = program.write('x.npy', encodeNpy(x));
    const { results } = await json('run', 'digits', '-i', input, '-k', '2');
    expect(results[0].top.map((item: unknown[]) => item.length)).toEqual([2, 2]);
    program.write('double.js', DOUBLE);
    const cube = program.write('cube.npy', encodeNpy(randn([1, 1, 2, 2])));
    const { code, stderr } = await program.run(['run', './double.js', '-i', cube, '-k', '2']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('--top-k is for classifiers')]);
  });
});

describe('weights', () => {
  const withWeights = (file: string) => failure('run', 'digits', '-i', seven, '-w', file);

  test('that are missing, damaged or those of another model', async () => {
    expect(await withWeights('no.pt')).toContain("there is no file 'no.pt'; check the path");
    const whole = fs.readFileSync(path.join(digits, 'model.safetensors'));
    const cut = program.write('cut.safetensors', whole.subarray(0, whole.length - 1));
    expect(await withWeights(cut)).toMatch(/can't load '.*cut\.safetensors': /);
    const other = program.file('other.safetensors');
    save(other, new nn.Conv2d(1, 1, 1).stateDict());
    expect(await withWeights(other)).toMatch(/other\.safetensors' are not those of 'digits': /);
  });

  test('from PyTorch', async () => {
    const file = path.join(digits, 'model.pt');
    const { weights, results } = await json('run', 'digits', '-i', seven, '-w', file);
    expect([weights, results[0].top[0][0].label]).toEqual([file, '7']);
  });
});

describe('models in files', () => {
  const one = () => program.write('one.npy', encodeNpy(tensor([[[[1]]]])));
  const result = async (name: string) => {
    const { results } = await json('run', `./${name}`, '-i', one());
    return results[0].output.data.flat(3);
  };
  const body = `{ constructor() { super(new nn.Conv2d(1, 1, 1, { bias: false })); this.at(0).weight.fill_(3); } }`;

  test.each([
    [
      'class.js',
      `const { nn } = require('nnconv'); module.exports = class extends nn.Sequential ${body};`,
    ],
    [
      'named.cjs',
      `const { nn } = require('nnconv'); exports.model = new (class extends nn.Sequential ${body})();`,
    ],
    [
      'esm.mjs',
      `import { nn } from 'nnconv'; export async function createModel() { await null; return new (class extends nn.Sequential ${body})(); }`,
    ],
    [
      'typed.ts',
      `import { nn } from 'nnconv'; enum Size { One = 1 }\nconst conv: nn.Conv2d = new nn.Conv2d(Size.One, 1, 1, { bias: false }); conv.weight.fill_(3);\nexport default conv;`,
    ],
  ])('%s', async (name, content) => {
    program.write(name, content);
    expect(await result(name)).toEqual([3]);
  });

  test('with labels and preprocessing', async () => {
    program.write(
      'labelled.js',
      `const { nn } = require('nnconv');
       const linear = new nn.Linear(4, 2, { bias: false });
       linear.weight.copy_(require('nnconv').tensor([[1, 1, 1, 1], [0, 0, 0, 0]]));
       exports.model = new nn.Sequential(new nn.Flatten(), linear);
       exports.labels = ['bright', 'dark'];
       exports.inputShape = [-1, 1, 2, 2];
       exports.preprocessing = { channels: 1, resize: [2, 2], mean: [0.5], std: [0.01] };`,
    );
    const { results } = await json('run', './labelled.js', '-i', seven, '-k', '1');
    expect(['bright', 'dark']).toContain(results[0].top[0][0].label);
  });

  test('of several outputs', async () => {
    program.write(
      'several.js',
      `const { nn, mul } = require('nnconv');
       module.exports = class extends nn.Module { forward(x) { return { same: x, all: [mul(x, 2)] }; } };`,
    );
    const output = program.file('several.safetensors');
    const { code } = await program.run(['run', './several.js', '-i', one(), '-o', output]);
    expect([code, Object.keys(load(output)).sort()]).toEqual([0, ['all.0', 'same']]);
    const npy = await program.run(['run', './several.js', '-i', one(), '-o', 'several.npy']);
    expect([npy.code, npy.stderr]).toEqual([
      2,
      expect.stringContaining('the model returns 2 (same, all.0); write .safetensors or .json'),
    ]);
  });

  test("that can't be compiled run layer by layer, with a remark", async () => {
    program.write(
      'dynamic.js',
      `const { nn, mul } = require('nnconv');
       module.exports = class extends nn.Module { forward(x) { return mul(x, x.toArray().flat(3)[0] + 4); } };`,
    );
    const { code, stdout, stderr } = await program.run([
      'run',
      './dynamic.js',
      '-i',
      one(),
      '--json',
    ]);
    expect([code, JSON.parse(stdout).results[0].output.data.flat(3)]).toEqual([0, [5]]);
    expect(stderr).toMatch(/^nnconv: dynamic can't be compiled and runs layer by layer: /);
  });

  test.each([
    ['./no.js', undefined, "there is no file './no.js'; check the path of the model"],
    ['./none.js', 'exports.net = 5', "'./none.js' exports no model: export an nn.Module"],
    ['./broken.js', 'module.exports = (', "'./broken.js' can't be loaded: Unexpected"],
    ['./throws.js', 'throw new Error("no GPU\\nhere")', "'./throws.js' can't be loaded: no GPU"],
    ['./wrong.js', 'exports.model = () => 5', "'./wrong.js' must make an nn.Module, got 5"],
    ['./lacks.js', "require('no-such-package')", "Cannot find module 'no-such-package'"],
    ['./bad-shape.js', `${DOUBLE} module.exports.inputShape = [0, 1];`, 'must have positive sizes'],
    ['./bad-labels.js', `${DOUBLE} module.exports.labels = 'a';`, 'must be an array of strings'],
    ['./bad-steps.js', `${DOUBLE} module.exports.preprocessing = { men: [1] };`, "no option 'men'"],
    ['./weights.pt', 'x', 'give the checkpoint as its weights'],
  ])('%s is refused', async (name, content, reason) => {
    if (content !== undefined) program.write(name, content);
    expect(await failure('run', name, '-i', seven)).toContain(reason);
  });

  test('of another copy of nnconv are told apart', async () => {
    fs.cpSync(program.file('dist'), program.file('other/dist'), { recursive: true });
    for (const name of ['package.json', 'build', 'prebuilds', 'node_modules']) {
      const target = program.file(name);
      if (fs.existsSync(target)) fs.symlinkSync(target, program.file(`other/${name}`));
    }
    program.write('other/model.js', DOUBLE.replace("'nnconv'", "'./dist/index.js'"));
    expect(await failure('run', './other/model.js', '-i', seven)).toContain(
      'makes a module of another copy of nnconv',
    );
  });
});

describe('summary', () => {
  test('text and --depth', async () => {
    const { code, stdout, stderr } = await program.run(['summary', 'digits', '-d', '1']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Sequential (features)');
    expect(stdout).not.toContain('Conv2d');
  });

  test('--json', async () => {
    const found = await json('summary', 'digits', '--input-shape', '5x1x28x28');
    const { module } = await openModel({ model: 'digits' });
    const parameters = [...module.parameters()].reduce((sum, { numel }) => sum + numel, 0);
    expect(found).toMatchObject({ inputShapes: [[5, 1, 28, 28]], totals: { parameters } });
  });

  test('--html', async () => {
    const file = program.file('summary.html');
    const { code, stdout } = await program.run(['summary', 'digits', '--html', file]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(fs.readFileSync(file, 'utf8')).toMatch(/^<!doctype html>\n<html lang="en">[^]*<table>/);
    expect(await failure('summary', 'digits', '--html', program.file('no/where.html'))).toContain(
      'there is no file',
    );
  });

  test("a model that doesn't say what it takes", async () => {
    program.write('shapeless.js', "exports.model = new (require('nnconv').nn.ReLU)()");
    const { code, stderr } = await program.run(['summary', './shapeless.js']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('pass --input-shape')]);
    expect((await program.run(['summary', './shapeless.js', '-s', '1,2'])).code).toBe(0);
  });
});

describe('plot', () => {
  test('to PNG and SVG', async () => {
    const png = program.file('kernels.png');
    const { layer, width, height } = await json('plot', 'digits', '-o', png);
    expect(layer).toBe('features.0');
    // Two pixels a unit.
    expect(decodeImage(fs.readFileSync(png)).shape).toEqual([3, 2 * height, 2 * width]);
    const svg = program.file('maps.svg');
    const args = ['plot', 'digits', '-f', '-i', seven, '-l', 'features.4', '-m', '4', '-o', svg];
    const { code, stderr } = await program.run(args);
    expect([code, stderr]).toEqual([0, `nnconv: wrote ${svg}: features.4 [32, 14, 14]\n`]);
    expect(fs.readFileSync(svg, 'utf8')).toMatch(/^(<\?xml[^>]*>\s*)?<svg /);
  });

  test('in the terminal: ASCII in a pipe, half blocks in colour', async () => {
    const args = ['plot', 'digits', '-m', '2', '--colormap', 'magma'];
    const plain = await program.run(args);
    expect(plain).toMatchObject({ code: 0, stderr: '' });
    expect(plain.stdout).toMatch(
      /^Conv2d\(1, 16, .*\n2 of 16, channel 0, .* magma\n[\x20-\x7e\n]+$/,
    );
    const coloured = await program.run(args, { env: { FORCE_COLOR: '1' } });
    expect(Buffer.from(coloured.stdout, 'latin1').toString()).toContain('\u2580');
  });
});

describe('report', () => {
  test('a page about a picture', async () => {
    const file = program.file('report.html');
    const { code, stdout, stderr } = await program.run(['report', 'digits', '-i', seven]);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '',
      stderr: 'nnconv: wrote report.html\n',
    });
    const page = fs.readFileSync(file, 'utf8');
    expect(page).toMatch(/^<!doctype html>[^]*<title>digits/i);
    expect(page).toContain('features.0');
  });

  test('--json, and to a pipe with a title', async () => {
    const output = program.file('other.html');
    const found = await json('report', 'digits', '-i', seven, '-o', output);
    expect(found).toEqual({
      model: 'digits',
      input: seven,
      output,
      bytes: fs.statSync(output).size,
    });
    const args = ['report', 'digits', '-i', '-', '-o', '-', '--title', 'A <b>seven</b>'];
    const { code, stdout } = await program.run(args, { input: fs.readFileSync(seven) });
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining('<title>A &lt;b&gt;seven&lt;/b&gt;'),
    ]);
  });
});
