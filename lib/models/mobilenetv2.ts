/** MobileNetV2, with torchvision's module names: its checkpoints load. */
import { argValueError, show } from '../errors';
import * as nn from '../nn';
import { add, flatten } from '../ops';
import { integer, optionsOf } from '../options';
import type { Tensor } from '../tensor';
import {
  checkWidthMult,
  type ClassifierOptions,
  type DropoutOptions,
  initConvolutions,
  initLinears,
  type WidthOptions,
} from './common';

/** Options of {@link mobilenet_v2}; `dropout` is 0.2 by default. */
export interface MobileNetV2Options extends ClassifierOptions, WidthOptions, DropoutOptions {
  /** Channels are rounded to a multiple of this. Default: 8. */
  roundNearest?: number;
}

const OPTIONS = ['numClasses', 'widthMult', 'dropout', 'roundNearest'] as const;

/** Expansion, output channels, number of blocks and stride of the first one. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** The nearest multiple of `divisor` that isn't below 9/10 of `channels`. */
function makeDivisible(channels: number, divisor: number): number {
  const rounded = Math.floor((channels + divisor / 2) / divisor) * divisor;
  const result = Math.max(divisor, rounded);
  return result < 0.9 * channels ? result + divisor : result;
}

/** A convolution that keeps the size (at stride 1), BatchNorm2d and ReLU6. */
export class Conv2dNormActivation extends nn.Sequential {
  /** @internal */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number,
    { stride = 1, groups = 1 } = {},
  ) {
    const padding = (kernelSize - 1) / 2;
    super(
      new nn.Conv2d(inChannels, outChannels, kernelSize, { stride, padding, groups, bias: false }),
      new nn.BatchNorm2d(outChannels),
      new nn.ReLU6({ inplace: true }),
    );
  }
}

/** A depthwise convolution between pointwise ones: more channels inside than outside. */
export class InvertedResidual extends nn.Module {
  readonly conv: nn.Sequential;
  readonly #shortcut: boolean;

  /** @internal */
  constructor(inChannels: number, outChannels: number, stride: number, expansion: number) {
    super();
    const hidden = inChannels * expansion;
    const layers: nn.Module[] = [];
    if (expansion !== 1) layers.push(new Conv2dNormActivation(inChannels, hidden, 1));
    layers.push(
      new Conv2dNormActivation(hidden, hidden, 3, { stride, groups: hidden }),
      new nn.Conv2d(hidden, outChannels, 1, { bias: false }),
      new nn.BatchNorm2d(outChannels),
    );
    this.conv = new nn.Sequential(...layers);
    this.#shortcut = stride === 1 && inChannels === outChannels;
  }

  forward(x: Tensor): Tensor {
    const out = this.conv.forward(x);
    return this.#shortcut ? add(x, out) : out;
  }
}

/**
 * MobileNetV2: (N, 3, H, W) -> (N, numClasses).
 *
 * Follows https://docs.pytorch.org/vision/stable/models/mobilenetv2.html
 */
export class MobileNetV2 extends nn.Module {
  readonly features: nn.Sequential;
  readonly classifier: nn.Sequential;

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE, ERR_NNCONV_UNKNOWN_OPTION; RangeError
   *   ERR_NNCONV_ARG_VALUE
   */
  constructor(options?: MobileNetV2Options) {
    super();
    const {
      numClasses = 1000,
      widthMult = 1,
      dropout = 0.2,
      roundNearest = 8,
    } = optionsOf('MobileNetV2', options, OPTIONS);
    const width = checkWidthMult(widthMult);
    const divisor = integer('roundNearest', roundNearest);
    if (divisor < 1) throw argValueError(`roundNearest must be at least 1, got ${show(divisor)}`);
    const scaled = (channels: number) => makeDivisible(channels * width, divisor);

    let channels = scaled(32);
    const features: nn.Module[] = [new Conv2dNormActivation(3, channels, 3, { stride: 2 })];
    for (const [expansion, outChannels, blocks, stride] of STAGES) {
      for (let i = 0; i < blocks; i++) {
        const next = scaled(outChannels);
        features.push(new InvertedResidual(channels, next, i === 0 ? stride : 1, expansion));
        channels = next;
      }
    }
    // Slim networks keep the full width of what the classifier sees.
    const last = makeDivisible(1280 * Math.max(1, width), divisor);
    features.push(new Conv2dNormActivation(channels, last, 1));
    this.features = new nn.Sequential(...features);
    this.classifier = new nn.Sequential(
      new nn.Dropout({ p: dropout }),
      new nn.Linear(last, numClasses),
    );
    initConvolutions(this, nn.Conv2d);
    initLinears(this);
  }

  /** Scores `(N, numClasses)`, before a softmax, of pictures `(N, 3, H, W)`. */
  forward(x: Tensor): Tensor {
    const pooled = nn.functional.adaptiveAvgPool2d(this.features.forward(x), [1, 1]);
    return this.classifier.forward(flatten(pooled, 1));
  }
}

/** {@link MobileNetV2}; `widthMult` 0.75, 0.5, ... are the slim ones. */
export function mobilenet_v2(options?: MobileNetV2Options): MobileNetV2 {
  return new MobileNetV2(options);
}
