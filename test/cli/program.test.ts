/** nnconv as a whole: help, wrong command lines, pipes, interruption. */
import { spawnSync } from 'node:child_process';
import { COMMANDS } from '../../lib/cli/commands';
import { version } from '../../lib';
import { useProgram } from './support/program';

const program = useProgram();
const names = COMMANDS.map(({ name }) => name);

/** A failure that users can mend: one line on stderr, nothing on stdout. */
async function failure(args: string[], env?: Record<string, string>): Promise<[unknown, string]> {
  const { code, stdout, stderr } = await program.run(args, { env });
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^nnconv: [^\n]+\n$/);
  return [code, stderr];
}

describe('help', () => {
  test('--version', async () => {
    const expected = { code: 0, stdout: `${version}\n`, stderr: '' };
    expect(await program.run(['--version'])).toEqual(expected);
  });

  test('--help lists commands, exit codes and variables', async () => {
    const { code, stdout, stderr } = await program.run(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const { name, summary } of COMMANDS) {
      expect(stdout).toMatch(new RegExp(`^  ${name} .* ${summary.split(' ')[0]}`, 'm'));
    }
    expect(stdout).toMatch(/Exit codes:\n +0 .*\n +1 .*\n +2 .*\n +130 /);
    expect(stdout).toContain('NNCONV_ISA');
  });

  test.each(names)('%s --help has examples of it', async (name) => {
    const { code, stdout, stderr } = await program.run([name, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: nnconv ${name} .*\n\n[A-Z][^.]*\\.\n`));
    expect(stdout.split('Examples:')[1].split(`nnconv ${name}`).length).toBeGreaterThan(2);
  });

  test('help of a command', async () => {
    const [asked, option] = await Promise.all([
      program.run(['help', 'bench']),
      program.run(['bench', '--help']),
    ]);
    expect(asked).toEqual(option);
  });

  test('no arguments: the help goes to stderr', async () => {
    const { code, stdout, stderr } = await program.run([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: nnconv');
  });
});

test.each([
  [['benhc'], "unknown command 'benhc' (did you mean bench?); see nnconv --help"],
  [['info', '--jsn'], "unknown option '--jsn' (did you mean --json?); see nnconv info --help"],
  [['info', 'more'], 'too many arguments'],
  [['run', 'digits'], "required option '-i, --input <file...>' not specified"],
  [['run', '-i', 'x'], "missing required argument 'model'"],
  [['run', 'digits', '-i', 'x', '-k', '0'], 'it must be a whole number from 1; see nnconv run'],
  [['run', 'digits', '-i', 'x', '-k', '1.5'], 'it must be a whole number'],
  [['run', 'digits', '-i', 'x', '-o', 'y.txt'], '--output must end in .npy'],
  [['run', 'digits', '-i', 'x', 'y', '-o', 'y.npy'], '--output takes the result of one --input'],
  [['run', 'digits', '-i', '-', '-o', '-', '--json'], 'both want standard output'],
  [['run', 'digits', '-i', '-', '-'], "'-' can be read only once"],
  [['run', 'resnet81', '-i', 'x'], "no model named 'resnet81' (did you mean 'resnet18'?)"],
  [['bench'], 'name one thing to time'],
  [['bench', 'digits', '--layer', 'ReLU()'], 'name one thing to time'],
  [['bench', '--layer', 'ReLU()'], '--layer needs --input-shape'],
  [['bench', '--layer', 'Conv2d(1)', '--input-shape', '1,1,8,8'], "--layer 'Conv2d(1)'"],
  [['bench', 'digits', '--input-shape', '1,x'], 'such as 1,3,224,224'],
  [['bench', 'digits', '--seconds', '0'], 'it must be a number above 0'],
  [['bench', 'digits', '--threads', '-1'], 'from 1 to 1024'],
  [['bench', 'digits', '--isa', 'avx1024'], '--isa: '],
  [['summary', 'digits', '--html', 'x', '--json'], 'leave one out'],
  [['summary', 'digits', '--input-shape', '1,3,9,9'], '--input-shape: '],
  [['report', 'digits'], "required option '-i, --input <file>' not specified"],
  [['report', 'digits', '-i', 'x', '-o', '-', '--json'], 'both want standard output'],
  [['plot', 'digits', '--layer', 'featurs.4'], "(did you mean 'features.4'?)"],
  [['plot', 'digits', '--layer', 'features.1'], 'is no convolution; digits has features.0'],
  [['plot', 'digits', '--channel', '1'], 'channel must be from 0 to 0'],
  [['plot', 'digits', '--channel', 'red'], "'rgb' or 'mean'"],
  [['plot', 'digits', '--colormap', 'jet'], 'Allowed choices are gray, viridis'],
  [['plot', 'digits', '--features'], '--features needs --input'],
  [['plot', 'digits', '--input', 'x'], '--input is for --features'],
  [['plot', 'digits', '-o', 'x.gif'], '--output must end in .png or .svg'],
])('%j is wrong use', async (args, reason) => {
  const [code, message] = await failure(args);
  expect(code).toBe(2);
  expect(message).toContain(reason);
  expect(message).toMatch(/; see nnconv (\w+ )?--help\n$/);
});

test('NNCONV_DEBUG=1 adds the stack, and that of the cause', async () => {
  const { code, stderr } = await program.run(['run', 'digits', '-i', 'no.png'], {
    env: { NNCONV_DEBUG: '1' },
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^nnconv: there is no file 'no\.png'; check the path\nError: ENOENT/);
});

describe('where the output goes', () => {
  test('nobody reads stdout', async () => {
    const child = program.start(['summary', 'digits']);
    child.stdout!.destroy();
    let errors = '';
    child.stderr!.on('data', (chunk) => (errors += String(chunk)));
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect([code, errors]).toEqual([0, '']);
  });

  test('colours: none in a pipe, FORCE_COLOR brings them, NO_COLOR wins', async () => {
    const coloured = async (env: Record<string, string>) =>
      (await program.run(['info'], { env })).stdout.includes('\x1b[');
    expect(await coloured({ CI: '1' })).toBe(false);
    expect(await coloured({ FORCE_COLOR: '1' })).toBe(true);
    expect(await coloured({ FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
  });

  test('Ctrl-C', async () => {
    // It waits for standard input, after a note that tells us so.
    const child = program.start(['run', 'squeezenet1_1', '-i', '-']);
    child.stderr!.once('data', () => child.kill('SIGINT'));
    const ended = await new Promise((resolve) => {
      child.on('close', (code, signal) => resolve([code, signal]));
    });
    expect(ended).toEqual([130, null]);
  });
});

describe('what is loaded', () => {
  const loadedBy = (code: string): string[] => {
    const script = `process.on('exit', () => process.stderr.write(Object.keys(require.cache).join('\\n')));${code}`;
    const { stderr } = spawnSync(process.execPath, ['-e', script], {
      cwd: program.file('.'),
      encoding: 'utf8',
    });
    return stderr.split('\n').map((file) => file.split(/node_modules\/|dist\//).at(-1)!);
  };

  test('nnconv itself needs none of the packages', () => {
    const loaded = loadedBy("require('./dist')");
    expect(loaded).toContain('index.js');
    expect(
      loaded.filter((file) => /commander|picocolors|cli-|pngjs|jpeg-js|fastify/.test(file)),
    ).toEqual([]);
  });

  test('the version needs neither the addon nor a command', () => {
    const loaded = loadedBy("process.argv.push('x', '--version');require('./dist/cli/main.js')");
    expect(loaded).toContain('cli/program.js');
    expect(loaded.filter((file) => /\.node$|^nn\/|^cli\/commands\/|cli-table3/.test(file))).toEqual(
      [],
    );
  });
});

describe('info', () => {
  test('--json', async () => {
    const { code, stdout } = await program.run(['info', '--json', '--peak'], {
      env: { NNCONV_ISA: 'baseline' },
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      version,
      isa: 'baseline',
      threads: expect.any(Number),
      threadsReason: expect.any(String),
      node: process.versions.node,
      peakGflops: expect.any(Number),
    });
  });

  test('text', async () => {
    const { stdout } = await program.run(['info']);
    expect(stdout).toMatch(new RegExp(`^nnconv +${version}\n`));
    expect(stdout).toMatch(/^threads +\d+ \(.+\)$/m);
  });

  test('an instruction set that is none fails in one line', async () => {
    const [code, message] = await failure(['info'], { NNCONV_ISA: 'mmx' });
    expect(code).toBe(1);
    expect(message).toContain('NNCONV_ISA');
  });
});

describe('bench', () => {
  const quick = ['--seconds', '0.01', '--json'];
  const bench = async (...args: string[]) => {
    const { code, stdout, stderr } = await program.run(['bench', ...args, ...quick]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout);
  };
  const timing = {
    median: expect.any(Number),
    low: expect.any(Number),
    high: expect.any(Number),
    calls: expect.any(Number),
    gflops: expect.any(Number),
    percentOfPeak: expect.any(Number),
  };

  test('a model, compiled and not', async () => {
    const found = await bench(
      'digits',
      '--eager',
      '--profile',
      '--batch',
      '2',
      '--isa',
      'baseline',
    );
    expect(found).toMatchObject({
      name: 'digits',
      inputShape: [2, 1, 28, 28],
      isa: 'baseline',
      timings: [
        { how: 'compiled', ...timing },
        { how: 'eager', ...timing },
      ],
    });
    expect(Object.values<number>(found.algorithms).reduce((a, b) => a + b)).toBe(3);
    expect(found.steps.map((step: any) => step.seconds)).not.toContain(undefined);
  });

  test('a layer', async () => {
    const layer = ['--layer', 'Conv2d(8, 8, 3, padding=1)', '--input-shape', '1,8,16,16'];
    expect(await bench(...layer, '--threads', '1')).toMatchObject({
      name: 'Conv2d(8, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))',
      threads: 1,
      timings: [{ how: 'eager', ...timing }],
      reason: expect.any(String),
    });
  });

  test('text', async () => {
    const { stdout } = await program.run(['bench', 'digits', '--seconds', '0.01']);
    expect(stdout).toMatch(/^digits, input \(1, 1, 28, 28\)\n/);
    expect(stdout).toMatch(/^compiled( +[\d.]+){2} to( +[\d.]+){4}$/m);
    expect(stdout).toMatch(/^algorithms: /m);
  });
});
