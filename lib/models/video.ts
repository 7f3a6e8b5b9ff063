/** Networks for video clips, with torchvision's module names: its checkpoints load. */
import * as nn from '../nn';
import { add, flatten } from '../ops';
import { optionsOf } from '../options';
import type { Tensor } from '../tensor';
import { initConvolutions, initLinears, widthScaler, type WidthOptions } from './common';

/** Options of {@link r3d_18}. */
export interface VideoResNetOptions extends WidthOptions {
  /** Size of the output. Default: 400, Kinetics' classes. */
  numClasses?: number;
}

const OPTIONS = ['numClasses', 'widthMult'] as const;

/** A 3x3x3 convolution without bias. */
export class Conv3DSimple extends nn.Conv3d {
  /** @internal */
  constructor(inPlanes: number, outPlanes: number, stride = 1) {
    super(inPlanes, outPlanes, 3, { stride, padding: 1, bias: false });
  }
}

/** Two 3x3x3 convolutions beside a shortcut. */
export class BasicBlock extends nn.Module {
  readonly conv1: nn.Sequential;
  readonly conv2: nn.Sequential;
  readonly relu: nn.ReLU;
  readonly downsample: nn.Sequential | null;

  /** @internal */
  constructor(inPlanes: number, planes: number, stride: number, downsample: nn.Sequential | null) {
    super();
    this.conv1 = new nn.Sequential(
      new Conv3DSimple(inPlanes, planes, stride),
      new nn.BatchNorm3d(planes),
      new nn.ReLU({ inplace: true }),
    );
    this.conv2 = new nn.Sequential(new Conv3DSimple(planes, planes), new nn.BatchNorm3d(planes));
    this.relu = new nn.ReLU({ inplace: true });
    this.downsample = downsample;
  }

  /** The sum of the input, fitted by `downsample` where there is one, and the two convolutions of it. */
  forward(x: Tensor): Tensor {
    const out = this.conv2.forward(this.conv1.forward(x));
    return this.relu.forward(add(out, this.downsample?.forward(x) ?? x));
  }
}

/** Convolution, normalisation and ReLU before the stages. */
export class BasicStem extends nn.Sequential {
  /** @internal */
  constructor(planes: number) {
    super(
      new nn.Conv3d(3, planes, [3, 7, 7], { stride: [1, 2, 2], padding: [1, 3, 3], bias: false }),
      new nn.BatchNorm3d(planes),
      new nn.ReLU({ inplace: true }),
    );
  }
}

/**
 * A ResNet of 3-d convolutions, 18 layers: (N, 3, D, H, W) -> (N, numClasses), D the frames.
 *
 * Follows https://docs.pytorch.org/vision/stable/models/video_resnet.html
 */
export class VideoResNet extends nn.Module {
  readonly stem: BasicStem;
  readonly layer1: nn.Sequential;
  readonly layer2: nn.Sequential;
  readonly layer3: nn.Sequential;
  readonly layer4: nn.Sequential;
  readonly avgpool: nn.AdaptiveAvgPool3d;
  readonly fc: nn.Linear;

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE, ERR_NNCONV_UNKNOWN_OPTION; RangeError
   *   ERR_NNCONV_ARG_VALUE
   */
  constructor(options?: VideoResNetOptions) {
    super();
    const { numClasses = 400, widthMult = 1 } = optionsOf('VideoResNet', options, OPTIONS);
    const scaled = widthScaler(widthMult);
    let inPlanes = scaled(64);
    const stage = (channels: number, stride: number) => {
      const planes = scaled(channels);
      const downsample =
        stride === 1
          ? null
          : new nn.Sequential(
              new nn.Conv3d(inPlanes, planes, 1, { stride, bias: false }),
              new nn.BatchNorm3d(planes),
            );
      const first = new BasicBlock(inPlanes, planes, stride, downsample);
      inPlanes = planes;
      return new nn.Sequential(first, new BasicBlock(planes, planes, 1, null));
    };
    this.stem = new BasicStem(inPlanes);
    this.layer1 = stage(64, 1);
    this.layer2 = stage(128, 2);
    this.layer3 = stage(256, 2);
    this.layer4 = stage(512, 2);
    this.avgpool = new nn.AdaptiveAvgPool3d([1, 1, 1]);
    this.fc = new nn.Linear(inPlanes, numClasses);
    initConvolutions(this, nn.Conv3d);
    initLinears(this);
  }

  /** Scores `(N, numClasses)`, before a softmax, of clips `(N, 3, T, H, W)`. */
  forward(x: Tensor): Tensor {
    let out = this.stem.forward(x);
    out = this.layer1.forward(out);
    out = this.layer2.forward(out);
    out = this.layer3.forward(out);
    out = this.layer4.forward(out);
    return this.fc.forward(flatten(this.avgpool.forward(out), 1));
  }
}

/** {@link VideoResNet} of 18 layers. */
export function r3d_18(options?: VideoResNetOptions): VideoResNet {
  return new VideoResNet(options);
}
