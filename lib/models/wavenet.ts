/** A network after WaveNet: a stack of gated, dilated, causal convolutions over a sequence. */
import { argValueError, shapeError, show } from '../errors';
import * as nn from '../nn';
import { add, mul } from '../ops';
import { integer, optionsOf } from '../options';
import type { Tensor } from '../tensor';

/** Options of {@link wavenet}. */
export interface WaveNetOptions {
  /** Channels of input and output: the values that a sample may take. Default: 256. */
  classes?: number;
  /** Layers in each block; the dilation doubles from one to the next. Default: 10. */
  layers?: number;
  /** Blocks; each starts at dilation 1 again. Default: 4. */
  blocks?: number;
  /** Taps of the dilated convolutions. Default: 2. */
  kernelSize?: number;
  /** Channels between the layers. Default: 32. */
  residualChannels?: number;
  /** Channels inside a layer. Default: 32. */
  dilationChannels?: number;
  /** Channels that the layers' outputs are summed in. Default: 256. */
  skipChannels?: number;
  /** Channels of the hidden layer at the end. Default: 256. */
  endChannels?: number;
  /** Whether the convolutions in the layers have a bias. Default: false. */
  bias?: boolean;
}

const OPTIONS = [
  'classes',
  'layers',
  'blocks',
  'kernelSize',
  'residualChannels',
  'dilationChannels',
  'skipChannels',
  'endChannels',
  'bias',
] as const;

function atLeastOne(name: string, value: unknown): number {
  const result = integer(name, value);
  if (result < 1) throw argValueError(`${name} must be at least 1, got ${show(value)}`);
  return result;
}

/** The last `length` steps of a sequence: negative padding crops. */
function last(x: Tensor, length: number): Tensor {
  const [, , steps] = x.shape;
  return steps === length ? x : nn.functional.pad(x, [length - steps, 0]);
}

/**
 * WaveNet: (N, classes, L) -> (N, classes, L - receptiveField + 1). Output t holds the logits of the
 * sample after the window of `receptiveField` inputs that starts at t.
 *
 * After https://arxiv.org/abs/1609.03499
 */
export class WaveNet extends nn.Module {
  /** Inputs that one output sees. */
  readonly receptiveField: number;
  readonly start_conv: nn.Conv1d;
  readonly filter_convs: nn.ModuleList;
  readonly gate_convs: nn.ModuleList;
  readonly residual_convs: nn.ModuleList;
  readonly skip_convs: nn.ModuleList;
  readonly end_conv_1: nn.Conv1d;
  readonly end_conv_2: nn.Conv1d;

  /**
   * @throws TypeError ERR_NNCONV_ARG_TYPE, ERR_NNCONV_UNKNOWN_OPTION; RangeError
   *   ERR_NNCONV_ARG_VALUE
   */
  constructor(options?: WaveNetOptions) {
    super();
    const {
      classes = 256,
      layers = 10,
      blocks = 4,
      kernelSize = 2,
      residualChannels = 32,
      dilationChannels = 32,
      skipChannels = 256,
      endChannels = 256,
      bias = false,
    } = optionsOf('WaveNet', options, OPTIONS);
    atLeastOne('layers', layers);
    const dilations = Array.from(
      { length: layers * atLeastOne('blocks', blocks) },
      (_, i) => 2 ** (i % layers),
    );
    const total = dilations.reduce((sum, dilation) => sum + dilation, 0);
    this.receptiveField = total * (kernelSize - 1) + 1;

    const gated = () =>
      dilations.map(
        (dilation) =>
          new nn.Conv1d(residualChannels, dilationChannels, kernelSize, { dilation, bias }),
      );
    const pointwise = (outChannels: number) =>
      dilations.map(() => new nn.Conv1d(dilationChannels, outChannels, 1, { bias }));
    this.start_conv = new nn.Conv1d(classes, residualChannels, 1, { bias });
    this.filter_convs = new nn.ModuleList(gated());
    this.gate_convs = new nn.ModuleList(gated());
    this.residual_convs = new nn.ModuleList(pointwise(residualChannels));
    this.skip_convs = new nn.ModuleList(pointwise(skipChannels));
    this.end_conv_1 = new nn.Conv1d(skipChannels, endChannels, 1);
    this.end_conv_2 = new nn.Conv1d(endChannels, classes, 1);
  }

  /**
   * Logits `(N, classes, L - receptiveField + 1)` of sequences `(N, classes, L)`.
   *
   * @throws RangeError ERR_NNCONV_SHAPE for sequences shorter than `receptiveField`
   */
  forward(sequence: Tensor): Tensor {
    const { relu, sigmoid, tanh } = nn.functional;
    const length = sequence.shape[2] - this.receptiveField + 1;
    if (!(length >= 1)) {
      throw shapeError(
        `input must have shape (N, classes, L) with L at least ${this.receptiveField}, the ` +
          `receptive field; got ${show(sequence.shape)}`,
      );
    }
    const layer = (list: nn.ModuleList, i: number) => list.at(i) as nn.Conv1d;
    let x = this.start_conv.forward(sequence);
    let skipped: Tensor | undefined;
    for (let i = 0; i < this.filter_convs.length; i++) {
      const filter = tanh(layer(this.filter_convs, i).forward(x));
      const gated = mul(filter, sigmoid(layer(this.gate_convs, i).forward(x)));
      const skip = layer(this.skip_convs, i).forward(last(gated, length));
      skipped = skipped === undefined ? skip : add(skipped, skip);
      x = add(layer(this.residual_convs, i).forward(gated), last(x, gated.shape[2]));
    }
    return this.end_conv_2.forward(relu(this.end_conv_1.forward(relu(skipped!))));
  }
}

/** A {@link WaveNet}. */
export function wavenet(options?: WaveNetOptions): WaveNet {
  return new WaveNet(options);
}
