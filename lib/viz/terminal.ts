/** Figure -> text for a terminal: half blocks in true colour, or plain ASCII. */
import type { Pixels } from '../image';
import { type Curve, type Figure, isCurve, type Panel } from './figure';
import { position } from './range';

export interface TerminalOptions {
  /** Whether to use colours and half blocks. Default: if stdout is a terminal and NO_COLOR isn't set. */
  color: boolean;
  /** Characters in a line. */
  columns: number;
}

const GAP = 2;
/** Characters across a panel that has others beside it, and one that hasn't. */
const MANY_WIDTH = 28;
const CURVE_ROWS = 6;
/** From little ink to much; on a dark terminal, from dark to light. */
const RAMP = ' .:-=+*#%@';

/** A piece of text and how many characters of it show. */
interface Piece {
  readonly text: string;
  readonly width: number;
}

export function toTerminal(figure: Figure, { color, columns }: TerminalOptions): string {
  const many = figure.panels.length > 1;
  const widest = Math.max(1, many ? Math.min(MANY_WIDTH, columns) : columns);
  const blocks = figure.panels.map((panel) => block(panel, widest, color));
  const width = Math.max(...blocks.flat().map((piece) => piece.width));
  const fit = Math.max(1, Math.floor((columns + GAP) / (width + GAP)));
  const across = Math.min(figure.columns, fit);
  const lines = [figure.title, figure.note].filter((line) => line !== '');
  for (let start = 0; start < blocks.length; start += across) {
    if (lines.length > 0) lines.push('');
    lines.push(...beside(blocks.slice(start, start + across), width));
  }
  return `${lines.join('\n')}\n`;
}

/** Blocks next to each other, each padded to `width`. */
function beside(blocks: readonly Piece[][], width: number): string[] {
  const height = Math.max(...blocks.map((block) => block.length));
  return Array.from({ length: height }, (_, row) => {
    const cells = blocks.map((block) => block[row] ?? { text: '', width: 0 });
    const padded = cells.map(({ text, width: own }) => text + ' '.repeat(width - own));
    return padded.join(' '.repeat(GAP)).trimEnd();
  });
}

function block(panel: Panel, widest: number, color: boolean): Piece[] {
  const { content, label, low, high } = panel;
  const picture = isCurve(content) ? plot(content, widest) : shades(content, widest, color);
  const range = low === '' && high === '' ? '' : `${low} .. ${high}`;
  return [plain(label, widest), ...picture, plain(range, widest)].filter(({ width }) => width > 0);
}

function plain(text: string, widest: number): Piece {
  const shown = text.slice(0, widest);
  return { text: shown, width: shown.length };
}

/** How many characters wide: a small picture is enlarged by whole numbers, a large one reduced. */
function widthFor(pixels: number, widest: number): number {
  const wanted = pixels <= 4 ? 4 : pixels <= 8 ? 2 : 1;
  return Math.min(pixels * Math.max(1, Math.min(wanted, Math.floor(widest / pixels))), widest);
}

function shades(pixels: Pixels, widest: number, color: boolean): Piece[] {
  const width = widthFor(pixels.width, widest);
  const height = Math.max(1, Math.round((width * pixels.height) / pixels.width));
  const small = resample(pixels, width, height);
  return Array.from({ length: Math.ceil(height / 2) }, (_, row) => ({
    text: color ? halfBlocks(small, 2 * row) : characters(small, 2 * row),
    width,
  }));
}

/** Each pixel is the mean of those it covers, or a copy of the one it is part of. */
function resample({ width, height, data }: Pixels, toWidth: number, toHeight: number): Pixels {
  const result = new Uint8Array(3 * toWidth * toHeight);
  for (let y = 0; y < toHeight; y++) {
    const [top, bottom] = covered(y, toHeight, height);
    for (let x = 0; x < toWidth; x++) {
      const [left, right] = covered(x, toWidth, width);
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let j = top; j < bottom; j++) {
          for (let i = left; i < right; i++) sum += data[3 * (j * width + i) + c];
        }
        result[3 * (y * toWidth + x) + c] = Math.round(sum / ((bottom - top) * (right - left)));
      }
    }
  }
  return { width: toWidth, height: toHeight, data: result };
}

function covered(index: number, to: number, from: number): [start: number, end: number] {
  const start = Math.floor((index * from) / to);
  return [start, Math.max(start + 1, Math.floor(((index + 1) * from) / to))];
}

function colorAt({ width, height, data }: Pixels, x: number, y: number): string | undefined {
  if (y >= height) return undefined;
  const at = 3 * (y * width + x);
  return `${data[at]};${data[at + 1]};${data[at + 2]}`;
}

const RESET = '\x1b[0m';

/** Two rows of pixels as one line: the upper one in front, the lower one behind. */
function halfBlocks(pixels: Pixels, row: number): string {
  let text = '';
  let before = '';
  for (let x = 0; x < pixels.width; x++) {
    const upper = colorAt(pixels, x, row);
    const lower = colorAt(pixels, x, row + 1);
    const code = `\x1b[38;2;${upper}${lower === undefined ? '' : `;48;2;${lower}`}m`;
    if (code !== before) text += code;
    before = code;
    text += '\u2580';
  }
  return text + RESET;
}

function characters({ width, height, data }: Pixels, row: number): string {
  return Array.from({ length: width }, (_, x) => {
    let light = 0;
    const rows = Math.min(2, height - row);
    for (let y = row; y < row + rows; y++) {
      const at = 3 * (y * width + x);
      light += (0.2989 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2]) / 255 / rows;
    }
    return RAMP[Math.max(0, Math.min(RAMP.length - 1, Math.floor(light * RAMP.length)))];
  }).join('');
}

/** A line plot of stars, with the zero line where it is in range. */
function plot({ values, range }: Curve, widest: number): Piece[] {
  const width = widthFor(values.length, widest);
  const rowOf = (value: number) =>
    CURVE_ROWS - 1 - Math.round(position(value, range) * (CURVE_ROWS - 1));
  const zero = range.low <= 0 && range.high >= 0 ? rowOf(0) : -1;
  const rows = Array.from({ length: CURVE_ROWS }, (_, row) =>
    new Array<string>(width).fill(row === zero ? '-' : ' '),
  );
  for (let x = 0; x < width; x++) {
    const value = values[Math.floor(((x + 0.5) * values.length) / width)];
    if (!Number.isNaN(value)) rows[rowOf(value)][x] = '*';
  }
  return rows.map((row) => ({ text: row.join(''), width }));
}
