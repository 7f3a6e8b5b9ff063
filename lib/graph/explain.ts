/** What a compiled network does, step by step, for people to read. */
import type { GraphExplanation } from '../binding';
import type { Graph, GraphNode } from '../nn/trace';

/** One step of a compiled network. */
export interface StepExplanation {
  /**
   * What it computes, with what was fused into it: 'pad+conv+batchNorm+add+clamp'; 'reorder' where only
   * the layout changes.
   */
  operation: string;
  /** The modules that it does the work of, by their dotted names. */
  modules: readonly string[];
  /** The algorithm of a convolution; '' for others. */
  algorithm: string;
  /** How the output lies in memory: 'NCHW', or in blocks of so many channels: 'NCHW8c'. */
  layout: string;
  outputShape: readonly number[];
  /** Bytes of the tensors read and written. */
  bytes: number;
  /** Bytes of the weights as the step reads them. */
  packedBytes: number;
  /** Multiply-accumulates. */
  macs: number;
}

const graphs = new WeakMap<Explanation, Graph>();
const nodesOfSteps = new WeakMap<StepExplanation, GraphNode>();

/**
 * The network that is explained, after fusing.
 *
 * @internal
 */
export function graphOf(explanation: Explanation): Graph {
  return graphs.get(explanation)!;
}

/**
 * The node that a step computes, or reorders the input of.
 *
 * @internal
 */
export function nodeOf(step: StepExplanation): GraphNode {
  return nodesOfSteps.get(step)!;
}

function operationOf({ spec }: GraphNode): string {
  const { op, padded, norm, adds, cut, kind } = spec;
  const parts = [op === 'activation' || op === 'binary' ? String(kind) : op];
  if (padded === true) parts.unshift('pad');
  if (norm) parts.push('batchNorm');
  if (adds === true) parts.push('add');
  if (cut) parts.push('clamp');
  return parts.join('+');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column].length)),
  );
  const numeric = head.map((_, column) => rows.every((row) => /^[\d.]*$/.test(row[column])));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        numeric[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column]),
      )
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function mega(value: number): string {
  return (value / 1e6).toFixed(2);
}

/** The steps of a compiled network for one set of input shapes. */
export class Explanation {
  readonly steps: readonly StepExplanation[];
  readonly outputShapes: readonly (readonly number[])[];
  /** Bytes of the block of memory that all intermediate results share. */
  readonly arenaBytes: number;
  /** Bytes of all weights as steps read them. */
  readonly packedBytes: number;

  /** @internal */
  constructor(graph: Graph, native: GraphExplanation) {
    this.steps = native.steps.map((step) => {
      const node = graph.nodes[step.node];
      const explained: StepExplanation = {
        operation: step.reorder ? 'reorder' : operationOf(node),
        modules: step.reorder ? [] : node.modules,
        algorithm: step.algorithm,
        layout: step.layout,
        outputShape: step.outputShape,
        bytes: step.bytes,
        packedBytes: step.packedBytes,
        macs: step.macs,
      };
      nodesOfSteps.set(explained, node);
      return explained;
    });
    graphs.set(this, graph);
    this.outputShapes = native.outputShapes;
    this.arenaBytes = native.arenaBytes;
    this.packedBytes = native.packedBytes;
  }

  /** @internal */
  protected columns(step: StepExplanation, _index: number): Record<string, string> {
    return {
      operation: step.operation,
      algorithm: step.algorithm,
      layout: step.layout,
      output: step.outputShape.join('x'),
      'MB moved': mega(step.bytes + step.packedBytes),
      'M MACs': mega(step.macs),
      modules: step.modules.join(' '),
    };
  }

  toString(): string {
    const rows = this.steps.map((step, index) => this.columns(step, index));
    const head = rows.length > 0 ? Object.keys(rows[0]) : [];
    const macs = this.steps.reduce((total, step) => total + step.macs, 0);
    return (
      `${table(
        head,
        rows.map((row) => Object.values(row)),
      )}\n` +
      `${rows.length} steps, ${mega(macs)} M MACs, ${mega(this.arenaBytes)} MB of activations, ` +
      `${mega(this.packedBytes)} MB of weights`
    );
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** An {@link Explanation} with times. */
export class Profile extends Explanation {
  /** Seconds of each step. */
  readonly seconds: readonly number[];

  /** @internal */
  constructor(graph: Graph, native: GraphExplanation, seconds: readonly number[]) {
    super(graph, native);
    this.seconds = seconds;
  }

  /** Seconds of all steps. */
  get total(): number {
    return this.seconds.reduce((total, step) => total + step, 0);
  }

  protected override columns(step: StepExplanation, index: number): Record<string, string> {
    const seconds = this.seconds[index];
    return {
      ms: (seconds * 1e3).toFixed(3),
      '%': ((100 * seconds) / this.total).toFixed(1),
      'GFLOP/s': step.macs > 0 ? ((2 * step.macs) / seconds / 1e9).toFixed(1) : '',
      ...super.columns(step, index),
    };
  }

  override toString(): string {
    return `${super.toString()}, ${(this.total * 1e3).toFixed(3)} ms`;
  }
}
