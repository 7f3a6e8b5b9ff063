/** Labelled panels in a grid, and how they are laid out. */
import type { Pixels } from '../image/pixels';
import { ADVANCE, ASCENT, textWidth } from './font';
import { position, type Range } from './range';
import type { Group, Point, Scene, Shape } from './scene';

/** Values over their index. */
export interface Curve {
  readonly values: readonly number[];
  /** What the vertical axis goes from and to. */
  readonly range: Range;
}

export interface Panel {
  /** Above the picture; '' for nothing. */
  readonly label: string;
  /** Below it, left and right; '' for nothing. */
  readonly low: string;
  readonly high: string;
  /** In words. */
  readonly title: string;
  readonly content: Pixels | Curve;
}

export interface Figure {
  /** '' for nothing but the panels: no margins either. */
  readonly title: string;
  /** Below the title. */
  readonly note: string;
  readonly description: string;
  /** Panels in a row. */
  readonly columns: number;
  /** Units a pixel of the panels. */
  readonly cell: number;
  readonly panels: readonly Panel[];
}

export function isCurve(content: Pixels | Curve): content is Curve {
  return 'values' in content;
}

const MARGIN = 12;
const GAP = 12;
const LINE = 13;
/** Between a picture and its labels. */
const LABEL_GAP = 4;
/** Titles may be so wide even if the panels are not. */
const MIN_WIDTH = 216;

const PLOT = { height: 56, inset: 6, least: 64, most: 160, step: 10, dots: 32 };

export function layOut(figure: Figure): Scene {
  const bare = figure.title === '';
  const margin = bare ? 0 : MARGIN;
  const cells = figure.panels.map((panel) => sizeOf(panel, figure.cell));
  // One size for all, so that rows and columns are even.
  const width = Math.max(...cells.map((cell) => cell.width));
  const height = Math.max(...cells.map((cell) => cell.height));
  const columns = Math.min(figure.columns, cells.length);
  const rows = Math.ceil(cells.length / columns);
  const inside = Math.max(columns * (width + GAP) - GAP, bare ? 0 : MIN_WIDTH);

  const header: Shape[] = [];
  let top = margin;
  for (const role of ['text', 'muted'] as const) {
    for (const text of wrap(role === 'text' ? figure.title : figure.note, inside)) {
      header.push({ kind: 'text', x: margin, y: top, text, anchor: 'start', role });
      top += LINE;
    }
  }
  if (header.length > 0) top += GAP - (LINE - ASCENT) + 2;

  const groups: Group[] = header.length > 0 ? [{ title: '', shapes: header }] : [];
  figure.panels.forEach((panel, i) => {
    const x = margin + (i % columns) * (width + GAP);
    const y = top + Math.floor(i / columns) * (height + GAP);
    groups.push({ title: panel.title, shapes: panelShapes(panel, cells[i], x, y, figure.cell) });
  });
  return {
    width: inside + 2 * margin,
    height: top + rows * (height + GAP) - GAP + margin,
    title: figure.title || figure.description,
    description: figure.description,
    groups,
  };
}

interface CellSize {
  readonly width: number;
  readonly height: number;
  readonly content: { readonly width: number; readonly height: number };
}

function sizeOf(panel: Panel, cell: number): CellSize {
  const { content, label, low, high } = panel;
  const inner = isCurve(content)
    ? {
        width: Math.max(PLOT.least, Math.min(PLOT.most, content.values.length * PLOT.step)),
        height: PLOT.height,
      }
    : { width: content.width * cell, height: content.height * cell };
  const below = low === '' && high === '' ? 0 : textWidth(low) + 2 * ADVANCE + textWidth(high);
  const text = (label === '' ? 0 : ASCENT + LABEL_GAP) + (below === 0 ? 0 : ASCENT + LABEL_GAP);
  return {
    width: Math.max(inner.width, textWidth(label), below),
    height: inner.height + text,
    content: inner,
  };
}

function panelShapes(panel: Panel, size: CellSize, x: number, y: number, cell: number): Shape[] {
  const { content, label, low, high } = panel;
  const shapes: Shape[] = [];
  if (label !== '') {
    shapes.push({ kind: 'text', x, y, text: label, anchor: 'start', role: 'text' });
    y += ASCENT + LABEL_GAP;
  }
  const { width, height } = size.content;
  const framed = label !== '' || isCurve(content);
  if (framed) shapes.push({ kind: 'frame', x, y, width, height, role: 'frame' });
  if (isCurve(content)) shapes.push(...curveShapes(content, x, y, width));
  else shapes.push({ kind: 'raster', x, y, cell, pixels: content });
  y += height + LABEL_GAP;
  // Under the picture, or as far right as the labels need.
  const right = Math.max(x + width, x + textWidth(low) + 2 * ADVANCE + textWidth(high));
  if (low !== '') shapes.push({ kind: 'text', x, y, text: low, anchor: 'start', role: 'muted' });
  if (high !== '') {
    shapes.push({ kind: 'text', x: right, y, text: high, anchor: 'end', role: 'muted' });
  }
  return shapes;
}

function curveShapes({ values, range }: Curve, x: number, y: number, width: number): Shape[] {
  const { height, inset } = PLOT;
  const across = (i: number) =>
    values.length === 1
      ? x + width / 2
      : x + inset + (i / (values.length - 1)) * (width - 2 * inset);
  const up = (value: number) => y + height - inset - position(value, range) * (height - 2 * inset);
  const shapes: Shape[] = [];
  if (range.low <= 0 && range.high >= 0) {
    const zero = Math.round(up(0)) + 0.5;
    const ends = [
      { x, y: zero },
      { x: x + width, y: zero },
    ];
    shapes.push({ kind: 'line', points: ends, width: 1, role: 'frame' });
  }
  // A value that is not a number leaves a gap.
  let run: Point[] = [];
  const finish = () => {
    if (run.length > 1) shapes.push({ kind: 'line', points: run, width: 1.5, role: 'line' });
    const dots = values.length <= PLOT.dots || run.length === 1;
    if (dots) {
      for (const center of run) shapes.push({ kind: 'dot', center, radius: 2, role: 'line' });
    }
    run = [];
  };
  values.forEach((value, i) => {
    if (Number.isNaN(value)) finish();
    else run.push({ x: across(i), y: up(value) });
  });
  finish();
  return shapes;
}

/** Lines of at most `width` units, broken at spaces; none for ''. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ').filter((part) => part !== '')) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(`${last} ${word}`) <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      const fits = Math.max(1, Math.floor(width / ADVANCE));
      for (let at = 0; at < word.length; at += fits) lines.push(word.slice(at, at + fits));
    }
  }
  return lines;
}
