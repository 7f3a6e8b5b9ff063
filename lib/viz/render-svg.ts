/** Scene -> SVG. */
import { encodePng } from '../image';
import { ADVANCE, ASCENT, FONT_SIZE } from './font';
import { type Role, type Scene, type Shape, type Theme, THEMES } from './scene';

const FONT = 'ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace';

/**
 * Writes a scene as one `<svg>` that needs nothing else. 'auto' follows the reader's preference for
 * light or dark.
 */
export function toSvg(scene: Scene, theme: Theme | 'auto'): string {
  const { width, height, title, description } = scene;
  const body = scene.groups.map(
    (group) =>
      `<g>${group.title === '' ? '' : `<title>${escape(group.title)}</title>`}` +
      `${group.shapes.map(shapeElement).join('')}</g>`,
  );
  const content = body.join('\n');
  // Several pictures may end up in one page, whose ids and styles they share.
  const id = `nnconv-${hash(`${theme} ${title} ${description} ${content}`)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" id="${id}" width="${width}" height="${height}" ` +
      `viewBox="0 0 ${width} ${height}" role="img" ` +
      `aria-labelledby="${id}-title" aria-describedby="${id}-desc" ` +
      `font-family="${FONT}" font-size="${FONT_SIZE}">`,
    `<title id="${id}-title">${escape(title)}</title>`,
    `<desc id="${id}-desc">${escape(description)}</desc>`,
    `<style>${style(id, theme)}</style>`,
    `<rect class="background" width="${width}" height="${height}"/>`,
    content,
    '</svg>',
    '',
  ].join('\n');
}

const ROLES = Object.keys(THEMES.light) as (keyof typeof THEMES.light)[];

function style(id: string, theme: Theme | 'auto'): string {
  const rules = (name: Theme) =>
    ROLES.map((role) => `#${id} .${role}{${paint(role, THEMES[name][role])}}`).join('');
  const fixed =
    `#${id} image{image-rendering:pixelated}` +
    `#${id} polyline{stroke-linejoin:round;stroke-linecap:round}`;
  if (theme !== 'auto') return fixed + rules(theme);
  return `${fixed}${rules('light')}@media (prefers-color-scheme: dark){${rules('dark')}}`;
}

function paint(role: Role | 'background', color: string): string {
  // Lines and frames have no inside; dots and texts no outline.
  return `fill:${color};stroke:${role === 'frame' || role === 'line' ? color : 'none'}`;
}

function shapeElement(shape: Shape): string {
  switch (shape.kind) {
    case 'raster': {
      const { x, y, cell, pixels } = shape;
      const data = encodePng(pixels).toString('base64');
      return (
        `<image x="${x}" y="${y}" width="${cell * pixels.width}" height="${cell * pixels.height}" ` +
        `preserveAspectRatio="none" href="data:image/png;base64,${data}"/>`
      );
    }
    case 'text': {
      const { x, y, text, anchor, role } = shape;
      if (text === '') return '';
      // The length keeps a label in its place whatever font there is.
      return (
        `<text class="${role}" x="${x}" y="${y + ASCENT}"` +
        `${anchor === 'end' ? ' text-anchor="end"' : ''} textLength="${text.length * ADVANCE}" ` +
        `lengthAdjust="spacingAndGlyphs">${escape(text)}</text>`
      );
    }
    case 'frame': {
      const { x, y, width, height, role } = shape;
      return (
        `<rect class="${role}" x="${x - 0.5}" y="${y - 0.5}" width="${width + 1}" ` +
        `height="${height + 1}" style="fill:none"/>`
      );
    }
    case 'line': {
      const points = shape.points.map(({ x, y }) => `${decimal(x)},${decimal(y)}`).join(' ');
      return `<polyline class="${shape.role}" points="${points}" stroke-width="${shape.width}" style="fill:none"/>`;
    }
    case 'dot': {
      const { x, y } = shape.center;
      return `<circle class="${shape.role}" cx="${decimal(x)}" cy="${decimal(y)}" r="${shape.radius}" style="stroke:none"/>`;
    }
  }
}

function decimal(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function escape(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      // What XML 1.0 can't hold at all.
      // eslint-disable-next-line no-control-regex
      .replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu, '?')
  );
}

/** FNV-1a, in hexadecimal. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return (value >>> 0).toString(16).padStart(8, '0');
}
