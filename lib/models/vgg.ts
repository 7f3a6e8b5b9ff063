/** VGG, with torchvision's module names: its checkpoints load. */
import * as nn from '../nn';
import { flatten } from '../ops';
import { optionsOf } from '../options';
import type { Tensor } from '../tensor';
import {
  type ClassifierOptions,
  type DropoutOptions,
  initConvolutions,
  initLinears,
  widthScaler,
  type WidthOptions,
} from './common';

/** Options of the VGG networks; `dropout` is 0.5 by default. */
export interface VGGOptions extends ClassifierOptions, WidthOptions, DropoutOptions {
  /** Whether weights are drawn as for training from scratch; see nn.init. Default: true. */
  initWeights?: boolean;
}

const OPTIONS = ['numClasses', 'widthMult', 'dropout', 'initWeights'] as const;

/** Output channels of 3x3 convolutions; 'M' is a max pooling by 2. */
type Plan = readonly (number | 'M')[];

const PLANS = {
  11: [64, 'M', 128, 'M', 256, 256, 'M', 512, 512, 'M', 512, 512, 'M'],
  // prettier-ignore
  16: [64, 64, 'M', 128, 128, 'M', 256, 256, 256, 'M', 512, 512, 512, 'M', 512, 512, 512, 'M'],
} as const;

/**
 * VGG: (N, 3, H, W) -> (N, numClasses), H and W from 32.
 *
 * Follows https://docs.pytorch.org/vision/stable/models/vgg.html
 */
export class VGG extends nn.Module {
  readonly features: nn.Sequential;
  readonly avgpool: nn.AdaptiveAvgPool2d;
  readonly classifier: nn.Sequential;

  /**
   * @param batchNorm whether a BatchNorm2d follows each convolution
   * @throws TypeError ERR_NNCONV_ARG_TYPE, ERR_NNCONV_UNKNOWN_OPTION; RangeError
   *   ERR_NNCONV_ARG_VALUE
   */
  constructor(plan: Plan, batchNorm: boolean, options?: VGGOptions) {
    super();
    const {
      numClasses = 1000,
      widthMult = 1,
      dropout = 0.5,
      initWeights = true,
    } = optionsOf('VGG', options, OPTIONS);
    const scaled = widthScaler(widthMult);
    const layers: nn.Module[] = [];
    let channels = 3;
    for (const step of plan) {
      if (step === 'M') {
        layers.push(new nn.MaxPool2d(2, { stride: 2 }));
        continue;
      }
      layers.push(new nn.Conv2d(channels, scaled(step), 3, { padding: 1 }));
      channels = scaled(step);
      if (batchNorm) layers.push(new nn.BatchNorm2d(channels));
      layers.push(new nn.ReLU({ inplace: true }));
    }
    const hidden = scaled(4096);
    this.features = new nn.Sequential(...layers);
    this.avgpool = new nn.AdaptiveAvgPool2d([7, 7]);
    this.classifier = new nn.Sequential(
      new nn.Linear(channels * 7 * 7, hidden),
      new nn.ReLU({ inplace: true }),
      new nn.Dropout({ p: dropout }),
      new nn.Linear(hidden, hidden),
      new nn.ReLU({ inplace: true }),
      new nn.Dropout({ p: dropout }),
      new nn.Linear(hidden, numClasses),
    );
    if (!initWeights) return;
    initConvolutions(this, nn.Conv2d);
    initLinears(this);
  }

  /** Scores `(N, numClasses)`, before a softmax, of pictures `(N, 3, H, W)`. */
  forward(x: Tensor): Tensor {
    const pooled = this.avgpool.forward(this.features.forward(x));
    return this.classifier.forward(flatten(pooled, 1));
  }
}

/** {@link VGG} of 11 layers. */
export function vgg11(options?: VGGOptions): VGG {
  return new VGG(PLANS[11], false, options);
}

/** {@link VGG} of 11 layers with batch normalisation. */
export function vgg11_bn(options?: VGGOptions): VGG {
  return new VGG(PLANS[11], true, options);
}

/** {@link VGG} of 16 layers. */
export function vgg16(options?: VGGOptions): VGG {
  return new VGG(PLANS[16], false, options);
}

/** {@link VGG} of 16 layers with batch normalisation. */
export function vgg16_bn(options?: VGGOptions): VGG {
  return new VGG(PLANS[16], true, options);
}
