/** Damaged files, and files that hold what is not loaded, are refused; nothing is run. */
import { existsSync } from 'node:fs';
import path from 'node:path';

import { load, loadAsync } from '../../lib';
import { thrownBy } from '../support/errors';
import { folder, namesOf, readRows } from './support/corpus';
import { damaged } from './support/damaged';
import { expectCleanPrototypes } from './support/prototypes';

interface Row {
  file: string;
  says: string;
}

const rows = readRows<Row>('bad');
const CODED = { name: 'RangeError', code: 'ERR_NNCONV_CHECKPOINT' };

test('there are enough of them, each with a reason', () => {
  expect(rows.length + damaged.length).toBeGreaterThanOrEqual(80);
  expect(rows.map(({ file }) => file).sort()).toEqual(namesOf('bad'));
  expect(new Set(damaged.map(({ name }) => name)).size).toBe(damaged.length);
});

afterEach(expectCleanPrototypes);

test.each(rows)('$file', async ({ file, says }) => {
  const source = path.join(folder('bad'), file);
  const error = thrownBy(() => load(source));
  expect(error).toMatchObject(CODED);
  expect(error.message).toMatch(`can't load '`);
  expect(error.message).toMatch(new RegExp(says));
  await expect(loadAsync(source)).rejects.toMatchObject({ ...CODED, message: error.message });
});

test('none of them was run', () => expect(existsSync('pwned')).toBe(false));

test.each(damaged)('$name', ({ make, says }) => {
  const error = thrownBy(() => load(make()));
  expect(error.message).toMatch(says);
  expect(error).toMatchObject(CODED);
  expect(error.message.length).toBeLessThan(1000);
});
