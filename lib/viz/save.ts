/** Pictures to files. */
import fs from 'node:fs';
import path from 'node:path';

import { argTypeError, argValueError, quote, shapeError, pyList, show } from '../errors';
import { checkPath, type FileUrl } from '../file-path';
import { encodePng, type Pixels, toPixels } from '../image';
import { optionsOf } from '../options';
import { isTensor, type Tensor } from '../tensor';
import { GRID_OPTIONS, type GridOptions, makeGrid } from './grid';
import { Image, PNG_OPTIONS, type PngOptions, SVG_OPTIONS, type SvgOptions } from './image';

/** {@link GridOptions} for tensors; for an {@link Image}, those of its file format. */
export interface SaveOptions extends GridOptions, Omit<PngOptions, 'theme'>, SvgOptions {}

/**
 * Tensors laid out by `makeGrid` as an {@link Image}, to be shown as SVG or in a terminal: a pixel is a
 * unit. Values go from 0 to 1; what is beyond is clipped, and NaN is black.
 *
 * @throws as {@link makeGrid}; RangeError ERR_NNCONV_SHAPE unless there are 1 or 3 channels
 */
export function toImage(images: Tensor | readonly Tensor[], options?: GridOptions): Image {
  const pixels = gridPixels(images, options);
  const { width, height } = pixels;
  const count = isTensor(images) ? (images.ndim === 4 ? images.shape[0] : 1) : images.length;
  const what = count === 1 ? 'A picture' : `A grid of ${count} pictures`;
  const description = `${what}, ${width} by ${height} pixels.`;
  const panel = { label: '', low: '', high: '', title: '', content: pixels };
  return new Image({ title: '', note: '', description, columns: 1, cell: 1, panels: [panel] });
}

/**
 * Writes a picture to a file whose name ends with `.png` or `.svg`.
 *
 * Tensors go through `makeGrid` with the options given; a PNG of them has the pixels that torchvision's
 * `save_image` writes. An {@link Image} takes the options of `toPng` or `toSvg`.
 *
 * Follows https://docs.pytorch.org/vision/stable/generated/torchvision.utils.save_image.html
 *
 * @param file a path or a `file:` URL
 * @throws as {@link makeGrid}; RangeError ERR_NNCONV_ARG_VALUE for another ending; RangeError
 *   ERR_NNCONV_SHAPE for tensors that don't have 1 or 3 channels; the errors of `node:fs`
 */
export function saveImage(
  file: string | FileUrl,
  image: Image | Tensor | readonly Tensor[],
  options?: SaveOptions,
): void {
  const format = formatOf(file);
  fs.writeFileSync(file as fs.PathLike, encode(format, image, options));
}

function encode(
  format: 'png' | 'svg',
  image: Image | Tensor | readonly Tensor[],
  options: SaveOptions | undefined,
): Uint8Array | string {
  if (image instanceof Image) {
    if (format === 'png') {
      return image.toPng(optionsOf('saveImage to PNG', options as PngOptions, PNG_OPTIONS));
    }
    return image.toSvg(optionsOf<SvgOptions>('saveImage to SVG', options, SVG_OPTIONS));
  }
  if (!isTensor(image) && !Array.isArray(image)) {
    throw argTypeError(
      `image must be an Image, a Tensor or an array of Tensors, got ${show(image)}`,
    );
  }
  const grid = optionsOf<GridOptions>('saveImage of tensors', options, GRID_OPTIONS);
  return format === 'png' ? encodePng(gridPixels(image, grid)) : toImage(image, grid).toSvg();
}

function gridPixels(images: Tensor | readonly Tensor[], options?: GridOptions): Pixels {
  const grid = makeGrid(images, options);
  if (grid.shape[0] !== 3) {
    throw shapeError(
      `pictures must have 1 or 3 channels to be shown, but their grid has shape ${pyList(grid.shape)}`,
    );
  }
  return toPixels(grid);
}

function formatOf(file: string | FileUrl): 'png' | 'svg' {
  checkPath('file', file);
  const name = typeof file === 'string' ? file : file.pathname;
  const extension = path.extname(name).toLowerCase();
  if (extension === '.png' || extension === '.svg') return extension === '.png' ? 'png' : 'svg';
  throw argValueError(`file must end with .png or .svg, got ${quote(name)}`);
}
