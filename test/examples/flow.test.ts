import { outputOf } from '../support/example';

/** The rows of a table, as numbers: part, true u and v, those to find, those found. */
function rows(table: string): number[][] {
  return [...table.matchAll(/^\d( +-?\d\.\d{3}){6}$/gm)].map(([row]) =>
    row.split(/ +/).map(Number),
  );
}

describe('examples/flow.ts', () => {
  const speed = (u: number): number => Math.tan((u * Math.PI) / 16) / Math.tan(Math.PI / 16);

  test('finds the velocities that sampled waves have', () => {
    const [, clean, noisy] = outputOf('flow.ts').split('\nvideo ');
    const truth = [
      [1, 0],
      [-0.5, 0.75],
      [0, -2],
    ];
    const table = rows(clean);
    expect(table).toHaveLength(3);
    table.forEach(([, ...row], part) => {
      expect(row.slice(0, 2)).toEqual(truth[part]);
      truth[part].forEach((velocity, i) => expect(row[4 + i]).toBeCloseTo(speed(velocity), 3));
    });
    const [, difference] = /largest difference: (\S+)/.exec(clean)!;
    expect(Number(difference)).toBeLessThan(1e-5);

    const found = rows(noisy);
    expect(found).toHaveLength(3);
    found.forEach(([, , , u, v, foundU, foundV]) => {
      expect(Math.abs(foundU - u)).toBeLessThan(0.03);
      expect(Math.abs(foundV - v)).toBeLessThan(0.03);
    });
  });
});
