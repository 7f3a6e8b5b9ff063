/** SqueezeNet, with torchvision's module names: its checkpoints load. */
import * as nn from '../nn';
import { cat, flatten } from '../ops';
import { optionsOf } from '../options';
import type { Tensor } from '../tensor';
import {
  type ClassifierOptions,
  type DropoutOptions,
  modulesOf,
  widthScaler,
  type WidthOptions,
} from './common';

/** Options of {@link squeezenet1_1}; `dropout` is 0.5 by default. */
export interface SqueezeNetOptions extends ClassifierOptions, WidthOptions, DropoutOptions {}

const OPTIONS = ['numClasses', 'widthMult', 'dropout'] as const;

/** A 1x1 convolution to few channels, then 1x1 and 3x3 ones side by side. */
export class Fire extends nn.Module {
  readonly squeeze: nn.Conv2d;
  readonly squeeze_activation: nn.ReLU;
  readonly expand1x1: nn.Conv2d;
  readonly expand1x1_activation: nn.ReLU;
  readonly expand3x3: nn.Conv2d;
  readonly expand3x3_activation: nn.ReLU;

  /** @internal */
  constructor(inPlanes: number, squeezePlanes: number, expandPlanes: number) {
    super();
    this.squeeze = new nn.Conv2d(inPlanes, squeezePlanes, 1);
    this.squeeze_activation = new nn.ReLU({ inplace: true });
    this.expand1x1 = new nn.Conv2d(squeezePlanes, expandPlanes, 1);
    this.expand1x1_activation = new nn.ReLU({ inplace: true });
    this.expand3x3 = new nn.Conv2d(squeezePlanes, expandPlanes, 3, { padding: 1 });
    this.expand3x3_activation = new nn.ReLU({ inplace: true });
  }

  forward(x: Tensor): Tensor {
    const squeezed = this.squeeze_activation.forward(this.squeeze.forward(x));
    const narrow = this.expand1x1_activation.forward(this.expand1x1.forward(squeezed));
    const wide = this.expand3x3_activation.forward(this.expand3x3.forward(squeezed));
    return cat([narrow, wide], 1);
  }
}

/**
 * SqueezeNet 1.1: (N, 3, H, W) -> (N, numClasses), H and W from 17.
 *
 * Follows https://docs.pytorch.org/vision/stable/models/squeezenet.html
 */
export class SqueezeNet extends nn.Module {
  readonly features: nn.Sequential;
  readonly classifier: nn.Sequential;

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE, ERR_NNCONV_UNKNOWN_OPTION; RangeError
   *   ERR_NNCONV_ARG_VALUE
   */
  constructor(options?: SqueezeNetOptions) {
    super();
    const {
      numClasses = 1000,
      widthMult = 1,
      dropout = 0.5,
    } = optionsOf('SqueezeNet', options, OPTIONS);
    const scaled = widthScaler(widthMult);
    const pool = () => new nn.MaxPool2d(3, { stride: 2, ceilMode: true });
    let channels = scaled(64);
    const fire = (squeeze: number, expand: number) => {
      const result = new Fire(channels, scaled(squeeze), scaled(expand));
      channels = 2 * scaled(expand);
      return result;
    };
    this.features = new nn.Sequential(
      new nn.Conv2d(3, channels, 3, { stride: 2 }),
      new nn.ReLU({ inplace: true }),
      pool(),
      fire(16, 64),
      fire(16, 64),
      pool(),
      fire(32, 128),
      fire(32, 128),
      pool(),
      fire(48, 192),
      fire(48, 192),
      fire(64, 256),
      fire(64, 256),
    );
    const last = new nn.Conv2d(channels, numClasses, 1);
    this.classifier = new nn.Sequential(
      new nn.Dropout({ p: dropout }),
      last,
      new nn.ReLU({ inplace: true }),
      new nn.AdaptiveAvgPool2d([1, 1]),
    );
    for (const conv of modulesOf(this, nn.Conv2d)) {
      if (conv === last) nn.init.normal_(conv.weight, 0, 0.01);
      else nn.init.kaimingUniform_(conv.weight);
      nn.init.zeros_(conv.bias!);
    }
  }

  /** Scores `(N, numClasses)`, before a softmax, of pictures `(N, 3, H, W)`. */
  forward(x: Tensor): Tensor {
    return flatten(this.classifier.forward(this.features.forward(x)), 1);
  }
}

/** {@link SqueezeNet} 1.1. */
export function squeezenet1_1(options?: SqueezeNetOptions): SqueezeNet {
  return new SqueezeNet(options);
}
