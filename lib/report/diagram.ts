/** Boxes and arrows as SVG, laid out by dagre. */
import { Graph, layout } from '@dagrejs/dagre';

import { escapeHtml } from '../html';
import type { StepKind } from './operations';

export interface Box {
  readonly id: string;
  readonly kind: StepKind | 'group' | 'port';
  /** The first is the title. */
  readonly lines: readonly string[];
  /** Its part of the time of a run, 0 to 1. */
  readonly share: number;
  /** Where a click leads. */
  readonly href?: string;
  /** The frame that it is in. */
  readonly cluster?: string;
}

export interface Cluster {
  readonly id: string;
  readonly title: string;
  readonly within?: string;
}

export interface Diagram {
  /** Unique in the page. */
  readonly id: string;
  readonly label: string;
  readonly boxes: readonly Box[];
  readonly edges: readonly (readonly [from: string, to: string])[];
  readonly clusters: readonly Cluster[];
}

const CHARACTER = 6.7;
const TITLE_CHARACTER = 7.4;
const LINE = 16;
const PADDING = 10;
const MOST_CHARACTERS = 40;
const MARGIN = 12;
const CLUSTER_TITLE = 18;
/** With more edges than that for each box, those that a longer way stands for are left out. */
const MOST_EDGES_PER_BOX = 2.5;

function clip(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 1)}…` : text;
}

function sizeOf({ lines }: Box): { width: number; height: number } {
  const [title, ...others] = lines.map(clip);
  const widths = others.map((line) => line.length * CHARACTER);
  const width = Math.max(title.length * TITLE_CHARACTER, ...widths) + 2 * PADDING;
  return { width: Math.ceil(Math.max(84, width)), height: lines.length * LINE + 2 * PADDING - 4 };
}

/** The edges that no way over other boxes stands for. `order` has every box before those it leads to. */
function withoutShortcuts(
  order: readonly string[],
  edges: Diagram['edges'],
): readonly (readonly [string, string])[] {
  const next = new Map<string, Set<string>>(order.map((id) => [id, new Set()]));
  for (const [from, to] of edges) next.get(from)!.add(to);
  const position = new Map(order.map((id, i) => [id, i]));
  const reached = new Map<string, Set<string>>();
  const kept: [string, string][] = [];
  for (const from of [...order].reverse()) {
    const all = new Set<string>();
    const targets = [...next.get(from)!].sort((a, b) => position.get(a)! - position.get(b)!);
    for (const to of targets) {
      if (!all.has(to)) kept.push([from, to]);
      all.add(to);
      for (const further of reached.get(to) ?? []) all.add(further);
    }
    reached.set(from, all);
  }
  return kept;
}

interface Point {
  x: number;
  y: number;
}

const number = (value: number): string => String(Math.round(value * 10) / 10);

/** A curve that goes by the points. */
function curve(points: readonly Point[]): string {
  const at = ({ x, y }: Point): string => `${number(x)} ${number(y)}`;
  const parts = [`M${at(points[0])}`];
  for (let i = 1; i < points.length - 1; i++) {
    const [a, b] = [points[i], points[i + 1]];
    const last = i === points.length - 2;
    parts.push(`Q${at(a)} ${at(last ? b : { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 })}`);
  }
  if (points.length === 2) parts.push(`L${at(points[1])}`);
  return parts.join('');
}

function drawBox(
  box: Box,
  { x, y, width, height }: Point & { width: number; height: number },
): string {
  const [left, top] = [x - width / 2, y - height / 2];
  const rect =
    `x="${number(left)}" y="${number(top)}" width="${number(width)}" height="${number(height)}" ` +
    `rx="${box.kind === 'port' ? number(height / 2) : 7}"`;
  const stacked =
    box.kind === 'group'
      ? `<rect class="box group under" x="${number(left + 4)}" y="${number(top + 4)}" ` +
        `width="${number(width)}" height="${number(height)}" rx="7"/>`
      : '';
  const bar =
    box.share > 0
      ? `<rect class="time" x="${number(left + 8)}" y="${number(top + height - 6)}" ` +
        `width="${number(Math.max(1.5, box.share * (width - 16)))}" height="3" rx="1.5"/>`
      : '';
  const texts = box.lines
    .map((line, i) => {
      const cls = i === 0 ? ' class="title"' : '';
      return `<text${cls} x="${number(x)}" y="${number(top + PADDING + 9 + i * LINE)}">${escapeHtml(clip(line))}</text>`;
    })
    .join('');
  const body =
    `<title>${escapeHtml(box.lines.join('\n'))}</title>${stacked}` +
    `<rect class="box ${box.kind}" ${rect}/>${bar}${texts}`;
  return box.href === undefined
    ? `<g>${body}</g>`
    : `<a href="${escapeHtml(box.href)}">${body}</a>`;
}

/** An `<svg>` of its own size; `hidden` edges were left out as shortcuts. */
export function drawDiagram(diagram: Diagram): { svg: string; hidden: number } {
  const { id, label, boxes, clusters } = diagram;
  const edges =
    diagram.edges.length > MOST_EDGES_PER_BOX * boxes.length
      ? withoutShortcuts(
          boxes.map((box) => box.id),
          diagram.edges,
        )
      : diagram.edges;

  const graph = new Graph({ compound: true });
  graph.setGraph({ rankdir: 'TB', nodesep: 22, ranksep: 26, marginx: MARGIN, marginy: MARGIN });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const cluster of clusters) graph.setNode(cluster.id, {});
  for (const box of boxes) graph.setNode(box.id, sizeOf(box));
  for (const { id: child, within } of clusters) if (within) graph.setParent(child, within);
  for (const { id: child, cluster } of boxes) if (cluster) graph.setParent(child, cluster);
  for (const [from, to] of edges) graph.setEdge(from, to);
  layout(graph);

  type Placed = Point & { width: number; height: number };
  const place = (name: string): Placed => graph.node(name) as Placed;
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const frames = clusters.map((cluster) => {
    const { x, y, width: w, height: h } = place(cluster.id);
    const [left, top] = [x - w / 2, y - h / 2];
    return (
      `<g><rect class="cluster" x="${number(left)}" y="${number(top)}" width="${number(w)}" ` +
      `height="${number(h)}" rx="9"/><text class="caption" x="${number(left + 8)}" ` +
      `y="${number(top + CLUSTER_TITLE - 4)}">${escapeHtml(clip(cluster.title))}</text></g>`
    );
  });
  const arrows = edges.map(([from, to]) => {
    const { points } = graph.edge(from, to) as { points: Point[] };
    return `<path class="edge" marker-end="url(#${id}-arrow)" d="${curve(points)}"/>`;
  });
  const drawn = boxes.map((box) => drawBox(box, place(box.id)));
  const [w, h] = [Math.ceil(width), Math.ceil(height + 4)];
  const svg =
    `<svg class="diagram" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" role="group" ` +
    `aria-label="${escapeHtml(label)}"><defs><marker id="${id}-arrow" viewBox="0 0 8 8" refX="7" refY="4" ` +
    `markerWidth="7" markerHeight="7" orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>\n` +
    `${[...frames, ...arrows, ...drawn].join('\n')}\n</svg>`;
  return { svg, hidden: diagram.edges.length - edges.length };
}
