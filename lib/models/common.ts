/** What the models share. */
import { argValueError, show } from '../errors';
import * as nn from '../nn';
import { number } from '../options';

/** Options of all classifiers of pictures. */
export interface ClassifierOptions {
  /** Size of the output. Default: 1000, ImageNet's classes. */
  numClasses?: number;
}

/** Options of networks that come in several widths. */
export interface WidthOptions {
  /** Multiplies the number of channels of every layer: below 1 for slim networks. Default: 1. */
  widthMult?: number;
}

/** Options of networks that have dropout. */
export interface DropoutOptions {
  /** Probability of an element to be zeroed, in training mode. */
  dropout?: number;
}

/** Checks a width multiplier. */
export function checkWidthMult(widthMult: unknown): number {
  const value = number('widthMult', widthMult);
  if (value <= 0) throw argValueError(`widthMult must be above 0, got ${show(value)}`);
  return value;
}

/** From the channels of the full-size network to those of this one, at least 1. */
export function widthScaler(widthMult: unknown): (channels: number) => number {
  const factor = checkWidthMult(widthMult);
  return (channels) => Math.max(1, Math.round(channels * factor));
}

/** All modules of a class at and below `model`, in order. */
export function* modulesOf<M extends nn.Module>(
  model: nn.Module,
  kind: abstract new (...args: never[]) => M,
): Generator<M> {
  for (const module of model.modules()) if (module instanceof kind) yield module;
}

/** He initialisation of convolutions that a ReLU follows. Their biases become 0. */
export function initConvolutions(
  model: nn.Module,
  kind: typeof nn.Conv2d | typeof nn.Conv3d,
  mode: 'fan_in' | 'fan_out' = 'fan_out',
): void {
  for (const conv of modulesOf(model, kind)) {
    nn.init.kaimingNormal_(conv.weight, { mode, nonlinearity: 'relu' });
    if (conv.bias !== null) nn.init.zeros_(conv.bias);
  }
}

/** Small normal weights for the layers of a classifier's head. Their biases become 0. */
export function initLinears(model: nn.Module): void {
  for (const linear of modulesOf(model, nn.Linear)) {
    nn.init.normal_(linear.weight, 0, 0.01);
    if (linear.bias !== null) nn.init.zeros_(linear.bias);
  }
}
