/**
 * Batch and instance normalisation, which share all but the set that statistics are taken over, as
 * layers and as functions. Which shapes are legal beside a layer's own rules is the native side's
 * business.
 */
import { binding } from '../binding';
import { pyList, shapeError } from '../errors';
import { boolean, number, optionsOf } from '../options';
import { record, refuseTraining } from '../record';
import { allocate, checkFloat32, readData, type Tensor, writeData } from '../tensor';
import { Affine, DEFAULT_EPS, floatsOf, size, wrapLike } from './affine';
import { pyValue } from './repr';

/** Options of the batch norms. */
export interface BatchNormOptions {
  /** Added to the variance, under the root. Default: 1e-5. */
  eps?: number;
  /** How far a batch moves the running statistics; null: to the mean of all batches. Default: 0.1. */
  momentum?: number | null;
  /** Whether there is a weight a channel, and a bias. Default: true. */
  affine?: boolean;
  /** Whether running statistics are kept, for `eval`. Default: true. */
  trackRunningStats?: boolean;
  /** Whether there is a bias beside the weight. Default: true. */
  bias?: boolean;
}

/** Options of the instance norms. */
export interface InstanceNormOptions {
  /** Added to the variance, under the root. Default: 1e-5. */
  eps?: number;
  /** How far a batch moves the running statistics; null: not at all. Default: 0.1. */
  momentum?: number | null;
  /** Whether there is a weight a channel, and a bias. Default: false. */
  affine?: boolean;
  /** Whether running statistics are kept, for `eval`. Default: false. */
  trackRunningStats?: boolean;
  /** Whether there is a bias beside the weight. Default: true. */
  bias?: boolean;
}

const DEFAULT_MOMENTUM = 0.1;

const CHANNEL_OPTIONS = ['eps', 'momentum', 'affine', 'trackRunningStats', 'bias'] as const;

/** What batch and instance norm share: a weight and running statistics a channel. */
abstract class ChannelNorm extends Affine {
  readonly numFeatures: number;
  readonly momentum: number | null;
  readonly affine: boolean;
  readonly trackRunningStats: boolean;

  declare running_mean: Tensor | null;
  declare running_var: Tensor | null;
  declare num_batches_tracked: Tensor<'int64'> | null;

  /** @internal */
  protected constructor(
    numFeatures: number,
    options: Partial<BatchNormOptions>,
    usually: { affine: boolean; tracked: boolean },
  ) {
    const { eps = DEFAULT_EPS, momentum = DEFAULT_MOMENTUM, bias = true } = options;
    const { affine = usually.affine, trackRunningStats = usually.tracked } = options;
    const features = size('numFeatures', numFeatures);
    super([features], eps, boolean('affine', affine), bias);
    this.numFeatures = features;
    this.momentum = momentum === null ? null : number('momentum', momentum, { finite: false });
    this.affine = affine;
    this.trackRunningStats = boolean('trackRunningStats', trackRunningStats);
    const tracked = trackRunningStats;
    this.registerBuffer('running_mean', tracked ? allocate('float32', [features]) : null);
    this.registerBuffer('running_var', tracked ? allocate('float32', [features]) : null);
    this.registerBuffer('num_batches_tracked', tracked ? allocate('int64', []) : null);
    this.resetParameters();
  }

  /** `(numFeatures)`, the buffer 'running_mean' of the state dict; null for none. */
  get runningMean(): Tensor | null {
    return this.running_mean;
  }
  set runningMean(value: Tensor | null) {
    this.running_mean = value;
  }

  /** `(numFeatures)`, the buffer 'running_var' of the state dict; null for none. */
  get runningVar(): Tensor | null {
    return this.running_var;
  }
  set runningVar(value: Tensor | null) {
    this.running_var = value;
  }

  /** A scalar, the buffer 'num_batches_tracked' of the state dict; null for none. */
  get numBatchesTracked(): Tensor<'int64'> | null {
    return this.num_batches_tracked;
  }
  set numBatchesTracked(value: Tensor<'int64'> | null) {
    this.num_batches_tracked = value;
  }

  /** Sets the running mean to 0, the variance to 1 and the number of batches to 0. */
  resetRunningStats(): void {
    this.running_mean?.fill_(0);
    this.running_var?.fill_(1);
    this.num_batches_tracked?.fill_(0);
  }

  /** Sets the weight to 1, the bias to 0, and the running statistics to their beginning. */
  override resetParameters(): void {
    this.resetRunningStats();
    super.resetParameters();
  }

  /** Checkpoints of PyTorch before 0.4.1 don't count batches. */
  protected override mayLack(name: string): boolean {
    return name === 'num_batches_tracked';
  }

  override extraRepr(): string {
    return (
      `${this.numFeatures}, eps=${pyValue(this.eps)}, momentum=${pyValue(this.momentum)}, ` +
      `affine=${pyValue(this.affine)}, bias=${pyValue(this.bias !== null)}, ` +
      `track_running_stats=${pyValue(this.trackRunningStats)}`
    );
  }
}

interface ChannelNormCall {
  runningMean: Tensor | null | undefined;
  runningVar: Tensor | null | undefined;
  weight: Tensor | null | undefined;
  bias: Tensor | null | undefined;
  /** Whether statistics come from the input, and the running ones move towards them. */
  training: boolean;
  momentum: number;
  eps: number;
}

/** Either operator on `input` seen under the batched `shape`. */
function runChannelNorm(
  operator: 'batchNorm' | 'instanceNorm',
  input: Tensor,
  shape: readonly number[],
  call: ChannelNormCall,
): Tensor {
  const { runningMean, runningVar, training } = call;
  if (training && (runningMean || runningVar)) {
    refuseTraining(input);
  }
  const recorded = record([input], () => ({
    op: operator,
    shape,
    weight: call.weight ?? null,
    bias: call.bias ?? null,
    mean: training ? null : (runningMean ?? null),
    var: training ? null : (runningVar ?? null),
    eps: call.eps,
  }));
  if (recorded) return recorded;
  if (training) {
    // They will be written to.
    if (runningMean) writeData(runningMean);
    if (runningVar) writeData(runningVar);
  }
  const data = binding()[operator](
    readData(input),
    shape,
    floatsOf('weight', call.weight),
    floatsOf('bias', call.bias),
    floatsOf('runningMean', runningMean),
    floatsOf('runningVar', runningVar),
    training,
    call.momentum,
    call.eps,
  );
  return wrapLike(data, input.shape);
}

abstract class BatchNorm extends ChannelNorm {
  readonly #ranks: readonly number[];

  /** @internal */
  protected constructor(
    ranks: readonly number[],
    numFeatures: number,
    options: BatchNormOptions | undefined,
  ) {
    const owner = `BatchNorm${ranks.at(-1)! - 2}d`;
    const given = optionsOf(owner, options, CHANNEL_OPTIONS);
    super(numFeatures, given, { affine: true, tracked: true });
    this.#ranks = ranks;
  }

  /**
   * `input` with each channel normalised: while training (and where no running statistics are kept)
   * by its own mean and variance over the batch, towards which the running ones move; by the running
   * ones otherwise.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor; RangeError
   *   ERR_NNCONV_SHAPE where its shape doesn't fit, or leaves one value a channel in training;
   *   RangeError ERR_NNCONV_ARG_VALUE for an `eps` of 0 or less in training
   */
  override forward(input: Tensor): Tensor {
    checkFloat32('input', input);
    checkRank(input, this.#ranks);
    const { running_mean: mean, running_var: variance, num_batches_tracked: count } = this;
    if (
      input.shape[1] !== this.numFeatures &&
      (this.weight ?? this.bias ?? mean ?? variance) !== null
    ) {
      throw shapeError(
        `expected ${this.numFeatures} channels (numFeatures), but got input of size: ` +
          pyList(input.shape),
      );
    }
    const counting = this.training && this.trackRunningStats && count !== null;
    const batches = counting ? readData(count)[0] + 1n : 0n;
    const cumulative = counting ? 1 / Number(batches) : 0;
    const kept = !this.training || this.trackRunningStats;
    const result = runChannelNorm('batchNorm', input, input.shape, {
      runningMean: kept ? mean : null,
      runningVar: kept ? variance : null,
      weight: this.weight,
      bias: this.bias,
      training: this.training || (mean === null && variance === null),
      momentum: this.momentum ?? cumulative,
      eps: this.eps,
    });
    if (counting) writeData(count)[0] = batches;
    return result;
  }
}

function checkRank(input: Tensor, ranks: readonly number[]): void {
  if (ranks.includes(input.ndim)) return;
  throw shapeError(
    `expected ${ranks.map((rank) => `${rank}D`).join(' or ')} input (got ${input.ndim}D input), ` +
      `of size: ${pyList(input.shape)}`,
  );
}

abstract class InstanceNorm extends ChannelNorm {
  readonly #dims: number;

  /** @internal */
  protected constructor(
    dims: number,
    numFeatures: number,
    options: InstanceNormOptions | undefined,
  ) {
    const given = optionsOf(`InstanceNorm${dims}d`, options, CHANNEL_OPTIONS);
    super(numFeatures, given, { affine: false, tracked: false });
    this.#dims = dims;
  }

  /**
   * `input`, batched or not, with each channel of each instance normalised by its own mean and
   * variance; by the running ones in `eval` where these are kept.
   *
   * @throws TypeError ERR_NNCONV_ARG_TYPE unless `input` is a float32 Tensor; RangeError
   *   ERR_NNCONV_SHAPE where its shape doesn't fit, or leaves one value a channel
   */
  override forward(input: Tensor): Tensor {
    checkFloat32('input', input);
    const unbatched = this.#dims + 1;
    checkRank(input, [unbatched, unbatched + 1]);
    const shape = input.ndim === unbatched ? [1, ...input.shape] : input.shape;
    // A layer without parameters takes any number of channels, as in PyTorch.
    if (shape[1] !== this.numFeatures && (this.affine || this.running_mean !== null)) {
      throw shapeError(
        `expected input's size at dim=${input.ndim - unbatched} to match numFeatures ` +
          `(${this.numFeatures}), but got input of size: ${pyList(input.shape)}`,
      );
    }
    return runChannelNorm('instanceNorm', input, shape, {
      runningMean: this.running_mean,
      runningVar: this.running_var,
      weight: this.weight,
      bias: this.bias,
      training: this.training || !this.trackRunningStats,
      momentum: this.momentum ?? 0,
      eps: this.eps,
    });
  }
}

/**
 * Batch normalisation of inputs `(N, C)` or `(N, C, L)`, C being `numFeatures`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE or ERR_NNCONV_UNKNOWN_OPTION, RangeError
 *   ERR_NNCONV_ARG_VALUE or ERR_NNCONV_ALLOC
 */
export class BatchNorm1d extends BatchNorm {
  constructor(numFeatures: number, options?: BatchNormOptions) {
    super([2, 3], numFeatures, options);
  }
}

/**
 * Batch normalisation of inputs `(N, C, H, W)`, C being `numFeatures`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
 *
 * @throws as {@link BatchNorm1d} does
 */
export class BatchNorm2d extends BatchNorm {
  constructor(numFeatures: number, options?: BatchNormOptions) {
    super([4], numFeatures, options);
  }
}

/**
 * Batch normalisation of inputs `(N, C, D, H, W)`, C being `numFeatures`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm3d.html
 *
 * @throws as {@link BatchNorm1d} does
 */
export class BatchNorm3d extends BatchNorm {
  constructor(numFeatures: number, options?: BatchNormOptions) {
    super([5], numFeatures, options);
  }
}

/**
 * Instance normalisation of inputs `(N, C, L)` or `(C, L)`, C being `numFeatures`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.InstanceNorm1d.html
 *
 * @throws as {@link BatchNorm1d} does
 */
export class InstanceNorm1d extends InstanceNorm {
  constructor(numFeatures: number, options?: InstanceNormOptions) {
    super(1, numFeatures, options);
  }
}

/**
 * Instance normalisation of inputs `(N, C, H, W)` or `(C, H, W)`, C being `numFeatures`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.InstanceNorm2d.html
 *
 * @throws as {@link BatchNorm1d} does
 */
export class InstanceNorm2d extends InstanceNorm {
  constructor(numFeatures: number, options?: InstanceNormOptions) {
    super(2, numFeatures, options);
  }
}

/**
 * Instance normalisation of inputs `(N, C, D, H, W)` or `(C, D, H, W)`, C being `numFeatures`.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.InstanceNorm3d.html
 *
 * @throws as {@link BatchNorm1d} does
 */
export class InstanceNorm3d extends InstanceNorm {
  constructor(numFeatures: number, options?: InstanceNormOptions) {
    super(3, numFeatures, options);
  }
}

/**
 * Batch normalisation of `input`, `(N, C, ...)`. In training by the input's own statistics, to which
 * the running ones, where given, are moved.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.batch_norm.html
 *
 * @param options `training` (default: false), `momentum` (default: 0.1) and `eps` (default: 1e-5)
 * @throws as nn.BatchNorm2d and its `forward` do; RangeError ERR_NNCONV_ARG_VALUE without running
 *   statistics outside training
 */
export function batchNorm(
  input: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  weight?: Tensor | null,
  bias?: Tensor | null,
  options?: { training?: boolean; momentum?: number; eps?: number },
): Tensor {
  const given = optionsOf('batchNorm', options, ['training', 'momentum', 'eps']);
  const { training = false, momentum = DEFAULT_MOMENTUM, eps = DEFAULT_EPS } = given;
  checkFloat32('input', input);
  return runChannelNorm('batchNorm', input, input.shape, {
    runningMean,
    runningVar,
    weight,
    bias,
    training: boolean('training', training),
    momentum: number('momentum', momentum, { finite: false }),
    eps: number('eps', eps, { finite: false }),
  });
}

/**
 * Instance normalisation of `input`, `(N, C, ...)`. By each instance's own statistics, to whose mean
 * the running ones, where given, are moved; by the running ones where `useInputStats` is false.
 *
 * Follows https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.instance_norm.html
 *
 * @param options `useInputStats` (default: true), `momentum` (default: 0.1) and `eps` (default: 1e-5)
 * @throws as nn.InstanceNorm2d and its `forward` do; RangeError ERR_NNCONV_ARG_VALUE without running
 *   statistics where these are to be used
 */
export function instanceNorm(
  input: Tensor,
  runningMean?: Tensor | null,
  runningVar?: Tensor | null,
  weight?: Tensor | null,
  bias?: Tensor | null,
  options?: { useInputStats?: boolean; momentum?: number; eps?: number },
): Tensor {
  const given = optionsOf('instanceNorm', options, ['useInputStats', 'momentum', 'eps']);
  const { useInputStats = true, momentum = DEFAULT_MOMENTUM, eps = DEFAULT_EPS } = given;
  checkFloat32('input', input);
  return runChannelNorm('instanceNorm', input, input.shape, {
    runningMean,
    runningVar,
    weight,
    bias,
    training: boolean('useInputStats', useInputStats),
    momentum: number('momentum', momentum, { finite: false }),
    eps: number('eps', eps, { finite: false }),
  });
}
