/** The digits example: what a user sees. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { outputOf, root, runExample } from '../support/example';

const folder = path.join(root, 'examples', 'digits');

describe('examples/digits.ts', () => {
  test("classifies the pictures with PyTorch's logits", () => {
    const stdout = outputOf('digits.ts');
    expect(stdout).toContain('DigitNet(\n  (features): Sequential(\n    (0): Conv2d(1, 16, ');
    expect(stdout).toContain('accuracy: 40 of 40, 100.0 %');
    for (const file of ['model.pt', 'model.safetensors']) {
      const [, difference] = new RegExp(`^${file}: logits .* at most (\\S+)$`, 'm').exec(stdout)!;
      expect(Number(difference)).toBeLessThan(1e-4);
    }
  });

  test('classifies a picture that is given', () => {
    const stdout = outputOf('digits.ts', path.join(folder, 'pictures', '07-7.png'));
    expect(stdout).toMatch(/^7 +9\d\.\d %( +\d +\d\.\d %){9}\n$/);
  });

  test('takes pictures of other sizes', () => {
    const stdout = outputOf('digits.ts', path.join(root, 'examples', 'assets', 'coffee.png'));
    expect(stdout).toMatch(/^\d +\d+\.\d %/);
  });

  test('says what is wrong', () => {
    const { status, stderr } = runExample('digits.ts', 'no such file.png');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^demo: there is no file '.*no such file.png'; check the path\n$/);
  });
});

test('what is committed is below 2 MB', () => {
  const files = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
  const sizes = files
    .filter((entry) => entry.isFile())
    .map((entry) => fs.statSync(path.join(entry.parentPath, entry.name)).size);
  expect(sizes.length).toBeGreaterThanOrEqual(44);
  expect(sizes.reduce((a, b) => a + b)).toBeLessThan(2e6);
});
