/**
 * Dropout of elements and of channels, as layers and as functions. It draws as PyTorch does on a
 * CPU: after the same seed the same places are dropped.
 */
import { argValueError, pyList, shapeError } from '../errors';
import { mul } from '../ops';
import { boolean, number, optionsOf } from '../options';
import { generator } from '../random';
import { refuseTraining } from '../record';
import { allocate, checkFloat32, type Tensor, writeData } from '../tensor';
import { Module } from './module';
import { pyValue } from './repr';

/** Options of the dropout layers. */
export interface DropoutOptions {
  /** The probability that an element, or a channel, becomes 0; from 0 to 1. Default: 0.5. */
  p?: number;
  /** Whether the result overwrites the input. Default: false. */
  inplace?: boolean;
}

/** Options of the functional dropouts. */
export interface FunctionalDropoutOptions extends DropoutOptions {
  /** Whether anything is dropped at all. Default: true. */
  training?: boolean;
}

function readDropout({ p = 0.5, inplace = false }: DropoutOptions): Required<DropoutOptions> {
  if (!(number('p', p, { finite: false }) >= 0 && p <= 1)) {
    throw argValueError(`p must be a probability from 0 to 1, got ${p}`);
  }
  return { p, inplace: boolean('inplace', inplace) };
}

/** What is dropped: single elements (0), or channels of so many dimensions. */
type Channel = 0 | 1 | 2 | 3;

/**
 * How many dimensions draw on their own: N and C of `(N, C, ...)`, C of an unbatched input. As in
 * PyTorch, Dropout2d takes three dimensions for (N, C, L), Dropout3d all but five for unbatched.
 */
function drawnDims(channel: Channel, { ndim, shape }: Tensor, drops: boolean): number {
  if (channel === 0) return ndim;
  if (channel === 1 && ndim !== 2 && ndim !== 3) {
    throw shapeError(
      `dropout1d expects an input of 2 or 3 dimensions, got one of shape ${pyList(shape)}`,
    );
  }
  const batched = channel === 2 || ndim === channel + 2;
  const drawn = batched ? 2 : 1;
  if (drops && ndim < drawn) {
    throw shapeError(
      `dropout${channel}d expects an input of at least ${drawn} dimensions, got one of shape ` +
        pyList(shape),
    );
  }
  return drawn;
}

function runDropout(
  channel: Channel,
  input: Tensor,
  { p, inplace }: Required<DropoutOptions>,
  training: boolean,
): Tensor {
  checkFloat32('input', input);
  const drops = training && p > 0 && input.numel > 0;
  const drawn = drawnDims(channel, input, drops);
  if (!drops) return input;
  refuseTraining(input);
  const factors = allocate(
    'float32',
    input.shape.map((size, dim) => (dim < drawn ? size : 1)),
  );
  // PyTorch draws nothing where all is dropped.
  if (p < 1) {
    generator.fillBernoulli(writeData(factors), 1 - p, 1 / Math.fround(1 - p));
  }
  const result = mul(input, factors);
  return inplace ? input.copy_(result) : result;
}

abstract class DropoutNd extends Module {
  readonly p: number;
  readonly inplace: boolean;
  readonly #channel: Channel;

  /** @internal */
  protected constructor(channel: Channel, owner: string, options: DropoutOptions | undefined) {
    super();
    const { p, inplace } = readDropout(optionsOf(owner, options, ['p', 'inplace']));
    this.p = p;
    this.inplace = inplace;
    this.#channel = channel;
  }

  /**
   * The input itself in evaluation mode; in training a new tensor, or the input changed where
   * `inplace`.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor; RangeError
   *   ERR_NNCONV_SHAPE where it has no channels to drop
   */
  override forward(input: Tensor): Tensor {
    return runDropout(this.#channel, input, this, this.training);
  }

  override extraRepr(): string {
    return `p=${pyValue(this.p)}, inplace=${pyValue(this.inplace)}`;
  }
}

/**
 * While training, sets elements to 0 with probability p and divides the others by 1 - p.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE for a p outside [0, 1]
 */
export class Dropout extends DropoutNd {
  constructor(options?: DropoutOptions) {
    super(0, 'Dropout', options);
  }
}

/**
 * Drops whole channels of `(N, C, L)` or `(C, L)`; {@link Dropout} drops elements.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout1d.html
 *
 * @throws as {@link Dropout} does
 */
export class Dropout1d extends DropoutNd {
  constructor(options?: DropoutOptions) {
    super(1, 'Dropout1d', options);
  }
}

/**
 * Drops whole channels of `(N, C, H, W)`. As in PyTorch, three dimensions are `(N, C, L)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout2d.html
 *
 * @throws as {@link Dropout} does
 */
export class Dropout2d extends DropoutNd {
  constructor(options?: DropoutOptions) {
    super(2, 'Dropout2d', options);
  }
}

/**
 * Drops whole channels of `(N, C, D, H, W)` or `(C, D, H, W)`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout3d.html
 *
 * @throws as {@link Dropout} does
 */
export class Dropout3d extends DropoutNd {
  constructor(options?: DropoutOptions) {
    super(3, 'Dropout3d', options);
  }
}

function callDropout(
  channel: Channel,
  owner: string,
  input: Tensor,
  options: FunctionalDropoutOptions | undefined,
): Tensor {
  const given = optionsOf(owner, options, ['p', 'training', 'inplace']);
  const { training = true } = given;
  return runDropout(channel, input, readDropout(given), boolean('training', training));
}

/** {@link Dropout} as a function. */
export function dropout(input: Tensor, options?: FunctionalDropoutOptions): Tensor {
  return callDropout(0, 'dropout', input, options);
}

/** {@link Dropout1d} as a function. */
export function dropout1d(input: Tensor, options?: FunctionalDropoutOptions): Tensor {
  return callDropout(1, 'dropout1d', input, options);
}

/** {@link Dropout2d} as a function. */
export function dropout2d(input: Tensor, options?: FunctionalDropoutOptions): Tensor {
  return callDropout(2, 'dropout2d', input, options);
}

/** {@link Dropout3d} as a function. */
export function dropout3d(input: Tensor, options?: FunctionalDropoutOptions): Tensor {
  return callDropout(3, 'dropout3d', input, options);
}
