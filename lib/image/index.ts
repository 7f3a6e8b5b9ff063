/** Pictures: files to and from tensors, and what a network wants done to them first. */
export { decodeImage, readImage } from './decode';
export type { Pixels } from './pixels';
export { encodePng, toPixels } from './png';
export { IMAGENET, preprocess, type Preprocessing } from './preprocess';
