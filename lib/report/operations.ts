/** What a node of a network does, in few words. */
import type { NodeSpec } from '../record';

/** What a box's colour tells. */
export type StepKind = 'conv' | 'pool' | 'dense' | 'join' | 'norm' | 'shape';

const KINDS: Readonly<Record<string, StepKind>> = {
  conv: 'conv',
  pool: 'pool',
  mean: 'pool',
  linear: 'dense',
  matmul: 'dense',
  binary: 'join',
  cat: 'join',
  activation: 'norm',
  batchNorm: 'norm',
  instanceNorm: 'norm',
  groupNorm: 'norm',
  layerNorm: 'norm',
  localResponseNorm: 'norm',
  softmax: 'norm',
};

export const KIND_NAMES: Readonly<Record<StepKind, string>> = {
  conv: 'convolution',
  pool: 'pooling',
  dense: 'dense layer',
  join: 'sum, product or concatenation',
  norm: 'norm or activation',
  shape: 'other',
};

export function kindOf(spec: Readonly<NodeSpec>): StepKind {
  return KINDS[spec.op] ?? 'shape';
}

interface Windows {
  transposed?: boolean;
  kernel?: readonly number[];
  stride?: readonly number[];
  dilation?: readonly number[];
  groups?: number;
  inChannels?: number;
  kind?: string;
  outputSize?: readonly (number | null)[];
}

/** `3×3`, `3×3 /2`, `3×3 dilated 2` */
function windowText({ kernel = [], stride = [], dilation = [] }: Windows): string {
  const plain = (values: readonly number[]): string =>
    new Set(values).size === 1 ? String(values[0]) : values.join('×');
  const step = stride.some((size) => size !== 1) ? ` /${plain(stride)}` : '';
  const wide = dilation.some((size) => size !== 1) ? ` dilated ${plain(dilation)}` : '';
  return `${kernel.join('×')}${step}${wide}`;
}

function convText(details: Windows): string {
  const { transposed = false, groups = 1, inChannels } = details;
  const grouped = groups === 1 ? '' : groups === inChannels ? 'depthwise ' : `${groups}-group `;
  return `${transposed ? 'transposed ' : ''}${grouped}conv ${windowText(details)}`;
}

function poolText(details: Windows): string {
  const kind = details.kind === 'max' ? 'max' : 'average';
  return details.kernel
    ? `${kind} pool ${windowText(details)}`
    : `${kind} pool to ${details.outputSize!.map((size) => size ?? '·').join('×')}`;
}

function clampText(low: unknown, high: unknown): string {
  if (low === 0 && high === Infinity) return 'relu';
  if (low === 0 && high === 6) return 'relu6';
  return `clamp ${String(low)}…${String(high)}`;
}

const PLAIN: Readonly<Record<string, string>> = {
  batchNorm: 'batch norm',
  instanceNorm: 'instance norm',
  groupNorm: 'group norm',
  layerNorm: 'layer norm',
  localResponseNorm: 'local response norm',
  pixelShuffle: 'pixel shuffle',
  cat: 'concatenate',
};

function ownText(spec: Readonly<NodeSpec>): string {
  const details = (spec.spec ?? {}) as Windows;
  switch (spec.op) {
    case 'conv':
      return convText(details);
    case 'pool':
      return poolText(details);
    case 'activation':
      return spec.kind === 'clamp' ? clampText(spec.a, spec.b) : String(spec.kind);
    case 'binary':
      return String(spec.kind);
    default:
      return PLAIN[spec.op] ?? spec.op;
  }
}

/** The operation with all that was fused into it: `conv 3×3 /2 + norm + add + relu`. */
export function labelOf(spec: Readonly<NodeSpec>): string {
  const parts = [ownText(spec)];
  if (spec.norm) parts.push('norm');
  if (spec.adds === true) parts.push('add');
  if (Array.isArray(spec.cut)) parts.push(clampText(spec.cut[0], spec.cut[1]));
  return parts.join(' + ');
}
