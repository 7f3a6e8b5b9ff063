import { expectClose } from '../support/close';
import { outputOf } from '../support/example';
import { readFixture } from '../support/json';

interface Expected {
  repr: string;
  logits: number[][];
}

describe('examples/residual.ts', () => {
  const [{ repr, logits }] = readFixture<Expected>('examples/residual.json');
  let stdout: string;
  beforeAll(() => {
    stdout = outputOf('residual.ts');
  });

  test('prints the network as PyTorch does', () => {
    expect(stdout.startsWith(`${repr}\n\n`)).toBe(true);
  });

  test("has PyTorch's logits", () => {
    const [, text] = /^logits: (.*)$/m.exec(stdout)!;
    expectClose(
      Float64Array.from((JSON.parse(text) as number[][]).flat()),
      logits.flat(),
      'logits',
      {},
    );
  });

  test('stays the same compiled, residual sums fused', () => {
    const [, difference] = /compiled differ by at most (\S+)$/m.exec(stdout)!;
    expect(Number(difference)).toBeLessThan(1e-6);
    expect(stdout.match(/^conv\+batchNorm\+add\+clamp /gm)).toHaveLength(3);
    expect(stdout).not.toMatch(/^(add|batchNorm|clamp)\b/m);
  });
});
