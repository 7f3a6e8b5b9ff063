/** Scene -> RGB pixels. */
import type { Pixels } from '../image';
import { GLYPH_HEIGHT, GLYPH_WIDTH, ADVANCE, hasInk, textWidth } from './font';
import { type Point, type Scene, type Shape, type Theme, THEMES } from './scene';

/** Draws a scene, `scale` pixels a unit. The same scene gives the same pixels on every machine. */
export function render(scene: Scene, scale: number, theme: Theme): Pixels {
  const canvas = new Canvas(scene.width * scale, scene.height * scale, scale);
  const colors = THEMES[theme];
  canvas.fill(0, 0, scene.width, scene.height, parse(colors.background));
  for (const { shapes } of scene.groups) {
    for (const shape of shapes) draw(canvas, shape, colors);
  }
  return canvas;
}

type Color = readonly [red: number, green: number, blue: number];

function parse(hex: string): Color {
  const value = parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

function draw(canvas: Canvas, shape: Shape, colors: (typeof THEMES)[Theme]): void {
  switch (shape.kind) {
    case 'raster':
      return canvas.raster(shape.x, shape.y, shape.cell, shape.pixels);
    case 'text': {
      const start = shape.anchor === 'start' ? shape.x : shape.x - textWidth(shape.text);
      return canvas.text(start, shape.y, shape.text, parse(colors[shape.role]));
    }
    case 'frame': {
      const { x, y, width, height } = shape;
      const color = parse(colors[shape.role]);
      canvas.fill(x - 1, y - 1, width + 2, 1, color);
      canvas.fill(x - 1, y + height, width + 2, 1, color);
      canvas.fill(x - 1, y, 1, height, color);
      canvas.fill(x + width, y, 1, height, color);
      return;
    }
    case 'line': {
      const { points, width } = shape;
      const color = parse(colors[shape.role]);
      for (let i = 1; i < points.length; i++) {
        canvas.stroke(points[i - 1], points[i], width / 2, color);
      }
      return;
    }
    case 'dot':
      canvas.stroke(shape.center, shape.center, shape.radius, parse(colors[shape.role]));
  }
}

/** Takes units, has pixels. */
class Canvas implements Pixels {
  readonly data: Uint8Array;

  constructor(
    readonly width: number,
    readonly height: number,
    readonly scale: number,
  ) {
    this.data = new Uint8Array(3 * width * height);
  }

  fill(x: number, y: number, width: number, height: number, color: Color): void {
    const { scale, data } = this;
    const stride = 3 * this.width;
    const start = y * scale * stride + 3 * x * scale;
    const end = start + 3 * width * scale;
    for (let at = start; at < end; at += 3) {
      data[at] = color[0];
      data[at + 1] = color[1];
      data[at + 2] = color[2];
    }
    for (let row = 1; row < height * scale; row++) {
      data.copyWithin(start + row * stride, start, end);
    }
  }

  raster(x: number, y: number, cell: number, pixels: Pixels): void {
    const { width, height, data } = pixels;
    for (let i = 0; i < width * height; i++) {
      const color: Color = [data[3 * i], data[3 * i + 1], data[3 * i + 2]];
      this.fill(x + (i % width) * cell, y + Math.floor(i / width) * cell, cell, cell, color);
    }
  }

  text(x: number, y: number, text: string, color: Color): void {
    for (const character of text) {
      for (let row = 0; row < GLYPH_HEIGHT; row++) {
        for (let column = 0; column < GLYPH_WIDTH; column++) {
          if (hasInk(character, column, row)) this.fill(x + column, y + row, 1, 1, color);
        }
      }
      x += ADVANCE;
    }
  }

  /** What is nearer than `radius` to the line from `a` to `b`, with smooth edges. */
  stroke(a: Point, b: Point, radius: number, color: Color): void {
    const { scale, width, height, data } = this;
    const reach = radius * scale;
    const [ax, ay] = [a.x * scale, a.y * scale];
    const [dx, dy] = [(b.x - a.x) * scale, (b.y - a.y) * scale];
    const square = dx * dx + dy * dy;
    const left = Math.max(0, Math.floor(ax + Math.min(0, dx) - reach - 1));
    const right = Math.min(width - 1, Math.ceil(ax + Math.max(0, dx) + reach + 1));
    const top = Math.max(0, Math.floor(ay + Math.min(0, dy) - reach - 1));
    const bottom = Math.min(height - 1, Math.ceil(ay + Math.max(0, dy) + reach + 1));
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const [px, py] = [column + 0.5 - ax, row + 0.5 - ay];
        const along = square === 0 ? 0 : (px * dx + py * dy) / square;
        const nearest = Math.max(0, Math.min(1, along));
        const [ex, ey] = [px - nearest * dx, py - nearest * dy];
        // Math.hypot may differ in the last bit between versions; sqrt may not.
        const ink = Math.min(1, reach + 0.5 - Math.sqrt(ex * ex + ey * ey));
        if (ink <= 0) continue;
        const at = 3 * (row * width + column);
        for (let c = 0; c < 3; c++) {
          data[at + c] = Math.round(data[at + c] + ink * (color[c] - data[at + c]));
        }
      }
    }
  }
}
