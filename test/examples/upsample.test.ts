import * as path from 'node:path';
import { outputOf, root, runExample } from '../support/example';

const picture = path.join(root, 'examples', 'assets', 'coffee.png');

describe('examples/upsample.ts', () => {
  test.each([3, 4])('interpolates as the layers for that do, %i times', (factor) => {
    const stdout = outputOf('upsample.ts', picture, String(factor));
    for (const layer of ['UpsamplingBilinear2d', 'Upsample']) {
      const [, difference] = new RegExp(`^${layer} differs by at most (\\S+)`, 'm').exec(stdout)!;
      expect(Number(difference)).toBeLessThan(1e-6);
    }
    expect(stdout).toContain(`: ${383 * factor + 1}x${255 * factor + 1}\n`);
    expect(stdout).toContain(`: ${384 * factor}x${256 * factor}\n`);
  });

  test('refuses other factors', () => {
    const { status, stderr } = runExample('upsample.ts', picture, '1.5');
    expect(status).toBe(1);
    expect(stderr).toBe('upsample: the factor must be a whole number from 2 to 8, got 1.5\n');
  });
});
