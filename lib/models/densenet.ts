/** DenseNet, with torchvision's module names: its checkpoints load. */
import * as nn from '../nn';
import { cat, flatten } from '../ops';
import { optionsOf } from '../options';
import type { Tensor } from '../tensor';
import { type ClassifierOptions, initConvolutions, modulesOf } from './common';

/** Options of {@link densenet121}. */
export interface DenseNetOptions extends ClassifierOptions {
  /** Channels that each layer adds. Default: 32. */
  growthRate?: number;
  /** The number of layers in each block. Default: `[6, 12, 24, 16]`. */
  blockConfig?: readonly number[];
  /** Channels of the first convolution. Default: 64. */
  numInitFeatures?: number;
  /** Channels of a layer's bottleneck, in growth rates. Default: 4. */
  bnSize?: number;
  /** Probability of dropout after each layer, in training mode. Default: 0. */
  dropRate?: number;
}

const COMMON_OPTIONS = ['numClasses', 'bnSize', 'dropRate'] as const;
const OPTIONS = [...COMMON_OPTIONS, 'growthRate', 'blockConfig', 'numInitFeatures'] as const;

/** `growthRate` new channels out of all those before. */
class _DenseLayer extends nn.Module {
  readonly norm1: nn.BatchNorm2d;
  readonly relu1: nn.ReLU;
  readonly conv1: nn.Conv2d;
  readonly norm2: nn.BatchNorm2d;
  readonly relu2: nn.ReLU;
  readonly conv2: nn.Conv2d;
  readonly #dropRate: number;

  constructor(inChannels: number, growthRate: number, bnSize: number, dropRate: number) {
    super();
    const hidden = bnSize * growthRate;
    this.norm1 = new nn.BatchNorm2d(inChannels);
    this.relu1 = new nn.ReLU({ inplace: true });
    this.conv1 = new nn.Conv2d(inChannels, hidden, 1, { bias: false });
    this.norm2 = new nn.BatchNorm2d(hidden);
    this.relu2 = new nn.ReLU({ inplace: true });
    this.conv2 = new nn.Conv2d(hidden, growthRate, 3, { padding: 1, bias: false });
    this.#dropRate = dropRate;
  }

  forward(features: readonly Tensor[]): Tensor {
    const before = cat(features, 1);
    const hidden = this.conv1.forward(this.relu1.forward(this.norm1.forward(before)));
    const out = this.conv2.forward(this.relu2.forward(this.norm2.forward(hidden)));
    if (this.#dropRate === 0) return out;
    return nn.functional.dropout(out, { p: this.#dropRate, training: this.training });
  }
}

/** Layers that each see the outputs of all before. */
class _DenseBlock extends nn.ModuleDict {
  constructor(
    layers: number,
    inChannels: number,
    growthRate: number,
    bnSize: number,
    dropRate: number,
  ) {
    const named: Record<string, nn.Module> = {};
    for (let i = 0; i < layers; i++) {
      const channels = inChannels + i * growthRate;
      named[`denselayer${i + 1}`] = new _DenseLayer(channels, growthRate, bnSize, dropRate);
    }
    super(named);
  }

  override forward(x: Tensor): Tensor {
    const features = [x];
    for (const layer of this.children()) features.push((layer as _DenseLayer).forward(features));
    return cat(features, 1);
  }
}

/** Half the channels, half the size. */
class _Transition extends nn.Sequential {
  constructor(inChannels: number, outChannels: number) {
    super(
      ['norm', new nn.BatchNorm2d(inChannels)],
      ['relu', new nn.ReLU({ inplace: true })],
      ['conv', new nn.Conv2d(inChannels, outChannels, 1, { bias: false })],
      ['pool', new nn.AvgPool2d(2, { stride: 2 })],
    );
  }
}

/** How the layers' parts were named when torchvision's checkpoints were made: `norm.1`, now `norm1`. */
const OLD_NAME = /^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)$/;

/**
 * DenseNet: (N, 3, H, W) -> (N, numClasses), H and W from 29.
 *
 * Follows https://docs.pytorch.org/vision/stable/models/densenet.html
 */
export class DenseNet extends nn.Module {
  readonly features: nn.Sequential;
  readonly classifier: nn.Linear;

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE, ERR_NNCONV_UNKNOWN_OPTION; RangeError
   *   ERR_NNCONV_ARG_VALUE
   */
  constructor(options?: DenseNetOptions) {
    super();
    const {
      numClasses = 1000,
      growthRate = 32,
      blockConfig = [6, 12, 24, 16],
      numInitFeatures = 64,
      bnSize = 4,
      dropRate = 0,
    } = optionsOf('DenseNet', options, OPTIONS);
    const features: [string, nn.Module][] = [
      ['conv0', new nn.Conv2d(3, numInitFeatures, 7, { stride: 2, padding: 3, bias: false })],
      ['norm0', new nn.BatchNorm2d(numInitFeatures)],
      ['relu0', new nn.ReLU({ inplace: true })],
      ['pool0', new nn.MaxPool2d(3, { stride: 2, padding: 1 })],
    ];
    let channels = numInitFeatures;
    blockConfig.forEach((layers, i) => {
      const block = new _DenseBlock(layers, channels, growthRate, bnSize, dropRate);
      features.push([`denseblock${i + 1}`, block]);
      channels += layers * growthRate;
      if (i === blockConfig.length - 1) return;
      const half = Math.floor(channels / 2);
      features.push([`transition${i + 1}`, new _Transition(channels, half)]);
      channels = half;
    });
    features.push(['norm5', new nn.BatchNorm2d(channels)]);
    this.features = new nn.Sequential(...features);
    this.classifier = new nn.Linear(channels, numClasses);

    initConvolutions(this, nn.Conv2d, 'fan_in');
    for (const { bias } of modulesOf(this, nn.Linear)) nn.init.zeros_(bias!);
  }

  /** As {@link nn.Module.loadStateDict}, and takes the names in torchvision's old checkpoints too. */
  override loadStateDict(
    stateDict: Readonly<nn.StateDict>,
    options?: nn.LoadStateDictOptions,
  ): nn.LoadStateDictResult {
    if (typeof stateDict !== 'object' || !Object.keys(stateDict ?? {}).some(isOldName)) {
      return super.loadStateDict(stateDict, options);
    }
    const renamed = Object.entries(stateDict).map(
      ([key, tensor]) => [key.replace(OLD_NAME, '$1$2'), tensor] as const,
    );
    return super.loadStateDict(Object.fromEntries(renamed), options);
  }

  /** Scores `(N, numClasses)`, before a softmax, of pictures `(N, 3, H, W)`. */
  forward(x: Tensor): Tensor {
    const features = nn.functional.relu(this.features.forward(x), { inplace: true });
    const pooled = nn.functional.adaptiveAvgPool2d(features, [1, 1]);
    return this.classifier.forward(flatten(pooled, 1));
  }
}

function isOldName(key: string): boolean {
  return OLD_NAME.test(key);
}

/** {@link DenseNet} of 121 layers. */
export function densenet121(
  options?: Omit<DenseNetOptions, 'growthRate' | 'blockConfig' | 'numInitFeatures'>,
): DenseNet {
  return new DenseNet(optionsOf('densenet121', options, COMMON_OPTIONS));
}
