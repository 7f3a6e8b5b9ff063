/** README.md: what its examples print, and where its figures come from. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { PNG } from 'pngjs';
import { root, temporaryFolder } from '../support/example';

const readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8');
const folder = temporaryFolder();

/** The block of JavaScript under a heading, run in a folder of its own. */
function run(heading: string): { code: string; stdout: string } {
  const [, section] = readme.split(`\n## ${heading}\n`);
  const [, code] = /^```js\n([\s\S]*?)^```/m.exec(section)!;
  const local = code
    .replace("'nnconv'", JSON.stringify(path.join(root, 'lib')))
    .replace("'nnconv/viz'", JSON.stringify(path.join(root, 'lib', 'viz')));
  const register = require.resolve('ts-node/register/transpile-only');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-r', register, '-e', local], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, TS_NODE_PROJECT: path.join(root, 'tsconfig.json') },
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return { code, stdout };
}

test('the example is ten lines, and prints what it says', () => {
  const { code, stdout } = run('Example');
  expect(code.split('\n').filter((line) => line !== '').length).toBeLessThanOrEqual(10);
  const said = [...code.matchAll(/^console\.log.*?; \/\/ (.*)$/gm)].map(([, text]) => text);
  expect(said).toHaveLength(3);
  expect(stdout).toBe(`${said.join('\n')}\n`);
});

test('what it shows of viz works', () => {
  const { stdout } = run('See what the network sees');
  expect(stdout).toMatch(/^ResNet /m);
  expect(stdout).toContain('Total params: 11,689,512');
  expect(PNG.sync.read(fs.readFileSync(path.join(folder, 'kernels.png'))).width).toBeGreaterThan(0);
  expect(fs.readFileSync(path.join(folder, 'layer4.svg'), 'utf8')).toMatch(/^<svg/);
});

/** The cells of each row of Markdown tables, by the first of them. */
function rows(text: string): Map<string, string[]> {
  const lines = text.split('\n').filter((line) => line.startsWith('|'));
  const cells = lines.map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim())); // prettier-ignore
  // A network has rows in two tables; the first one is that of times.
  return new Map(cells.reverse().map((row) => [row[0], row]));
}

describe('the table of speeds', () => {
  const [, section] = readme.split('\n## Speed\n');
  const [text] = section.split('\n## ');
  const [one, two, layers, layersTwo] = [...text.matchAll(/\]\((bench\/results\/[^)]+)\)/g)].map(
    ([, file]) => fs.readFileSync(path.join(root, file), 'utf8'),
  );
  const shown = [...rows(text)].filter(([name]) => !/^(network|---)/.test(name));

  test('has the figures of the files that it links', () => {
    expect(shown.length).toBeGreaterThanOrEqual(8);
    for (const [name, cells] of shown) {
      const figures = [one, two].flatMap((file) => {
        const [, , ms, , , , peer, , , , ratio] = rows(file).get(name)!;
        return [ms, peer, ratio];
      });
      expect(cells.slice(1)).toEqual(figures);
    }
  });

  test('and what it says of layers is theirs, losses included', () => {
    const all = (file: string): string[] => rows(file).get('all')!;
    const [, , , , , mean, least] = all(layers);
    expect(text).toContain(`${mean} times as fast`);
    expect(text).toContain(`(${least}\nat worst)`);
    expect(text).toContain(`[${all(layersTwo)[6]} at worst]`);
  });

  test('and the range in the list above is that of one thread', () => {
    const ratios = shown.map(([, cells]) => Number(cells[3]));
    const [, low, high] = /\[(\S+) to (\S+) times as fast as onnxruntime-node\]/.exec(readme)!;
    expect(Number(low)).toBe(Math.min(...ratios));
    expect(Number(high)).toBeCloseTo(Math.max(...ratios), 1);
  });
});
