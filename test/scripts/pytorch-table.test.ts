/** docs/pytorch.md against the code, and against what torch.nn offers. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { nn } from '../../lib';
import { readFixture } from '../support/json';

type Row =
  { layer: string; parameters: string[] } | { module: 'functional' | 'init'; functions: string[] };

const rows = readFixture<Row>('signatures.json');
const page = fs.readFileSync(path.join(__dirname, '..', '..', 'docs', 'pytorch.md'), 'utf8');

const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());
const list = (cell: string): string[] => cell.split(',').map((name) => name.trim()).filter(Boolean); // prettier-ignore

function section(title: string): string {
  const [, text] = page.split(`\n## ${title}\n`);
  return text.split('\n## ')[0];
}

/** The cells of a section's table, without its head. */
function table(title: string): string[][] {
  const lines = section(title).split('\n').filter((line) => line.startsWith('|')); // prettier-ignore
  return lines.slice(2).map((line) => line.slice(1, -1).split('|').map((cell) => cell.trim())); // prettier-ignore
}

const CONTAINERS = ['ModuleDict', 'ModuleList', 'Sequential'];
type Layer = new (...args: unknown[]) => nn.Module;
const ours = Object.entries<unknown>(nn).filter(
  (entry): entry is [string, Layer] =>
    typeof entry[1] === 'function' &&
    entry[1].prototype instanceof nn.Module &&
    !CONTAINERS.includes(entry[0]),
);
const torch = new Map<string, string[]>();
for (const row of rows) if ('layer' in row) torch.set(row.layer, row.parameters.map(camel));

/** What a layer takes, from its constructor and from how it refuses an option. */
function signature(Layer: Layer): [string[], string[]] {
  const [, parameters] = /constructor\(([^)]*)\)/.exec(String(Layer))!;
  const names = list(parameters);
  if (names.at(-1) !== 'options') return [names.filter((name) => !name.startsWith('...')), []];
  const required = names.slice(0, -1);
  try {
    new Layer(...required.map(() => 2), { 'no such option': 1 });
  } catch (error) {
    const [, options] = /it takes (.*)$/.exec((error as Error).message)!;
    return [required, list(options)];
  }
  throw new Error('an unknown option was taken');
}

describe('docs/pytorch.md', () => {
  const layers = table('Layers').flatMap(([names, required, options, differs]) =>
    list(names).map((name) => ({
      name,
      required: list(required),
      options: list(options),
      differs,
    })),
  );

  test('has every layer there is, once', () => {
    const names = layers.map(({ name }) => name);
    expect([...names].sort()).toEqual(ours.map(([name]) => name).sort());
  });

  test.each(layers)('$name: what it takes, and what PyTorch takes', (row) => {
    const [, Layer] = ours.find(([name]) => name === row.name)!;
    const [required, options] = signature(Layer);
    expect(row.required).toEqual(required);
    expect([...row.options].sort()).toEqual([...options].sort());

    const taken = [...row.required, ...row.options];
    const parameters = torch.get(row.name)!;
    expect(taken.filter((name) => !parameters.includes(name))).toEqual([]);
    const lacking = parameters.filter((name) => !taken.includes(name));
    const [, named = ''] = /^lacks (.*)$/.exec(row.differs) ?? [];
    expect(lacking).toEqual(list(named));
  });

  test('has every function there is, under the name that PyTorch has for it', () => {
    const names = table('Functions').flatMap(([, functions]) => list(functions));
    expect([...names].sort()).toEqual(Object.keys(nn.functional).sort());
    const functional = rows.find((row) => 'module' in row && row.module === 'functional');
    const known = (functional as { functions: string[] }).functions.map(camel);
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });

  test('has every function of torch.nn.init', () => {
    const init = rows.find((row) => 'module' in row && row.module === 'init');
    // Without an underscore at the end they are deprecated.
    const wanted = (init as { functions: string[] }).functions
      .filter((name) => name.endsWith('_') || name === 'calculate_gain')
      .map(camel);
    const text = section('Functions');
    for (const name of wanted) {
      expect(Object.keys(nn.init)).toContain(name);
      expect(text).toContain(name);
    }
  });

  test('names nothing as missing that is there', () => {
    const [first] = section('Not there').split('the lazy layers');
    for (const [name] of ours) expect(first).not.toMatch(new RegExp(`\\b${name}\\b`));
  });
});
