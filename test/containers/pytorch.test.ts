/** Containers name, print and change their modules as PyTorch's, and load state dicts so. */
import { inspect } from 'node:util';

import { type nn, zeros } from '../../lib';
import { expectRejected, thrownBy } from '../support/errors';
import { readFixture } from '../support/json';
import { build, change, type Step, type Tree } from './build';

interface Described {
  text: string;
  state: string[];
  parameters: string[];
  buffers: string[];
  modules: string[];
  children: string[];
  count: number | null;
}

interface Load {
  tree: Tree;
  drop: string;
  extra: string[];
  error: string;
}

type Row = { tree: Tree; steps: Step[] } & (Described | { rejected: string });

const rows = readFixture<Row | Load>('containers.json');
const names = (pairs: Iterable<[string, unknown]>) => Array.from(pairs, ([name]) => name);
const title = (row: Row) => JSON.stringify(row.steps.length > 0 ? row.steps : row.tree);
const changed = (row: Row) => row.steps.reduce(change, build(row.tree));

const good = rows.filter((row) => 'text' in row);
test.each(good.map((row) => [title(row), row] as const))('%s', (_, row) => {
  const module = changed(row);
  expect(String(module)).toBe(row.text);
  expect(inspect(module)).toBe(row.text);
  expect(Object.keys(module.stateDict())).toEqual(row.state);
  expect(names(module.namedParameters())).toEqual(row.parameters);
  expect(names(module.namedBuffers())).toEqual(row.buffers);
  expect(names(module.namedModules())).toEqual(row.modules);
  expect(names(module.namedChildren())).toEqual(row.children);
  if (row.count !== null) {
    const { length, size = length } = module as nn.Sequential & { size?: number };
    expect(size).toBe(row.count);
  }
  for (const name of row.modules) {
    expect(new Map(module.namedModules()).get(name)).toBe(module.getSubmodule(name));
  }
});

const rejected = rows.filter((row) => 'rejected' in row);
test.each(rejected.map((row) => [title(row), row] as const))('%s is rejected', (_, row) => {
  expectRejected(() => changed(row), /range|there is no|name|already/, 'ERR_NNCONV_ARG_VALUE');
});

const loads = rows.filter((row) => 'error' in row);
test.each(loads.map((row) => [row.error, row] as const))('%s', (_, row) => {
  const module = build(row.tree);
  const kept = Object.entries(module.stateDict()).filter(([key]) => !RegExp(row.drop).test(key));
  const state = Object.fromEntries([...kept, ...row.extra.map((key) => [key, zeros([2])])]);
  expect(thrownBy(() => module.loadStateDict(state)).message).toBe(row.error);
});
