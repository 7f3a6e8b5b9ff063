/** ResNet, with torchvision's module names: its checkpoints load. */
import { argValueError, show } from '../errors';
import * as nn from '../nn';
import { add, flatten } from '../ops';
import { optionsOf } from '../options';
import type { Tensor } from '../tensor';
import {
  type ClassifierOptions,
  initConvolutions,
  modulesOf,
  widthScaler,
  type WidthOptions,
} from './common';

/** Options of the residual networks. */
export interface ResNetOptions extends ClassifierOptions, WidthOptions {
  /** Whether every residual branch starts as zero. Default: false. */
  zeroInitResidual?: boolean;
  /** Groups of the 3x3 convolutions of a Bottleneck. Default: 1. */
  groups?: number;
  /** Channels of a Bottleneck's 3x3 convolution for each 64 of the stage's. Default: 64. */
  widthPerGroup?: number;
  /** Whether stages 2 to 4 dilate instead of striding. Default: `[false, false, false]`. */
  replaceStrideWithDilation?: readonly [boolean, boolean, boolean];
}

const OPTIONS = [
  'numClasses',
  'widthMult',
  'zeroInitResidual',
  'groups',
  'widthPerGroup',
  'replaceStrideWithDilation',
] as const;

/** What a stage tells its blocks. */
interface BlockOptions {
  stride: number;
  dilation: number;
  downsample: nn.Sequential | null;
  groups: number;
  widthPerGroup: number;
}

function conv3x3(
  inPlanes: number,
  outPlanes: number,
  { stride = 1, dilation = 1, groups = 1 } = {},
): nn.Conv2d {
  const options = { stride, padding: dilation, dilation, groups, bias: false };
  return new nn.Conv2d(inPlanes, outPlanes, 3, options);
}

function conv1x1(inPlanes: number, outPlanes: number, stride = 1): nn.Conv2d {
  return new nn.Conv2d(inPlanes, outPlanes, 1, { stride, bias: false });
}

/** Two 3x3 convolutions beside a shortcut. */
export class BasicBlock extends nn.Module {
  static readonly expansion = 1;
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly relu: nn.ReLU;
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly downsample: nn.Sequential | null;

  /** @internal */
  constructor(inPlanes: number, planes: number, options: BlockOptions) {
    super();
    const { stride, dilation, downsample, groups, widthPerGroup } = options;
    if (groups !== 1 || widthPerGroup !== 64) {
      throw argValueError(
        'a BasicBlock takes only groups = 1 and widthPerGroup = 64, got ' +
          `${show(groups)} and ${show(widthPerGroup)}`,
      );
    }
    if (dilation > 1) throw argValueError('a BasicBlock takes no replaceStrideWithDilation');
    this.conv1 = conv3x3(inPlanes, planes, { stride });
    this.bn1 = new nn.BatchNorm2d(planes);
    this.relu = new nn.ReLU({ inplace: true });
    this.conv2 = conv3x3(planes, planes);
    this.bn2 = new nn.BatchNorm2d(planes);
    this.downsample = downsample;
  }

  /** The sum of the input, fitted by `downsample` where there is one, and the two convolutions of it. */
  forward(x: Tensor): Tensor {
    let out = this.relu.forward(this.bn1.forward(this.conv1.forward(x)));
    out = this.bn2.forward(this.conv2.forward(out));
    return this.relu.forward(add(out, this.downsample?.forward(x) ?? x));
  }
}

/** 1x1, 3x3 and 1x1 convolutions beside a shortcut; the stride is the 3x3's. */
export class Bottleneck extends nn.Module {
  static readonly expansion = 4;
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly conv3: nn.Conv2d;
  readonly bn3: nn.BatchNorm2d;
  readonly relu: nn.ReLU;
  readonly downsample: nn.Sequential | null;

  /** @internal */
  constructor(inPlanes: number, planes: number, options: BlockOptions) {
    super();
    const { stride, dilation, downsample, groups, widthPerGroup } = options;
    const width = Math.trunc((planes * widthPerGroup) / 64) * groups;
    const outPlanes = planes * Bottleneck.expansion;
    this.conv1 = conv1x1(inPlanes, width);
    this.bn1 = new nn.BatchNorm2d(width);
    this.conv2 = conv3x3(width, width, { stride, dilation, groups });
    this.bn2 = new nn.BatchNorm2d(width);
    this.conv3 = conv1x1(width, outPlanes);
    this.bn3 = new nn.BatchNorm2d(outPlanes);
    this.relu = new nn.ReLU({ inplace: true });
    this.downsample = downsample;
  }

  /** The sum of the input, fitted by `downsample` where there is one, and the three convolutions of it. */
  forward(x: Tensor): Tensor {
    let out = this.relu.forward(this.bn1.forward(this.conv1.forward(x)));
    out = this.relu.forward(this.bn2.forward(this.conv2.forward(out)));
    out = this.bn3.forward(this.conv3.forward(out));
    return this.relu.forward(add(out, this.downsample?.forward(x) ?? x));
  }
}

/**
 * ResNet: (N, 3, H, W) -> (N, numClasses). Groups and widths make it a ResNeXt or a Wide ResNet.
 *
 * Follows https://docs.pytorch.org/vision/stable/models/resnet.html
 */
export class ResNet extends nn.Module {
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly relu: nn.ReLU;
  readonly maxpool: nn.MaxPool2d;
  readonly layer1: nn.Sequential;
  readonly layer2: nn.Sequential;
  readonly layer3: nn.Sequential;
  readonly layer4: nn.Sequential;
  readonly avgpool: nn.AdaptiveAvgPool2d;
  readonly fc: nn.Linear;

  /**
   * @param layers the number of blocks in each of the four stages
   * @throws TypeError ERR_NNCONV_ARG_TYPE, ERR_NNCONV_UNKNOWN_OPTION; RangeError
   *   ERR_NNCONV_ARG_VALUE
   */
  constructor(
    block: typeof BasicBlock | typeof Bottleneck,
    layers: readonly [number, number, number, number],
    options?: ResNetOptions,
  ) {
    super();
    const {
      numClasses = 1000,
      widthMult = 1,
      zeroInitResidual = false,
      groups = 1,
      widthPerGroup = 64,
      replaceStrideWithDilation: dilated = [false, false, false],
    } = optionsOf('ResNet', options, OPTIONS);
    const scaled = widthScaler(widthMult);
    let inPlanes = scaled(64);
    let dilation = 1;

    const stage = (channels: number, blocks: number, step: number, dilate = false) => {
      const planes = scaled(channels);
      const outPlanes = planes * block.expansion;
      const firstDilation = dilation;
      if (dilate) dilation *= step;
      const stride = dilate ? 1 : step;
      const downsample =
        stride !== 1 || inPlanes !== outPlanes
          ? new nn.Sequential(conv1x1(inPlanes, outPlanes, stride), new nn.BatchNorm2d(outPlanes))
          : null;
      const shared = { groups, widthPerGroup };
      const first = { ...shared, stride, dilation: firstDilation, downsample };
      const later = { ...shared, stride: 1, dilation, downsample: null };
      const result = Array.from({ length: blocks }, (_, i) =>
        i === 0 ? new block(inPlanes, planes, first) : new block(outPlanes, planes, later),
      );
      inPlanes = outPlanes;
      return new nn.Sequential(...result);
    };

    this.conv1 = new nn.Conv2d(3, inPlanes, 7, { stride: 2, padding: 3, bias: false });
    this.bn1 = new nn.BatchNorm2d(inPlanes);
    this.relu = new nn.ReLU({ inplace: true });
    this.maxpool = new nn.MaxPool2d(3, { stride: 2, padding: 1 });
    this.layer1 = stage(64, layers[0], 1);
    this.layer2 = stage(128, layers[1], 2, dilated[0]);
    this.layer3 = stage(256, layers[2], 2, dilated[1]);
    this.layer4 = stage(512, layers[3], 2, dilated[2]);
    this.avgpool = new nn.AdaptiveAvgPool2d([1, 1]);
    this.fc = new nn.Linear(inPlanes, numClasses);

    initConvolutions(this, nn.Conv2d);
    if (!zeroInitResidual) return;
    for (const { bn2 } of modulesOf(this, BasicBlock)) nn.init.zeros_(bn2.weight!);
    for (const { bn3 } of modulesOf(this, Bottleneck)) nn.init.zeros_(bn3.weight!);
  }

  /** Scores `(N, numClasses)`, before a softmax, of pictures `(N, 3, H, W)`. */
  forward(x: Tensor): Tensor {
    let out = this.relu.forward(this.bn1.forward(this.conv1.forward(x)));
    out = this.maxpool.forward(out);
    out = this.layer1.forward(out);
    out = this.layer2.forward(out);
    out = this.layer3.forward(out);
    out = this.layer4.forward(out);
    return this.fc.forward(flatten(this.avgpool.forward(out), 1));
  }
}

/** {@link ResNet} of 18 layers: BasicBlocks, 2 in each stage. */
export function resnet18(options?: ResNetOptions): ResNet {
  return new ResNet(BasicBlock, [2, 2, 2, 2], options);
}

/** {@link ResNet} of 34 layers: BasicBlocks, 3, 4, 6 and 3. */
export function resnet34(options?: ResNetOptions): ResNet {
  return new ResNet(BasicBlock, [3, 4, 6, 3], options);
}

/** {@link ResNet} of 50 layers: Bottlenecks, 3, 4, 6 and 3. */
export function resnet50(options?: ResNetOptions): ResNet {
  return new ResNet(Bottleneck, [3, 4, 6, 3], options);
}
