import * as fs from 'node:fs';
import * as path from 'node:path';
import { outputOf, root, temporaryFolder } from '../support/example';

describe('examples/tutorial.ts', () => {
  const folder = temporaryFolder();

  test('prints what PyTorch prints, line by line', () => {
    const fixture = path.join(root, 'test', 'fixtures', 'examples', 'tutorial.txt');
    const lines = outputOf('tutorial.ts', folder).split('\n');
    const printed = lines.filter((line) => !line.startsWith('written: '));
    expect(printed).toEqual(fs.readFileSync(fixture, 'utf8').split('\n'));
  });
});
