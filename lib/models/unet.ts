/** U-Net for segmentation; module names are those of the PyTorch implementation in widest use. */
import * as nn from '../nn';
import { cat } from '../ops';
import { boolean, optionsOf } from '../options';
import type { Tensor } from '../tensor';
import { widthScaler, type WidthOptions } from './common';

/** Options of {@link unet}. */
export interface UNetOptions extends WidthOptions {
  /** Whether sizes are doubled by interpolation, not by transposed convolutions. Default: false. */
  bilinear?: boolean;
}

const OPTIONS = ['bilinear', 'widthMult'] as const;

/** Convolution, BatchNorm and ReLU, twice. */
class DoubleConv extends nn.Module {
  readonly double_conv: nn.Sequential;

  constructor(inChannels: number, outChannels: number, midChannels = outChannels) {
    super();
    this.double_conv = new nn.Sequential(
      new nn.Conv2d(inChannels, midChannels, 3, { padding: 1, bias: false }),
      new nn.BatchNorm2d(midChannels),
      new nn.ReLU({ inplace: true }),
      new nn.Conv2d(midChannels, outChannels, 3, { padding: 1, bias: false }),
      new nn.BatchNorm2d(outChannels),
      new nn.ReLU({ inplace: true }),
    );
  }

  forward(x: Tensor): Tensor {
    return this.double_conv.forward(x);
  }
}

/** Half the size, then {@link DoubleConv}. */
class Down extends nn.Module {
  readonly maxpool_conv: nn.Sequential;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.maxpool_conv = new nn.Sequential(
      new nn.MaxPool2d(2),
      new DoubleConv(inChannels, outChannels),
    );
  }

  forward(x: Tensor): Tensor {
    return this.maxpool_conv.forward(x);
  }
}

/** Twice the size, then {@link DoubleConv} of that and of what came down at this size. */
class Up extends nn.Module {
  readonly up: nn.Upsample | nn.ConvTranspose2d;
  readonly conv: DoubleConv;

  constructor(inChannels: number, outChannels: number, bilinear: boolean) {
    super();
    const half = Math.floor(inChannels / 2);
    if (bilinear) {
      this.up = new nn.Upsample({ scaleFactor: 2, mode: 'bilinear', alignCorners: true });
      this.conv = new DoubleConv(inChannels, outChannels, half);
    } else {
      this.up = new nn.ConvTranspose2d(inChannels, half, 2, { stride: 2 });
      this.conv = new DoubleConv(inChannels, outChannels);
    }
  }

  forward(x: Tensor, skipped: Tensor): Tensor {
    const up = this.up.forward(x);
    // An odd size lost a row or a column on its way down.
    const rows = skipped.shape[2] - up.shape[2];
    const columns = skipped.shape[3] - up.shape[3];
    const [top, left] = [Math.floor(rows / 2), Math.floor(columns / 2)];
    const padding = [left, columns - left, top, rows - top];
    const padded = rows === 0 && columns === 0 ? up : nn.functional.pad(up, padding);
    return this.conv.forward(cat([skipped, padded], 1));
  }
}

class OutConv extends nn.Module {
  readonly conv: nn.Conv2d;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.conv = new nn.Conv2d(inChannels, outChannels, 1);
  }

  forward(x: Tensor): Tensor {
    return this.conv.forward(x);
  }
}

/**
 * U-Net: (N, inChannels, H, W) -> (N, numClasses, H, W), H and W from 16. One logit for each class
 * and pixel.
 */
export class UNet extends nn.Module {
  readonly inc: DoubleConv;
  readonly down1: Down;
  readonly down2: Down;
  readonly down3: Down;
  readonly down4: Down;
  readonly up1: Up;
  readonly up2: Up;
  readonly up3: Up;
  readonly up4: Up;
  readonly outc: OutConv;

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE, ERR_NNCONV_UNKNOWN_OPTION; RangeError
   *   ERR_NNCONV_ARG_VALUE
   */
  constructor(inChannels: number, numClasses: number, options?: UNetOptions) {
    super();
    const { bilinear = false, widthMult = 1 } = optionsOf('UNet', options, OPTIONS);
    boolean('bilinear', bilinear);
    const first = widthScaler(widthMult)(64);
    const [second, third, fourth, fifth] = [2, 4, 8, 16].map((factor) => factor * first);
    // Interpolation keeps the number of channels, so less of them come up.
    const coming = (channels: number) => (bilinear ? Math.floor(channels / 2) : channels);
    this.inc = new DoubleConv(inChannels, first);
    this.down1 = new Down(first, second);
    this.down2 = new Down(second, third);
    this.down3 = new Down(third, fourth);
    this.down4 = new Down(fourth, coming(fifth));
    this.up1 = new Up(fifth, coming(fourth), bilinear);
    this.up2 = new Up(fourth, coming(third), bilinear);
    this.up3 = new Up(third, coming(second), bilinear);
    this.up4 = new Up(second, first, bilinear);
    this.outc = new OutConv(first, numClasses);
  }

  /** Logits `(N, numClasses, H, W)` of pictures `(N, inChannels, H, W)`. */
  forward(x: Tensor): Tensor {
    const x1 = this.inc.forward(x);
    const x2 = this.down1.forward(x1);
    const x3 = this.down2.forward(x2);
    const x4 = this.down3.forward(x3);
    let out = this.up1.forward(this.down4.forward(x4), x4);
    out = this.up2.forward(out, x3);
    out = this.up3.forward(out, x2);
    out = this.up4.forward(out, x1);
    return this.outc.forward(out);
  }
}

/** {@link UNet} from pictures of `inChannels` to a map of `numClasses`. */
export function unet(inChannels: number, numClasses: number, options?: UNetOptions): UNet {
  return new UNet(inChannels, numClasses, options);
}
