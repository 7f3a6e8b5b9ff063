/** C3D: features of video clips. */
import * as nn from '../nn';
import { flatten } from '../ops';
import { optionsOf } from '../options';
import type { Tensor } from '../tensor';
import { type DropoutOptions, widthScaler, type WidthOptions } from './common';

/** Options of {@link c3d}; `dropout` is 0.5 by default. */
export interface C3DOptions extends WidthOptions, DropoutOptions {
  /** Size of the output. Default: 487, Sports-1M's classes. */
  numClasses?: number;
}

const OPTIONS = ['numClasses', 'widthMult', 'dropout'] as const;

/**
 * C3D: (N, 3, 16, 112, 112), clips of 16 frames, -> (N, numClasses) logits.
 *
 * After https://arxiv.org/abs/1412.0767
 */
export class C3D extends nn.Module {
  readonly conv1: nn.Conv3d;
  readonly pool1: nn.MaxPool3d;
  readonly conv2: nn.Conv3d;
  readonly pool2: nn.MaxPool3d;
  readonly conv3a: nn.Conv3d;
  readonly conv3b: nn.Conv3d;
  readonly pool3: nn.MaxPool3d;
  readonly conv4a: nn.Conv3d;
  readonly conv4b: nn.Conv3d;
  readonly pool4: nn.MaxPool3d;
  readonly conv5a: nn.Conv3d;
  readonly conv5b: nn.Conv3d;
  readonly pool5: nn.MaxPool3d;
  readonly fc6: nn.Linear;
  readonly fc7: nn.Linear;
  readonly fc8: nn.Linear;
  readonly dropout: nn.Dropout;
  readonly relu: nn.ReLU;

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE, ERR_NNCONV_UNKNOWN_OPTION; RangeError
   *   ERR_NNCONV_ARG_VALUE
   */
  constructor(options?: C3DOptions) {
    super();
    const { numClasses = 487, widthMult = 1, dropout = 0.5 } = optionsOf('C3D', options, OPTIONS);
    const scaled = widthScaler(widthMult);
    const conv = (inPlanes: number, outPlanes: number) =>
      new nn.Conv3d(inPlanes, outPlanes, 3, { padding: 1 });
    const [first, second, third, fourth] = [64, 128, 256, 512].map(scaled);
    const hidden = scaled(4096);
    this.conv1 = conv(3, first);
    // All frames are kept at first.
    this.pool1 = new nn.MaxPool3d([1, 2, 2], { stride: [1, 2, 2] });
    this.conv2 = conv(first, second);
    this.pool2 = new nn.MaxPool3d(2, { stride: 2 });
    this.conv3a = conv(second, third);
    this.conv3b = conv(third, third);
    this.pool3 = new nn.MaxPool3d(2, { stride: 2 });
    this.conv4a = conv(third, fourth);
    this.conv4b = conv(fourth, fourth);
    this.pool4 = new nn.MaxPool3d(2, { stride: 2 });
    this.conv5a = conv(fourth, fourth);
    this.conv5b = conv(fourth, fourth);
    this.pool5 = new nn.MaxPool3d(2, { stride: 2, padding: [0, 1, 1] });
    this.fc6 = new nn.Linear(fourth * 4 * 4, hidden);
    this.fc7 = new nn.Linear(hidden, hidden);
    this.fc8 = new nn.Linear(hidden, numClasses);
    this.dropout = new nn.Dropout({ p: dropout });
    this.relu = new nn.ReLU();
  }

  /** Scores `(N, numClasses)`, before a softmax, of clips `(N, 3, 16, 112, 112)`. */
  forward(clips: Tensor): Tensor {
    const conv = (layer: nn.Conv3d, x: Tensor) => this.relu.forward(layer.forward(x));
    const hidden = (layer: nn.Linear, x: Tensor) =>
      this.dropout.forward(this.relu.forward(layer.forward(x)));
    let x = this.pool1.forward(conv(this.conv1, clips));
    x = this.pool2.forward(conv(this.conv2, x));
    x = this.pool3.forward(conv(this.conv3b, conv(this.conv3a, x)));
    x = this.pool4.forward(conv(this.conv4b, conv(this.conv4a, x)));
    x = this.pool5.forward(conv(this.conv5b, conv(this.conv5a, x)));
    return this.fc8.forward(hidden(this.fc7, hidden(this.fc6, flatten(x, 1))));
  }
}

/** {@link C3D}. */
export function c3d(options?: C3DOptions): C3D {
  return new C3D(options);
}
