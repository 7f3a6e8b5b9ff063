import * as fs from 'node:fs';
import * as path from 'node:path';
import { nn } from '../lib';

/** One row of `shapes/layers.json`: a layer of a published network and the input it meets there. */
export interface LayerCase {
  name: string;
  network: string;
  layer: LayerKind;
  /** inChannels, outChannels, kernelSize (the same in each dimension). */
  args: [number, number, number];
  options: { stride?: number; padding?: number; dilation?: number; groups?: number };
  input: number[];
}

const CLASSES = {
  Conv1d: nn.Conv1d,
  Conv2d: nn.Conv2d,
  Conv3d: nn.Conv3d,
  ConvTranspose1d: nn.ConvTranspose1d,
  ConvTranspose2d: nn.ConvTranspose2d,
  ConvTranspose3d: nn.ConvTranspose3d,
} as const;

export type LayerKind = keyof typeof CLASSES;
export type ConvLayer = InstanceType<(typeof CLASSES)[LayerKind]>;

/** The layers whose name contains `filter`. */
export function loadLayers(filter: string): LayerCase[] {
  const file = path.join(__dirname, 'shapes', 'layers.json');
  const all = JSON.parse(fs.readFileSync(file, 'utf8')) as LayerCase[];
  return all.filter(({ name }) => name.includes(filter));
}

export function build(layer: LayerCase): ConvLayer {
  return new CLASSES[layer.layer](...layer.args, layer.options);
}
