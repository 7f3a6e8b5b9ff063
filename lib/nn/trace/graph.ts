/** A network as a list of nodes: what tracing writes, fusing rewrites and the native side runs. */
import type { NodeSpec } from '../../record';
import type { Elements, Tensor } from '../../tensor';

/** A tensor of the network that is no input: a weight, say. */
export interface Constant {
  readonly kind: 'constant';
  readonly elements: Elements<'float32'>;
  readonly shape: readonly number[];
  /** The same for the same elements. */
  readonly id: string;
}

export interface GraphNode {
  readonly spec: Readonly<NodeSpec>;
  /** Values: the inputs of the network are the first ones, then the output of each node. */
  readonly inputs: readonly number[];
  readonly shape: readonly number[];
  /** The modules that it is made of, by their dotted names. */
  readonly modules: readonly string[];
}

export interface Graph {
  readonly inputShapes: readonly (readonly number[])[];
  readonly nodes: readonly GraphNode[];
  readonly outputs: readonly number[];
}

export function isConstant(value: unknown): value is Constant {
  return typeof value === 'object' && value !== null && (value as Constant).kind === 'constant';
}

/** What `forward` returned, with the numbers of the outputs in place of tensors. */
export type OutputTree = number | readonly OutputTree[] | { readonly [key: string]: OutputTree };

/** The tensors of `tree`, put where their numbers stand. */
export function fillTree(tree: OutputTree, tensors: readonly Tensor[]): unknown {
  if (typeof tree === 'number') return tensors[tree];
  if (Array.isArray(tree)) {
    return (tree as readonly OutputTree[]).map((item) => fillTree(item, tensors));
  }
  return Object.fromEntries(
    Object.entries(tree).map(([key, item]) => [key, fillTree(item, tensors)]),
  );
}
