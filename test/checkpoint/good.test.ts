/** Files as PyTorch and safetensors write them give what these read from them. */
import path from 'node:path';

import { type CheckpointValue, load, loadAsync } from '../../lib';
import { bytesOf, folder, namesOf, readRows } from './support/corpus';
import { describeValue } from './support/describe';

interface Row {
  file: string;
  value: unknown;
}

const rows = readRows<Row>('good');
const inOrder = (value: unknown) => value;

/** safetensors has no order of its own. */
function byName(value: unknown): unknown {
  const [kind, items] = value as [string, [string, unknown][]];
  return [kind, [...items].sort(([a], [b]) => (a < b ? -1 : 1))];
}

test('there are enough of them, each with an expected value', () => {
  expect(rows.length).toBeGreaterThanOrEqual(60);
  expect(rows.map(({ file }) => file).sort()).toEqual(namesOf('good'));
});

describe.each(rows)('$file', ({ file, value }) => {
  const order = file.endsWith('.safetensors') && !file.startsWith('zip-') ? byName : inOrder;
  const check = (loaded: CheckpointValue) =>
    expect(order(describeValue(loaded, value))).toEqual(order(value));

  test('from its path', () => check(load<CheckpointValue>(path.join(folder('good'), file))));
  test('from its bytes', () => check(load<CheckpointValue>(bytesOf('good', file))));
  test('without blocking', async () => {
    check(await loadAsync<CheckpointValue>(path.join(folder('good'), file)));
  });
});
