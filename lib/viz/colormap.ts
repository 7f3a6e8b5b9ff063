/** Numbers from 0 to 1 -> colours. */
import { TABLES } from './colormap-tables';

/**
 * matplotlib's colormaps of these names. `coolwarm` diverges: blue below zero, red above, a light gray
 * at zero, so its range is made symmetric around 0.
 */
export type Colormap = 'gray' | 'viridis' | 'magma' | 'coolwarm';

export const COLORMAPS: readonly Colormap[] = ['gray', 'viridis', 'magma', 'coolwarm'];

/** The colour of NaN, which no colormap has. */
export const NAN_COLOR = [255, 0, 255] as const;

const SIZE = 256;
const tables = new Map<Colormap, Uint8Array>();

/** 256 colours, three bytes each. */
export function tableOf(name: Colormap): Uint8Array {
  let table = tables.get(name);
  if (table === undefined) {
    table =
      name === 'gray'
        ? Uint8Array.from({ length: 3 * SIZE }, (_, i) => Math.floor(i / 3))
        : new Uint8Array(Buffer.from(TABLES[name], 'base64'));
    tables.set(name, table);
  }
  return table;
}

/** Whether the middle of the colormap stands for 0. */
export function diverges(name: Colormap): boolean {
  return name === 'coolwarm';
}

/** Writes the colour of `value`, cut to 0 and 1, to three places of `target`. */
export function writeColor(
  table: Uint8Array,
  value: number,
  target: { [index: number]: number },
  at: number,
  step = 1,
): void {
  const index = 3 * Math.max(0, Math.min(SIZE - 1, Math.floor(value * SIZE)));
  const nan = Number.isNaN(value);
  for (let c = 0; c < 3; c++) target[at + c * step] = nan ? NAN_COLOR[c] : table[index + c];
}
