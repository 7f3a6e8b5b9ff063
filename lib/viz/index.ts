/** `nnconv/viz`: see what the network sees. */
export type { Colormap } from './colormap';
export type { AnyConv } from './convolutions';
export { type FeatureMapOptions, featureMaps } from './feature-maps';
export { type GridOptions, makeGrid } from './grid';
export { Image, type PngOptions, type SvgOptions, type TerminalOptions } from './image';
export { type KernelOptions, kernels } from './kernels';
export { saveImage, type SaveOptions, toImage } from './save';
export type { Theme } from './scene';
