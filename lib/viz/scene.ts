/** A picture as shapes, to be drawn as pixels (render-png) or written as SVG (render-svg). */
import type { Pixels } from '../image/pixels';

/** What something is, which with a theme gives its colour. */
export type Role = 'text' | 'muted' | 'frame' | 'line';

export type Theme = 'light' | 'dark';

export const THEMES: Readonly<Record<Theme, Readonly<Record<Role | 'background', string>>>> = {
  light: {
    background: '#ffffff',
    text: '#1f2328',
    muted: '#656d76',
    frame: '#d0d7de',
    line: '#0969da',
  },
  dark: {
    background: '#0d1117',
    text: '#e6edf3',
    muted: '#9198a1',
    frame: '#3d444d',
    line: '#4493f8',
  },
};

export interface Point {
  readonly x: number;
  readonly y: number;
}

export type Shape =
  /** RGB pixels, each a square of `cell` units. */
  | { kind: 'raster'; x: number; y: number; cell: number; pixels: Pixels }
  /** One line; `y` is the top of its capitals, `x` the end that `anchor` says. */
  | { kind: 'text'; x: number; y: number; text: string; anchor: 'start' | 'end'; role: Role }
  /** The outline of a rectangle, one unit wide, outside of it. */
  | { kind: 'frame'; x: number; y: number; width: number; height: number; role: Role }
  /** Connected points. */
  | { kind: 'line'; points: readonly Point[]; width: number; role: Role }
  | { kind: 'dot'; center: Point; radius: number; role: Role };

/** Shapes that belong together, with a text for a tooltip. */
export interface Group {
  readonly title: string;
  readonly shapes: readonly Shape[];
}

export interface Scene {
  readonly width: number;
  readonly height: number;
  /** The name and the description for those who don't see it. */
  readonly title: string;
  readonly description: string;
  readonly groups: readonly Group[];
}
