/** What the functions of this folder return: a picture that can be had in several forms. */
import { argValueError, show } from '../errors';
import { encodePng } from '../image';
import { boolean, integer, oneOf, optionsOf } from '../options';
import { type Figure, layOut } from './figure';
import { render } from './render-png';
import { toSvg } from './render-svg';
import type { Scene, Theme } from './scene';
import { toTerminal } from './terminal';

export interface PngOptions {
  /** Pixels a unit, 1 to 16; 2 is sharp on most screens. Default 2. */
  scale?: number;
  /** 'light' (default) or 'dark'. */
  theme?: Theme;
}

export interface SvgOptions {
  /** 'light' (default), 'dark', or 'auto' for what the reader's system prefers. */
  theme?: Theme | 'auto';
}

export interface TerminalOptions {
  /**
   * True colour, two pixels a character, or plain ASCII. Default: colour if stdout is a terminal, the
   * environment has no NO_COLOR and TERM isn't 'dumb'.
   */
  color?: boolean;
  /** Characters in a line, at least 1. Default: the terminal's width, or 80. */
  columns?: number;
}

export const PNG_OPTIONS = ['scale', 'theme'] as const satisfies readonly (keyof PngOptions)[];
export const SVG_OPTIONS = ['theme'] as const satisfies readonly (keyof SvgOptions)[];

const MAX_SCALE = 16;
/** More pixels than any screen has, and than anybody wants to wait for. */
const MAX_PIXELS = 2 ** 27;

/**
 * A labelled picture of kernels or feature maps, or a grid of pictures. The same picture gives the same
 * bytes, on every machine.
 */
export class Image {
  readonly #figure: Figure;
  #scene: Scene | undefined;

  /** @internal */
  constructor(figure: Figure) {
    this.#figure = figure;
  }

  get #laidOut(): Scene {
    return (this.#scene ??= layOut(this.#figure));
  }

  /** Units across; a unit is a pixel of an SVG at its own size, and of a PNG at scale 1. */
  get width(): number {
    return this.#laidOut.width;
  }

  /** Units down. */
  get height(): number {
    return this.#laidOut.height;
  }

  /** What it shows, in one line. */
  get title(): string {
    return this.#laidOut.title;
  }

  /** What it shows, in words: the description in an SVG. */
  get description(): string {
    return this.#figure.description;
  }

  /**
   * A PNG file in memory (a Buffer), `width * scale` by `height * scale` pixels.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE, also for more than 2^27
   *   pixels; TypeError ERR_NNCONV_UNKNOWN_OPTION
   */
  toPng(options?: PngOptions): Uint8Array {
    const { scale = 2, theme = 'light' } = optionsOf('toPng', options, PNG_OPTIONS);
    if (integer('scale', scale) < 1 || scale > MAX_SCALE) {
      throw argValueError(`scale must be from 1 to ${MAX_SCALE}, got ${show(scale)}`);
    }
    oneOf('theme', theme, ['light', 'dark']);
    const { width, height } = this.#laidOut;
    if (width * height * scale ** 2 > MAX_PIXELS) {
      throw argValueError(
        `the picture would have ${width * scale}x${height * scale} pixels, more than ${MAX_PIXELS}: ` +
          'show fewer panels, or choose a smaller scale',
      );
    }
    return encodePng(render(this.#laidOut, scale, theme));
  }

  /**
   * An SVG document that needs no other file: texts are texts, with a title and a description for
   * screen readers and a tooltip for each panel.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE; TypeError
   *   ERR_NNCONV_UNKNOWN_OPTION
   */
  toSvg(options?: SvgOptions): string {
    const { theme = 'light' } = optionsOf('toSvg', options, SVG_OPTIONS);
    return toSvg(this.#laidOut, oneOf('theme', theme, ['light', 'dark', 'auto'] as const));
  }

  /**
   * A preview for a terminal, lines ending with a line feed.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE, RangeError ERR_NNCONV_ARG_VALUE; TypeError
   *   ERR_NNCONV_UNKNOWN_OPTION
   */
  toTerminal(options?: TerminalOptions): string {
    const given = optionsOf('toTerminal', options, ['color', 'columns']);
    const { color = hasColor(), columns = process.stdout.columns || 80 } = given;
    if (integer('columns', columns) < 1) {
      throw argValueError(`columns must be at least 1, got ${show(columns)}`);
    }
    return toTerminal(this.#figure, { color: boolean('color', color), columns });
  }

  toString(): string {
    return `Image(${this.width}x${this.height}, ${this.title})`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

function hasColor(): boolean {
  const { NO_COLOR = '', TERM } = process.env;
  return Boolean(process.stdout.isTTY) && NO_COLOR === '' && TERM !== 'dumb';
}
